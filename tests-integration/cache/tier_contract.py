"""What every shared tier promises; inherited by the tests of each, which say how to make one."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias, cast

import pytest

from tradai.cache._tier.shared_tier import Busy, CacheKey, Claim, Tier

__all__ = [
    "KEY",
    "OTHER",
    "PATIENCE_S",
    "Heard",
    "Member",
    "NewMember",
    "TierContract",
    "busy_at",
    "claimed",
    "load",
]

PATIENCE_S: Final = 60.0
KEY: Final = CacheKey("markets.1", bytes(range(16)))
OTHER: Final = CacheKey("markets.1", bytes(16))
ELSEWHERE: Final = CacheKey("markets.2", bytes(range(16)))


class Heard:
    """What a tier told the cache."""

    def __init__(self) -> None:
        self.all: list[object] = []
        self._lock = threading.Condition()

    def invalidated(self, key: CacheKey) -> None:
        self._note(key)

    def cleared(self, namespace: str) -> None:
        self._note(namespace)

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        self._note((is_up, reason))

    def _note(self, what: object) -> None:
        with self._lock:
            self.all.append(what)
            self._lock.notify_all()

    def until(self, is_enough: Callable[[list[object]], bool]) -> list[object]:
        """Wait until what was heard is enough, and return it."""
        with self._lock:
            assert self._lock.wait_for(lambda: is_enough(self.all), PATIENCE_S), self.all
            return list(self.all)

    def until_told(self, what: object) -> None:
        """Wait until `what` was heard."""
        self.until(lambda heard: what in heard)


Member: TypeAlias = tuple[Tier, Heard]
NewMember: TypeAlias = Callable[[], Member]


class TierContract:
    """Inherit it, and define a fixture `new_member`: each call is another process to the tier.

    A claim is to last for minutes, so that only a message can end the wait for it in time.
    """

    @pytest.fixture
    def new_member(self) -> NewMember:
        """A function that returns a tier of its own, and what it hears."""
        raise NotImplementedError

    @pytest.fixture
    def here(self, new_member: NewMember) -> Member:
        """A member that has been asked already, so that it hears everything."""
        return _listening(new_member())

    @pytest.fixture
    def there(self, new_member: NewMember) -> Member:
        """Another one."""
        return _listening(new_member())

    def test_nothing_is_kept_at_first(self, here: Member) -> None:
        tier, _ = here

        assert tier.fetch(KEY) is None
        assert asyncio.run(tier.fetch_async(KEY)) is None

    def test_what_a_holder_stores_everybody_fetches(self, here: Member, there: Member) -> None:
        load(here[0], KEY, b"\x00 sealed \xff")

        for tier, _ in (here, there):
            assert tier.fetch(KEY) == b"\x00 sealed \xff"
            assert asyncio.run(tier.fetch_async(KEY)) == b"\x00 sealed \xff"
            assert tier.claim(KEY) == b"\x00 sealed \xff"
        assert here[0].fetch(OTHER) is None
        assert here[0].fetch(ELSEWHERE) is None

    def test_the_second_to_claim_waits_for_the_first(self, here: Member, there: Member) -> None:
        claim = claimed(here[0])
        busy = busy_at(there[0])

        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(busy.wait)
            assert not waiting.done()
            assert claim.store(b"sealed", keep_ms=60_000)
            waiting.result(timeout=PATIENCE_S)

        assert there[0].fetch(KEY) == b"sealed"

    @pytest.mark.parametrize("ending", ["store", "release", "invalidate", "clear"])
    def test_whatever_ends_a_claim_wakes_those_who_wait(
        self, here: Member, there: Member, ending: str
    ) -> None:
        claim = claimed(here[0])
        busy = busy_at(there[0])
        endings: dict[str, Callable[[], object]] = {
            "store": lambda: claim.store(b"sealed", keep_ms=60_000),
            "release": claim.release,
            "invalidate": lambda: there[0].invalidate(KEY),
            "clear": lambda: here[0].clear(KEY.namespace),
        }

        endings[ending]()

        # The lease of a tier under test lasts for much longer.
        with ThreadPoolExecutor() as pool:
            pool.submit(busy.wait).result(timeout=PATIENCE_S)

    def test_a_released_place_is_free(self, here: Member, there: Member) -> None:
        claim = claimed(here[0])

        claim.release()
        claim.release()

        assert there[0].fetch(KEY) is None
        load(there[0], KEY, b"theirs")

    def test_an_invalidated_value_is_gone_everywhere(self, here: Member, there: Member) -> None:
        load(here[0], KEY, b"old")
        load(here[0], OTHER, b"other")

        there[0].invalidate(KEY)

        assert here[0].fetch(KEY) is None
        assert there[0].fetch(KEY) is None
        assert here[0].fetch(OTHER) == b"other"
        here[1].until_told(KEY)
        assert KEY not in there[1].all

    def test_a_load_that_was_overtaken_is_not_stored(self, here: Member, there: Member) -> None:
        claim = claimed(here[0])

        there[0].invalidate(KEY)

        assert not claim.store(b"old", keep_ms=60_000)
        assert here[0].fetch(KEY) is None
        load(there[0], KEY, b"new")
        assert not claim.store(b"old", keep_ms=60_000)
        assert here[0].fetch(KEY) == b"new"

    def test_a_cleared_namespace_is_empty_and_others_are_not(
        self, here: Member, there: Member
    ) -> None:
        for key in (KEY, OTHER, ELSEWHERE):
            load(here[0], key, b"old")
        assert there[0].fetch(KEY) == b"old"

        here[0].clear(KEY.namespace)

        assert here[0].fetch(KEY) is None
        there[1].until_told(KEY.namespace)
        assert there[0].fetch(KEY) is None
        assert there[0].fetch(OTHER) is None
        assert there[0].fetch(ELSEWHERE) == b"old"
        assert KEY.namespace not in here[1].all

    def test_a_load_from_before_a_clear_is_not_stored(self, here: Member, there: Member) -> None:
        claim = claimed(here[0])

        there[0].clear(KEY.namespace)

        assert not claim.store(b"old", keep_ms=60_000)
        assert there[0].fetch(KEY) is None
        load(here[0], KEY, b"new")

    def test_a_value_ends_by_itself(self, here: Member) -> None:
        tier, _ = here
        claim = claimed(tier)
        assert claim.store(b"sealed", keep_ms=1)

        deadline = time.monotonic() + PATIENCE_S
        while tier.fetch(KEY) is not None:
            assert time.monotonic() < deadline

    def test_a_value_that_is_over_is_not_stored(self, here: Member) -> None:
        claim = claimed(here[0])

        assert not claim.store(b"sealed", keep_ms=0)
        load(here[0], KEY, b"sealed")

    def test_one_of_many_mayload(self, here: Member, there: Member) -> None:
        together = threading.Barrier(8)

        def claims(tier: Tier) -> object:
            together.wait()
            return tier.claim(KEY)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(claims, [here[0], there[0]] * 4))

        assert sum(hasattr(one, "store") for one in found) == 1

    def test_a_quiet_tier_keeps_its_generation(self, here: Member, there: Member) -> None:
        before = here[0].generation

        load(here[0], KEY, b"old")
        there[0].invalidate(KEY)
        there[0].clear(KEY.namespace)
        here[1].until_told(KEY.namespace)

        assert here[0].generation == before

    def test_a_closed_tier_can_be_closed_again(self, here: Member) -> None:
        here[0].close()
        here[0].close()


def _listening(member: Member) -> Member:
    member[0].fetch(KEY)
    return member


def claimed(tier: Tier, key: CacheKey = KEY) -> Claim:
    """Claim a place that is free."""
    found = tier.claim(key)
    assert hasattr(found, "store"), found
    return cast("Claim", found)


def busy_at(tier: Tier, key: CacheKey = KEY) -> Busy:
    """Claim a place that somebody else holds."""
    found = tier.claim(key)
    assert hasattr(found, "wait"), found
    return cast("Busy", found)


def load(tier: Tier, key: CacheKey, sealed: bytes) -> None:
    """Keep `sealed` for a minute."""
    assert claimed(tier, key).store(sealed, keep_ms=60_000)
