"""The contract of every shared tier, as tests to inherit, and helpers for tests of tiers."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias, cast

import pytest

from tradai.cache._tier.shared_tier import Busy, CacheKey, Lease, Tier

__all__ = [
    "KEY",
    "OTHER",
    "PATIENCE_S",
    "EventRecorder",
    "Member",
    "NewMember",
    "TierContract",
    "busy_lease",
    "load",
    "new_lease",
]

PATIENCE_S: Final = 60.0
KEY: Final = CacheKey("markets.1", bytes(range(16)))
OTHER: Final = CacheKey("markets.1", bytes(16))
ELSEWHERE: Final = CacheKey("markets.2", bytes(range(16)))


class EventRecorder:
    """Records the events that a tier sends to its cache."""

    def __init__(self) -> None:
        self.all: list[object] = []
        self._lock = threading.Condition()

    def invalidated(self, key: CacheKey) -> None:
        self._record(key)

    def cleared(self, namespace: str) -> None:
        self._record(namespace)

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        self._record((is_up, reason))

    def _record(self, event: object) -> None:
        with self._lock:
            self.all.append(event)
            self._lock.notify_all()

    def wait_until(self, is_enough: Callable[[list[object]], bool]) -> list[object]:
        """Wait until `is_enough` accepts the events so far, and return them."""
        with self._lock:
            assert self._lock.wait_for(lambda: is_enough(self.all), PATIENCE_S), self.all
            return list(self.all)

    def wait_for(self, event: object) -> None:
        """Wait until `event` was recorded."""
        self.wait_until(lambda events: event in events)


Member: TypeAlias = tuple[Tier, EventRecorder]
NewMember: TypeAlias = Callable[[], Member]


class TierContract:
    """Inherit it, and define a fixture `new_member` that connects one more process to the tier.

    A lease must last for minutes, so that only a message can end a wait for it in time.
    """

    @pytest.fixture
    def new_member(self) -> NewMember:
        """A function that connects a tier and returns it with the recorder of its events."""
        raise NotImplementedError

    @pytest.fixture
    def here(self, new_member: NewMember) -> Member:
        """A member that has fetched once, so that it receives every message."""
        return _listening(new_member())

    @pytest.fixture
    def there(self, new_member: NewMember) -> Member:
        """A second member, which has fetched once, too."""
        return _listening(new_member())

    def test_a_new_tier_is_empty(self, here: Member) -> None:
        tier, _ = here

        assert tier.fetch(KEY) is None
        assert asyncio.run(tier.fetch_async(KEY)) is None

    def test_every_member_fetches_a_stored_value(self, here: Member, there: Member) -> None:
        load(here[0], KEY, b"\x00 sealed \xff")

        for tier, _ in (here, there):
            assert tier.fetch(KEY) == b"\x00 sealed \xff"
            assert asyncio.run(tier.fetch_async(KEY)) == b"\x00 sealed \xff"
            assert tier.acquire(KEY) == b"\x00 sealed \xff"
        assert here[0].fetch(OTHER) is None
        assert here[0].fetch(ELSEWHERE) is None

    def test_the_second_to_acquire_waits_for_the_first(self, here: Member, there: Member) -> None:
        lease = new_lease(here[0])
        busy = busy_lease(there[0])

        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(busy.wait)
            assert not waiting.done()
            assert lease.store(b"sealed", keep_ms=3_600_000)
            waiting.result(timeout=PATIENCE_S)

        assert there[0].fetch(KEY) == b"sealed"

    @pytest.mark.parametrize("ending", ["store", "release", "invalidate", "clear"])
    def test_every_end_of_a_lease_wakes_the_waiting_callers(
        self, here: Member, there: Member, ending: str
    ) -> None:
        lease = new_lease(here[0])
        busy = busy_lease(there[0])
        endings: dict[str, Callable[[], object]] = {
            "store": lambda: lease.store(b"sealed", keep_ms=3_600_000),
            "release": lease.release,
            "invalidate": lambda: there[0].invalidate(KEY),
            "clear": lambda: here[0].clear(KEY.namespace),
        }

        endings[ending]()

        # The lease of a tier under test lasts much longer than this timeout.
        with ThreadPoolExecutor() as pool:
            pool.submit(busy.wait).result(timeout=PATIENCE_S)

    def test_a_released_key_is_free(self, here: Member, there: Member) -> None:
        lease = new_lease(here[0])

        lease.release()
        lease.release()

        assert there[0].fetch(KEY) is None
        load(there[0], KEY, b"theirs")

    def test_an_invalidated_value_is_gone_everywhere(self, here: Member, there: Member) -> None:
        load(here[0], KEY, b"old")
        load(here[0], OTHER, b"other")

        there[0].invalidate(KEY)

        assert here[0].fetch(KEY) is None
        assert there[0].fetch(KEY) is None
        assert here[0].fetch(OTHER) == b"other"
        here[1].wait_for(KEY)
        assert KEY not in there[1].all

    def test_a_load_that_was_superseded_is_not_stored(self, here: Member, there: Member) -> None:
        lease = new_lease(here[0])

        there[0].invalidate(KEY)

        assert not lease.store(b"old", keep_ms=3_600_000)
        assert here[0].fetch(KEY) is None
        load(there[0], KEY, b"new")
        assert not lease.store(b"old", keep_ms=3_600_000)
        assert here[0].fetch(KEY) == b"new"

    def test_clearing_empties_one_namespace_only(self, here: Member, there: Member) -> None:
        for key in (KEY, OTHER, ELSEWHERE):
            load(here[0], key, b"old")
        assert there[0].fetch(KEY) == b"old"

        here[0].clear(KEY.namespace)

        assert here[0].fetch(KEY) is None
        there[1].wait_for(KEY.namespace)
        assert there[0].fetch(KEY) is None
        assert there[0].fetch(OTHER) is None
        assert there[0].fetch(ELSEWHERE) == b"old"
        assert KEY.namespace not in here[1].all

    def test_a_load_from_before_a_clear_is_not_stored(self, here: Member, there: Member) -> None:
        lease = new_lease(here[0])

        there[0].clear(KEY.namespace)

        assert not lease.store(b"old", keep_ms=3_600_000)
        assert there[0].fetch(KEY) is None
        load(here[0], KEY, b"new")

    def test_a_value_expires(self, here: Member) -> None:
        tier, _ = here
        lease = new_lease(tier)
        assert lease.store(b"sealed", keep_ms=1)

        deadline = time.monotonic() + PATIENCE_S
        while tier.fetch(KEY) is not None:
            assert time.monotonic() < deadline

    def test_an_expired_value_is_not_stored(self, here: Member) -> None:
        lease = new_lease(here[0])

        assert not lease.store(b"sealed", keep_ms=0)
        load(here[0], KEY, b"sealed")

    def test_one_of_many_attempts_succeeds(self, here: Member, there: Member) -> None:
        barrier = threading.Barrier(8)

        def acquire(tier: Tier) -> object:
            barrier.wait()
            return tier.acquire(KEY)

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(acquire, [here[0], there[0]] * 4))

        assert sum(hasattr(result, "store") for result in results) == 1

    def test_invalidations_do_not_start_a_generation(self, here: Member, there: Member) -> None:
        before = here[0].generation

        load(here[0], KEY, b"old")
        there[0].invalidate(KEY)
        there[0].clear(KEY.namespace)
        here[1].wait_for(KEY.namespace)

        assert here[0].generation == before

    def test_a_closed_tier_can_be_closed_again(self, here: Member) -> None:
        here[0].close()
        here[0].close()


def _listening(member: Member) -> Member:
    member[0].fetch(KEY)
    return member


def new_lease(tier: Tier, key: CacheKey = KEY) -> Lease:
    """Acquire the lease of a free key."""
    lease = tier.acquire(key)
    assert hasattr(lease, "store"), lease
    return cast("Lease", lease)


def busy_lease(tier: Tier, key: CacheKey = KEY) -> Busy:
    """Try to acquire a lease that another call holds."""
    busy = tier.acquire(key)
    assert hasattr(busy, "wait"), busy
    return cast("Busy", busy)


def load(tier: Tier, key: CacheKey, sealed: bytes) -> None:
    """Acquire the lease of `key`, and store `sealed` for an hour, longer than any test takes."""
    assert new_lease(tier, key).store(sealed, keep_ms=3_600_000)
