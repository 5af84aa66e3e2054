"""Freshness of values: ttl, candles, jitter, stale answers and their refresh."""

import asyncio
import math
import threading
from datetime import UTC, datetime

import pytest
from cache_fleet import FakeTime, Fleet
from hypothesis import given, strategies as st

from tradai.cache import Cache, candle
from tradai.cache._options.freshness import freshness_of
from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    return FakeTime(monkeypatch)


class RecordingHook:
    """A hook that records its calls."""

    def __init__(self) -> None:
        self.loads: list[Exception | None] = []
        self.ages_s: list[float] = []

    def loaded(self, namespace: str, *, seconds: float, error: Exception | None) -> None:
        assert namespace == "default.1"
        assert seconds >= 0
        self.loads.append(error)

    def served_stale(self, namespace: str, *, age_s: float) -> None:
        assert namespace == "default.1"
        self.ages_s.append(age_s)

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        raise AssertionError(is_up, reason)


def _wait_for_refreshes() -> None:
    """Wait for the refreshes in the background."""
    for thread in threading.enumerate():
        if thread.name == "tradai-cache-refresh":
            thread.join(60)


def test_a_value_is_fresh_until_its_ttl_ends(clock: FakeTime) -> None:
    cache = Cache()

    @cache.cached(ttl=60)
    def loaded_at() -> float:
        return clock.now

    loaded_at()
    clock.now = 59.999
    assert loaded_at() == 0.0
    clock.now = 60.0

    assert loaded_at.peek() is None
    assert loaded_at() == 60.0


def test_reading_does_not_extend_the_ttl(clock: FakeTime) -> None:
    @Cache().cached(ttl=60)
    def loaded_at() -> float:
        return clock.now

    for second in range(61):
        clock.now = float(second)
        loaded_at()

    assert loaded_at() == 60.0


def test_a_candle_value_is_fresh_until_the_candle_closes(clock: FakeTime) -> None:
    clock.epoch_s = datetime(2025, 1, 1, 12, 59, 30, tzinfo=UTC).timestamp()

    @Cache().cached(ttl=candle("1h"))
    def loaded_at() -> float:
        return clock.now

    loaded_at()
    clock.now = 29.9
    assert loaded_at() == 0.0
    clock.now = 30.0
    assert loaded_at() == 30.0
    clock.now = 30.0 + 3_599
    assert loaded_at() == 30.0
    clock.now = 30.0 + 3_600
    assert loaded_at() == 3_630.0


def test_a_candle_value_loaded_past_the_close_is_not_kept(clock: FakeTime) -> None:
    clock.epoch_s = datetime(2025, 1, 1, 12, 59, 59, tzinfo=UTC).timestamp()

    cache = Cache()

    @cache.cached(ttl=candle("1h"), stale_for=600)
    def open_candle() -> float:
        began = clock.now
        clock.now += 2
        return began

    assert open_candle() == 0.0
    assert cache.stats().entries == 0
    assert open_candle() == 2.0


