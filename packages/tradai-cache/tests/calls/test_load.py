"""Several processes over one shared tier: one load, invalidations, gaps in the messages."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import pytest
from cache_fleet import Fleet
from hypothesis import given, strategies as st

from tradai.cache import Cache, PeekResult
from tradai.cache._tier.shared_tier import CacheKey
from tradai.core import Secret, SecretReference

_SCALARS: st.SearchStrategy[Any] = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    *(st.decimals(), st.datetimes(), st.fractions()),
    st.builds(np.float64, st.floats()),
)
# Values that every codec takes, and some that none does.
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)


class Source:
    """Source of the values; a load may be paused."""

    def __init__(self) -> None:
        self.value = "old"
        self.loads = 0
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.may_end.set()
        self.error: Exception | None = None

    def load(self, key: str) -> str:
        self.loads += 1
        value = f"{key} {self.value}"
        self.begun.release()
        assert self.may_end.wait(60)
        if self.error is not None:
            raise self.error
        return value


class Loader(Protocol):
    def __call__(self, key: str) -> str: ...
    def invalidate(self, key: str) -> None: ...
    def peek(self, key: str) -> PeekResult[str] | None: ...


class Process:
    """One cache of the fleet, and its connection to the server."""

    # `rules` are those of `Cache.namespace`.
    def __init__(
        self,
        fleet: Fleet,
        source: Source,
        key: SecretReference | None = None,
        **rules: Any,  # noqa: ANN401
    ) -> None:
        self.cache, self.node = fleet.cache(key=key)
        self.namespace = self.cache.namespace("values", **rules)

        @self.namespace.cached(ttl=60)
        def load(key: str) -> str:
            return source.load(key)

        self.load: Loader = load


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def source() -> Source:
    return Source()


def test_one_process_loads_and_the_others_fetch(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)

    assert here.load("a") == there.load("a") == there.load("a") == "a old"

    assert source.loads == 1
    assert here.cache.stats().loads == 1
    assert (there.cache.stats().shared, there.cache.stats().memory) == (1, 1)


@pytest.mark.parametrize("size", [1, 1_000], ids=["small", "large"])
def test_callers_do_not_share_a_fetched_value(fleet: Fleet, size: int) -> None:
    def config(exchange: str) -> dict[str, list[str]]:
        return {exchange: ["BTC/USDT"] * size}

    here, there = (fleet.cache()[0].cached(ttl=60)(config) for _ in range(2))
    here("binance")

    for _ in range(4):
        there("binance")["binance"].append("changed by a caller")

    assert there("binance") == here("binance") == {"binance": ["BTC/USDT"] * size}


def test_concurrent_first_readers_of_a_fetched_value_all_get_it(fleet: Fleet) -> None:
    def config(number: int) -> dict[str, list[int]]:
        return {"number": [number]}

    here, there = (fleet.cache()[0].cached(ttl=60)(config) for _ in range(2))
    together = threading.Barrier(4, timeout=60)

    def first(number: int) -> dict[str, list[int]]:
        together.wait()
        return there(number)

    with ThreadPoolExecutor(4) as pool:
        for number in range(50):
            here(number)
            there(number)
            answers = list(pool.map(first, [number] * 4))
            assert answers == [{"number": [number]}] * 4


def test_a_value_loaded_across_an_outage_is_verified_afterwards(
    fleet: Fleet, source: Source
) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    fleet.go(is_up=False)
    source.may_end.clear()

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(here.load, "a")
        source.begun.acquire()
        source.value = "new"
        there.load.invalidate("a")
        here.node.is_deaf = True  # the other process recovers earlier
        fleet.go(is_up=True)
        here.node.is_deaf = False
        source.may_end.set()
        assert loading.result(60) == "a old"

    assert here.load("a") == "a new"


def test_peek_sees_a_value_that_only_the_shared_tier_has(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    here.load("a")

    held = there.load.peek("a")

    assert held is not None
    assert (held.value, held.is_stale, held.tier) == ("a old", False, "shared")
    assert there.load.peek("b") is None
    assert there.cache.stats().entries == 0


def test_processes_load_once_together_and_wait_for_a_message(fleet: Fleet, source: Source) -> None:
    processes = [Process(fleet, source) for _ in range(4)]
    source.may_end.clear()

    with ThreadPoolExecutor(32) as pool:
        answers = [pool.submit(process.load, "a") for process in processes for _ in range(8)]
        source.begun.acquire()
        for _ in processes[1:]:
            fleet.server.waiting.acquire()
        source.may_end.set()
        assert {answer.result(60) for answer in answers} == {"a old"}

    assert source.loads == 1
    assert fleet.server.commands <= 4 * 4


def test_when_the_load_fails_elsewhere_the_next_process_loads(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    source.may_end.clear()
    source.error = ConnectionError("exchange is down")

    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(here.load, "a")
        source.begun.acquire()
        waiting = pool.submit(there.load, "a")
        fleet.server.waiting.acquire()
        source.may_end.set()
        with pytest.raises(ConnectionError):
            failing.result(60)
        with pytest.raises(ConnectionError):
            waiting.result(60)

    assert source.loads == 2
    assert fleet.server.leases == {}


def test_a_holder_that_paused_past_its_lease_does_not_overwrite(
    fleet: Fleet, source: Source
) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    source.may_end.clear()

    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(here.load, "a")
        source.begun.acquire()
        for key in tuple(fleet.server.leases):
            fleet.server.end(key)
        source.may_end.set()
        source.value = "new"
        assert there.load("a") == "a new"
        source.may_end.set()
        assert paused.result(60) == "a old"

    assert here.load("a") == "a new"
    assert here.cache.stats().overtaken == 1


def test_invalidating_elsewhere_reaches_every_memory(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    here.load("a")
    there.load("a")
    source.value = "new"

    here.load.invalidate("a")

    assert there.load("a") == here.load("a") == "a new"
    assert source.loads == 2


def test_clearing_elsewhere_reaches_every_memory(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    here.load("a")
    there.load("a")
    source.value = "new"

    there.namespace.clear()

    assert there.load("a") == here.load("a") == "a new"


@pytest.mark.parametrize("by", ["here", "there"])
@pytest.mark.parametrize("action", ["invalidate", "clear"])
def test_a_value_invalidated_during_its_load_is_kept_nowhere(
    fleet: Fleet, source: Source, by: str, action: str
) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    source.may_end.clear()

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(here.load, "a")
        source.begun.acquire()
        source.value = "new"
        invalidating = here if by == "here" else there
        invalidating.load.invalidate(
            "a"
        ) if action == "invalidate" else invalidating.namespace.clear()
        source.may_end.set()
        assert loading.result(60) == "a old"

    assert here.load("a") == there.load("a") == "a new"
    assert here.cache.stats().overtaken == 1


def test_a_call_after_an_invalidation_does_not_join_the_load_before_it(
    fleet: Fleet, source: Source
) -> None:
    here = Process(fleet, source)
    source.may_end.clear()

    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(here.load, "a")
        source.begun.acquire()
        source.value = "new"
        here.load.invalidate("a")
        after = pool.submit(here.load, "a")
        source.begun.acquire()
        source.may_end.set()
        assert (before.result(60), after.result(60)) == ("a old", "a new")

    assert here.load("a") == "a new"


def test_a_value_fetched_before_an_invalidation_is_not_kept(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    there.load("a")

    def invalidate_during_the_fetch() -> None:
        here.node.after_fetch = lambda: None
        source.value = "new"
        here.load.invalidate("a")

    here.node.after_fetch = invalidate_during_the_fetch

    assert here.load("a") == "a old"  # the call began before
    assert here.load("a") == "a new"


def test_a_value_fetched_during_an_invalidation_is_not_kept(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    there.load("a")
    invalidate = here.node.invalidate

    def fetch_first(key: CacheKey) -> None:
        assert here.load("a") == "a old"  # allowed: `invalidate` has not returned
        invalidate(key)

    here.node.invalidate = fetch_first  # type: ignore[method-assign]  # planted in the middle
    source.value = "new"
    here.load.invalidate("a")

    assert here.load("a") == "a new"


def test_after_a_gap_memory_is_verified_before_it_is_served(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    here.load("a")
    there.load("a")
    there.node.is_deaf = True
    source.value = "new"
    here.load.invalidate("a")

    assert there.load("a") == "a old"  # the message was lost
    there.node.start_generation()

    assert there.load("a") == "a new"


def test_after_a_gap_an_unchanged_value_is_fetched_and_not_loaded(
    fleet: Fleet, source: Source
) -> None:
    here = Process(fleet, source)
    here.load("a")

    here.node.start_generation()

    assert here.load("a") == here.load("a") == "a old"
    assert source.loads == 1
    assert (here.cache.stats().shared, here.cache.stats().memory) == (1, 1)


def test_a_value_fetched_across_a_gap_is_not_verified(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    there.load("a")

    def lose_a_message() -> None:
        here.node.after_fetch = lambda: None
        here.node.is_deaf = True
        source.value = "new"
        there.load.invalidate("a")
        here.node.start_generation()

    here.node.after_fetch = lose_a_message
    here.load("a")

    assert here.load("a") == "a new"


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda _: b"",
        lambda _: b"cposix\nsystem\n(S'touch planted'\ntR.",
    ],
    ids=["truncated", "flipped", "empty", "pickle"],
)
def test_a_poisoned_value_is_counted_removed_and_loaded(
    fleet: Fleet, source: Source, damage: Callable[[bytes], bytes]
) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    here.load("a")
    ((key, sealed),) = fleet.server.values.items()
    fleet.server.values[key] = damage(sealed)

    assert there.load("a") == "a old"

    assert there.cache.stats().poisoned == 1
    assert source.loads == 2
    assert fleet.server.values[key] != damage(sealed)


def test_the_value_of_another_key_is_poison(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    here.load("a")
    ((first, sealed),) = fleet.server.values.items()
    here.load("b")
    (second,) = set(fleet.server.values) - {first}
    fleet.server.values[second] = sealed

    assert there.load("b") == "b old"
    assert there.cache.stats().poisoned == 1


def test_versions_of_a_namespace_do_not_see_each_other(fleet: Fleet, source: Source) -> None:
    first, second = Process(fleet, source), Process(fleet, source, version=2)

    first.load("a")
    source.value = "new"

    assert second.load("a") == "a new"
    assert first.load("a") == "a old"


def test_a_sensitive_namespace_stays_in_the_process(fleet: Fleet, source: Source) -> None:
    here, there = (Process(fleet, source, is_sensitive=True) for _ in range(2))

    assert here.load("a") == here.load("a") == there.load("a")

    assert source.loads == 2
    assert fleet.server.values == {}
    here.load.invalidate("a")
    assert there.load.peek("a") is None


def test_a_value_with_a_secret_stays_in_the_process(fleet: Fleet) -> None:
    cache, _ = fleet.cache()

    @cache.cached(ttl=60)
    def credentials(account: str) -> dict[str, Any]:
        return {"account": account, "key": Secret("not-a-real-secret")}

    assert credentials("main") == credentials("main")

    assert cache.stats().loads == 1
    assert fleet.server.values == {}
    assert fleet.server.leases == {}


def test_a_value_that_no_codec_takes_is_rejected_at_once(fleet: Fleet) -> None:
    cache, _ = fleet.cache()

    @cache.cached(ttl=60)
    def odd(number: int) -> object:
        return {"number": {number}, "file": memoryview(b"")}

    for _ in range(2):
        with pytest.raises(TypeError):
            odd(1)
    assert cache.stats().errors == 2
    assert fleet.server.leases == {}


def test_a_value_that_is_poisoned_again_is_removed_again(fleet: Fleet, source: Source) -> None:
    here = Process(fleet, source)
    here.load("a")
    ((key, sealed),) = fleet.server.values.items()
    poison = [sealed[:-1], b""]

    def plant() -> None:
        if poison:
            fleet.server.values[key] = poison.pop()

    here.node.before_acquire = plant
    here.node.start_generation()
    fleet.server.values[key] = b"poison"

    assert here.load("a") == "a old"
    assert here.cache.stats().poisoned == 3


def test_a_value_stored_between_fetch_and_acquire_is_used(fleet: Fleet, source: Source) -> None:
    here, there = Process(fleet, source), Process(fleet, source)
    here.node.after_fetch = lambda: there.load("a")

    assert here.load("a") == "a old"
    assert source.loads == 1


def test_values_signed_with_another_key_are_rejected(
    fleet: Fleet, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_KEY", "not-a-real-key-but-a-long-one-for-sure")
    reference = SecretReference("env:CACHE_KEY")
    with_key = [Process(fleet, source, key=reference) for _ in range(2)]
    without = Process(fleet, source)

    assert with_key[0].load("a") == with_key[1].load("a")
    assert source.loads == 1
    assert without.load("a") == "a old"

    assert without.cache.stats().poisoned == 1
    assert source.loads == 2


def test_a_task_that_is_cancelled_while_it_loads_lets_others_load(fleet: Fleet) -> None:
    cache, _ = fleet.cache()
    loads: list[str] = []

    @cache.cached(ttl=60)
    async def value(key: str) -> str:
        loads.append(key)
        if len(loads) == 1:
            await asyncio.Event().wait()
        return key

    async def story() -> str:
        leader = asyncio.create_task(value("a"))
        while not loads:  # noqa: ASYNC110 - the lease is acquired in a thread
            await asyncio.sleep(0.001)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        return await value("a")

    assert asyncio.run(story()) == "a"
    assert fleet.server.leases == {}


def _stopped(begun: threading.Event, may_end: threading.Event) -> None:
    begun.set()
    assert may_end.wait(60)


def test_tasks_share_with_threads_of_other_processes(fleet: Fleet, source: Source) -> None:
    here = Process(fleet, source)
    other, _ = fleet.cache()
    loads: list[str] = []

    @other.cached(ttl=60)
    async def value(key: str) -> str:
        loads.append(key)
        await asyncio.sleep(0)
        return key

    async def together() -> list[str]:
        return list(await asyncio.gather(*(value("a") for _ in range(50))))

    assert asyncio.run(together()) == ["a"] * 50
    assert loads == ["a"]
    assert here.load("a") == "a old"
    with asyncio.Runner() as runner:
        runner.run(value.invalidate("a"))
        assert runner.run(together()) == ["a"] * 50
    assert loads == ["a", "a"]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, np.float64(1.5)),
        (dict[str, float], {"fee": np.float64(0.1)}),
        (None, Fraction(1, 2)),
    ],
    ids=repr,
)
def test_a_value_that_no_codec_takes_is_the_same_with_and_without_a_shared_tier(
    annotation: object, value: object, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    def made(number: int) -> object:
        return (value, number)[0]

    made.__annotations__["return"] = annotation
    answers = [cache.cached(ttl=60)(made)(1) for cache in (Cache(), fleet.cache()[0])]

    assert answers == [value, value]
    assert {type(answer) for answer in answers} == {type(value)}
    assert [record.message for record in caplog.records] == [
        "a cached value is not shared with other processes"
    ]
    assert fleet.server.values == {}


@given(value=_VALUES)
def test_any_value_is_the_same_with_and_without_a_shared_tier(value: object) -> None:
    fleet = Fleet()

    def made(number: int) -> object:
        return (value, number)[0]

    alone, (here, _), (there, _) = Cache(), fleet.cache(), fleet.cache()
    answers = [cache.cached(ttl=60)(made)(1) for cache in (alone, here, there)]

    assert repr(answers) == repr([value, value, value])