@given(
    ttl=st.floats(0.001, 1e6),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_jitter_only_shortens_the_ttl(ttl: float, jitter: float) -> None:
    freshness = freshness_of(ttl, jitter=jitter, stale_for=0)

    fresh_s = freshness.fresh_s(began_s=1_700_000_000, ended_s=1_700_000_001)

    assert ttl * (1 - jitter) * 0.999_999 <= fresh_s <= ttl


@given(at_s=st.floats(0, 4e9), timeframe=st.sampled_from(["1m", "5m", "1h", "1d", "1w", "1M"]))
def test_no_candle_value_outlives_its_candle(at_s: float, timeframe: str) -> None:
    freshness = freshness_of(candle(timeframe), jitter=0, stale_for=0)

    ends_s = at_s + freshness.fresh_s(began_s=at_s, ended_s=at_s)

    close_ms = Timeframe(timeframe).next_close(int(at_s * 1_000))
    assert math.isclose(ends_s, close_ms / 1_000, abs_tol=0.002)


@pytest.mark.parametrize(
    "ttl", [0, -1, math.nan, math.inf, 1e10, 10**20, 10**400, "60", None, True], ids=str
)
def test_an_invalid_ttl_is_rejected(ttl: float) -> None:
    with pytest.raises(ValidationError, match=r"ttl .* is not usable: expected seconds") as caught:
        Cache().cached(ttl=ttl)

    assert caught.value.field == "ttl"


@pytest.mark.parametrize("jitter", [-0.1, 1, 2.5, math.nan, "0.5"], ids=repr)
def test_an_invalid_jitter_is_rejected(jitter: float) -> None:
    with pytest.raises(ValidationError, match="jitter"):
        Cache().cached(ttl=1, jitter=jitter)


@pytest.mark.parametrize("stale_for", [-1, math.nan, math.inf, 1e300, None], ids=repr)
def test_a_negative_stale_for_is_rejected(stale_for: float) -> None:
    with pytest.raises(ValidationError, match="stale_for"):
        Cache().cached(ttl=1, stale_for=stale_for)


def test_an_invalid_timeframe_is_rejected() -> None:
    with pytest.raises(ValidationError, match="timeframe"):
        candle("0h")


def test_an_expired_value_is_served_while_one_refresh_runs(clock: FakeTime) -> None:
    hook = RecordingHook()
    cache = Cache(hook=hook)
    may_end = threading.Event()
    begun = threading.Semaphore(0)

    @cache.cached(ttl=60, stale_for=300)
    def loaded_at() -> float:
        began = clock.now
        begun.release()
        assert began == 0.0 or may_end.wait(60)
        return began

    loaded_at()
    begun.acquire()
    clock.now = 100.0
    assert [loaded_at() for _ in range(5)] == [0.0] * 5
    held = loaded_at.peek()
    assert held is not None
    assert (held.is_stale, held.age_s) == (True, 100.0)
    begun.acquire()
    may_end.set()
    _wait_for_refreshes()

    assert loaded_at() == 100.0
    stats = cache.stats()
    assert (stats.loads, stats.stale, stats.memory) == (2, 5, 1)
    assert hook.ages_s == [100.0] * 5
    assert hook.loads == [None, None]


def test_after_stale_for_the_old_value_is_not_served(clock: FakeTime) -> None:
    @Cache().cached(ttl=60, stale_for=300)
    def loaded_at() -> float:
        return clock.now

    loaded_at()
    clock.now = 360.0

    assert loaded_at.peek() is None
    assert loaded_at() == 360.0


def test_a_refresh_that_fails_is_logged_and_keeps_the_value(
    clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    hook = RecordingHook()
    cache = Cache(hook=hook)

    @cache.cached(ttl=60, stale_for=300)
    def loaded_at() -> float:
        if clock.now:
            raise ConnectionError("exchange is down")
        return clock.now

    loaded_at()
    clock.now = 100.0
    for _ in range(5):  # not every call asks the source
        assert loaded_at() == 0.0
        _wait_for_refreshes()
    assert cache.stats().errors == 1
    clock.now = 102.0
    assert loaded_at() == 0.0
    _wait_for_refreshes()

    assert cache.stats().errors == 2
    assert [record.getMessage() for record in caplog.records] == ["cache refresh failed"] * 2
    assert "ConnectionError" in [vars(record)["error"] for record in caplog.records]
    clock.now = 400.0
    with pytest.raises(ConnectionError):
        loaded_at()


def test_an_invalidated_value_is_not_served_as_stale(clock: FakeTime) -> None:
    @Cache().cached(ttl=60, stale_for=300)
    def loaded_at() -> float:
        return clock.now

    loaded_at()
    clock.now = 100.0
    loaded_at.invalidate()

    assert loaded_at() == 100.0


def test_a_refresh_that_was_running_when_invalidated_is_not_kept(clock: FakeTime) -> None:
    may_end, begun = threading.Event(), threading.Event()
    values = iter(["first", "refreshed", "new"])

    @Cache().cached(ttl=60, stale_for=300)
    def value() -> str:
        mine = next(values)
        if mine == "refreshed":
            begun.set()
            assert may_end.wait(60)
        return mine

    value()
    clock.now = 100.0
    assert value() == "first"
    assert begun.wait(60)
    value.invalidate()
    assert value() == "new"
    may_end.set()
    _wait_for_refreshes()

    assert value() == "new"


def test_tasks_refresh_in_a_task(clock: FakeTime) -> None:
    cache = Cache()

    @cache.cached(ttl=60, stale_for=300)
    async def loaded_at() -> float:
        await asyncio.sleep(0)
        return clock.now

    async def story() -> list[float]:
        answers = [await loaded_at()]
        clock.now = 100.0
        answers += [await loaded_at(), await loaded_at()]
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        return [*answers, await loaded_at()]

    assert asyncio.run(story()) == [0.0, 0.0, 0.0, 100.0]
    assert cache.stats().loads == 2


def test_a_refresh_whose_loop_ends_does_not_block_later_calls(clock: FakeTime) -> None:
    @Cache().cached(ttl=60, stale_for=300)
    async def loaded_at() -> float:
        if clock.now == 100.0:
            await asyncio.sleep(3_600)
        return clock.now

    async def call() -> float:
        return await loaded_at()

    assert asyncio.run(call()) == 0.0
    clock.now = 100.0
    assert asyncio.run(call()) == 0.0  # its refresh is cancelled at once
    clock.now = 200.0
    assert asyncio.run(call()) == 0.0
    clock.now = 600.0

    assert asyncio.run(call()) == 600.0


def test_the_ttl_counts_from_the_end_of_a_slow_load(clock: FakeTime) -> None:
    cache = Cache()

    @cache.cached(ttl=1)
    def slow() -> float:
        clock.now += 5
        return clock.now

    slow()

    assert slow() == 5.0
    assert cache.stats().loads == 1


def test_the_first_value_of_a_process_is_served_stale_like_any_other(
    clock: FakeTime,
) -> None:
    cache, node = Fleet().cache()
    node.is_joined = False
    loads: list[str] = []

    @cache.cached(ttl=60, stale_for=300)
    def price(pair: str) -> float:
        loads.append(pair)
        if len(loads) > 1:
            raise OSError
        return 1.5

    assert price("BTC/USDT") == 1.5
    clock.now += 100

    assert price("BTC/USDT") == 1.5
