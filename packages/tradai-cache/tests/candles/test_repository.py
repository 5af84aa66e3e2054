"""Cached candles equal those of the source, and cost it a few per cent of the reads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd  # noqa: TID253
import pytest
from cache_fleet import FakeTime
from hypothesis import example, given, strategies as st

from tradai.cache import Cache, CachedDataRepository
from tradai.core import Coverage, DataRepository, Timeframe
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.core.frames import InMemoryDataRepository, closed
from tradai.core.testing import DataRepositoryContract, FixedClock

PAIR = "BTC/USDT"
START = datetime(2025, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Counting(DataRepository):
    """Candles in memory that counts its calls and the rows it returned."""

    def __init__(self, clock: FixedClock | None = None) -> None:
        self.inner = InMemoryDataRepository(clock=clock)
        self.calls = 0
        self.rows = 0
        self.error: Exception | None = None

    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        frame = self.inner.get_ohlcv(pair, timeframe, start=start, end=end, closed_by=closed_by)
        self.calls += 1
        self.rows += len(frame)
        return frame

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        return self.inner.coverage(pair, timeframe)

    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        self.inner.save_ohlcv(pair, timeframe, frame)

    def upsert_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        self.inner.upsert_ohlcv(pair, timeframe, frame)
        if self.error is not None:
            raise self.error

    def series(self) -> list[tuple[str, Timeframe]]:
        return self.inner.series()


def candles(first: datetime, count: int, length: timedelta = MINUTE, seed: int = 0) -> pd.DataFrame:
    opened = pd.DatetimeIndex([first + n * length for n in range(count)], name="date", tz="UTC")
    prices = np.arange(float(count)) + 1_000.0 * (seed + 100)
    shifts = {"open": 1, "high": 3, "low": 0, "close": 2, "volume": 4}
    columns = {name: prices + shift for name, shift in shifts.items()}
    return pd.DataFrame(columns, index=opened.as_unit("ms"))


def cached(source: DataRepository, clock: FixedClock | None = None) -> CachedDataRepository:
    return CachedDataRepository(source, Cache().namespace("candles"), clock=clock)


class TestCachedCandles(DataRepositoryContract):
    @pytest.fixture
    def repository(self) -> CachedDataRepository:
        return cached(InMemoryDataRepository())


class TestCachedCandlesTwice(DataRepositoryContract):
    """A cached repository over a cached repository."""

    @pytest.fixture
    def repository(self) -> CachedDataRepository:
        return cached(cached(InMemoryDataRepository()))


@pytest.fixture(autouse=True)
def _fixed_machine_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the machine's clock half a minute before a close: a tail is kept until then."""
    monkeypatch.setattr("time.time", lambda: START.timestamp() + 30)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START + timedelta(days=10))


@pytest.fixture
def source(clock: FixedClock) -> Counting:
    """Return a source with ten days of minutes, up to now."""
    source = Counting(clock)
    source.save_ohlcv(PAIR, "1m", candles(START, 14_400))
    return source


def _assert_same(repository: DataRepository, source: Counting, **span: datetime | None) -> None:
    answer = repository.get_ohlcv(PAIR, "1m", **span)
    pd.testing.assert_frame_equal(answer, source.inner.get_ohlcv(PAIR, "1m", **span))
    assert answer.attrs == {}


def test_a_moving_window_reads_a_few_per_cent_from_the_source(
    source: Counting, clock: FixedClock
) -> None:
    repository, window, asked = cached(source, clock), timedelta(minutes=500), 0
    source.rows = 0

    for _ in range(120):
        source.inner.upsert_ohlcv(PAIR, "1m", candles(clock.now() - MINUTE, 1, seed=1))
        frame = repository.get_ohlcv(PAIR, "1m", start=clock.now() - window)
        assert len(frame) == 500
        assert frame.index[-1].to_pydatetime() == clock.now() - MINUTE
        asked += len(frame)
        clock.advance(MINUTE)

    assert source.rows <= 0.04 * asked


def test_many_readers_cost_the_source_as_much_as_one(source: Counting, clock: FixedClock) -> None:
    repository = cached(source, clock)
    source.rows = 0

    for _ in range(20):
        for hours in (1, 8, 24):
            _assert_same(repository, source, start=clock.now() - timedelta(hours=hours))

    assert source.rows <= 1_440 + 512


def test_reading_a_range_again_asks_the_source_nothing(source: Counting, clock: FixedClock) -> None:
    repository = cached(source, clock)
    spans: list[dict[str, datetime | None]] = [
        {"start": None, "end": None},
        {"start": START + timedelta(days=2), "end": START + timedelta(days=4)},
        {"start": START + timedelta(days=9.99), "end": None},
        {"start": START - timedelta(days=900), "end": START + MINUTE},
        {"start": START - timedelta(days=2), "end": START - timedelta(days=1)},
        {"start": START + timedelta(days=11), "end": None},
        {"start": START + MINUTE, "end": START + MINUTE},
    ]
    for span in spans:
        _assert_same(repository, source, **span)
    calls = source.calls

    for span in spans:
        _assert_same(repository, source, **span)

    assert source.calls == calls


def test_a_candle_is_returned_from_its_close_on(source: Counting, clock: FixedClock) -> None:
    repository = cached(source, clock)
    start = clock.now() - timedelta(minutes=5)
    for _ in range(40):
        before = repository.get_ohlcv(PAIR, "1m", start=start)
        clock.advance(MINUTE)
        assert len(repository.get_ohlcv(PAIR, "1m", start=start)) == len(before)

        source.inner.upsert_ohlcv(PAIR, "1m", candles(clock.now() - MINUTE, 1))

        assert len(repository.get_ohlcv(PAIR, "1m", start=start)) == len(before) + 1


def test_a_candle_that_is_open_by_our_clock_is_never_returned(source: Counting) -> None:
    ours = FixedClock(START + timedelta(days=9))
    repository = cached(source, ours)

    frame = repository.get_ohlcv(PAIR, "1m", start=ours.now() - timedelta(hours=1))

    assert frame.index[-1].to_pydatetime() == ours.now() - MINUTE


def test_no_candle_is_returned_before_its_close(source: Counting, clock: FixedClock) -> None:
    repository = cached(source, clock)
    for minutes in (0, 1, 7, 16, 17, 512, 9_000):
        by = clock.now() - minutes * MINUTE - timedelta(seconds=1)
        _assert_same(repository, source, closed_by=by, start=by - timedelta(hours=2))


def test_an_ended_series_is_not_polled(source: Counting, clock: FixedClock) -> None:
    clock.advance(timedelta(days=3))
    repository = cached(source, clock)
    _assert_same(repository, source, start=START + timedelta(days=9))
    calls = source.calls

    for _ in range(9):
        _assert_same(repository, source, start=START + timedelta(days=9))

    assert source.calls == calls


def test_an_upsert_invalidates_only_the_parts_it_touched(
    source: Counting, clock: FixedClock
) -> None:
    repository = cached(source, clock)
    _assert_same(repository, source)
    source.rows = 0

    repository.upsert_ohlcv(PAIR, "1m", candles(START + timedelta(days=3), 2, seed=7))
    _assert_same(repository, source)

    assert source.rows <= 512 + 16


def test_a_filled_gap_and_a_new_beginning_are_seen(source: Counting, clock: FixedClock) -> None:
    source.save_ohlcv(PAIR, "1m", candles(START, 3_000).drop(candles(START, 3_000).index[99:700]))
    repository = cached(source, clock)
    for part in (
        candles(START + 100 * MINUTE, 30, seed=1),
        candles(START - timedelta(days=2), 2_880, seed=2),
        candles(START + 3_000 * MINUTE, 40, seed=3),
    ):
        _assert_same(repository, source)

        repository.upsert_ohlcv(PAIR, "1m", part)

        _assert_same(repository, source)


def test_a_saved_series_replaces_all_cached_parts(source: Counting, clock: FixedClock) -> None:
    repository = cached(source, clock)
    _assert_same(repository, source)

    repository.save_ohlcv(PAIR, "1m", candles(START + timedelta(days=1), 3_000, seed=3))

    _assert_same(repository, source)
    _assert_same(repository, source, start=START, end=START + timedelta(days=2))


def test_a_large_upsert_is_seen(source: Counting, clock: FixedClock) -> None:
    repository = cached(source, clock)
    _assert_same(repository, source)

    repository.upsert_ohlcv(PAIR, "1m", candles(START, 14_400, seed=9))

    _assert_same(repository, source)


def test_a_write_that_failed_half_way_leaves_no_old_candles(
    source: Counting, clock: FixedClock
) -> None:
    repository = cached(source, clock)
    _assert_same(repository, source)
    source.error = StorageError("the disk is full", operation="write")

    with pytest.raises(StorageError, match="full"):
        repository.upsert_ohlcv(PAIR, "1m", candles(START + timedelta(days=3), 2, seed=7))

    _assert_same(repository, source)


def test_a_rejected_write_keeps_the_cache(source: Counting, clock: FixedClock) -> None:
    repository = cached(source, clock)
    _assert_same(repository, source)
    calls = source.calls

    with pytest.raises(ValidationError):
        repository.upsert_ohlcv(PAIR, "1m", candles(clock.now(), 1))

    _assert_same(repository, source)
    assert source.calls == calls


def test_a_very_long_range_is_read_from_the_source(
    clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeTime(monkeypatch)  # the extent of a series with candles of a second expires after one
    source, length = Counting(clock), timedelta(seconds=1)
    first = clock.now() - 600_000 * length
    source.save_ohlcv(PAIR, "1s", candles(first, 600_000, length))
    repository = cached(source, clock)
    repository.get_ohlcv(PAIR, "1s", start=clock.now() - timedelta(minutes=1))
    source.calls = 0

    assert len(repository.get_ohlcv(PAIR, "1s")) == 600_000
    assert source.calls == 1


def test_months_and_huge_candles_are_cached(clock: FixedClock) -> None:
    for timeframe, step in (("1M", 31), ("1w", 7), ("999999d", 1)):
        source = Counting(FixedClock(datetime(9000, 1, 1, tzinfo=UTC)))
        firsts = [datetime(1970 + n // 12, 1 + n % 12, 1, tzinfo=UTC) for n in range(1, 600)]
        opened = [*dict.fromkeys(map(Timeframe(timeframe).floor, firsts))]
        index = pd.DatetimeIndex(opened, name="date").as_unit("ms")
        frame = candles(START, len(opened)).set_axis(index)
        source.save_ohlcv(PAIR, timeframe, frame)
        repository = cached(source, clock)

        for days in (0, 40 * step, 900 * step):
            start = datetime(1969, 1, 1, tzinfo=UTC) + timedelta(days=days)
            wanted = closed(
                source.inner.get_ohlcv(PAIR, timeframe, start=start), timeframe, by=clock.now()
            )
            got = repository.get_ohlcv(PAIR, timeframe, start=start)
            pd.testing.assert_frame_equal(got, wanted, check_freq=False)


def test_a_namespace_serves_only_one_source() -> None:
    namespace = Cache().namespace("candles")
    CachedDataRepository(InMemoryDataRepository(), namespace)

    with pytest.raises(ValidationError, match="another"):
        CachedDataRepository(InMemoryDataRepository(), namespace)


@pytest.mark.parametrize("keep_s", [0.0, -1.0, float("nan")])
def test_candles_are_kept_for_keep_s(keep_s: float) -> None:
    with pytest.raises(ValidationError, match="ttl"):
        CachedDataRepository(InMemoryDataRepository(), Cache().namespace("candles"), keep_s=keep_s)


def test_a_new_series_is_seen_at_once(clock: FixedClock) -> None:
    source = Counting(clock)
    repository = cached(source, clock)
    with pytest.raises(NotFoundError):
        repository.get_ohlcv(PAIR, "1m")

    source.inner.save_ohlcv(PAIR, "1m", candles(START, 3))

    _assert_same(repository, source)


class World:
    """A source, a cached repository and a clock; every answer is compared."""

    def __init__(self) -> None:
        self.clock = FixedClock(START + 700 * MINUTE)
        self.source = Counting(self.clock)
        self.source.save_ohlcv(PAIR, "1m", candles(START, 600))
        self.repository = cached(self.source, self.clock)

    def upsert(self, moment: int, count: int) -> None:
        frame = self._fit(START + moment * MINUTE, count, seed=1 + moment)
        if not frame.empty:
            self.repository.upsert_ohlcv(PAIR, "1m", frame)

    def save(self, moment: int, count: int) -> None:
        frame = self._fit(START + moment * MINUTE, count, seed=2 + moment)
        if not frame.empty:
            self.repository.save_ohlcv(PAIR, "1m", frame)

    def append(self, moment: int, count: int) -> None:
        """Append to the source like an exchange, without the cache."""
        coverage = self.source.coverage(PAIR, "1m")
        assert coverage is not None
        frame = self._fit(coverage.last + MINUTE, count, seed=3 + moment)
        if not frame.empty and self.clock.now() - coverage.last <= 15 * MINUTE:
            self.source.inner.upsert_ohlcv(PAIR, "1m", frame)

    def wait(self, _moment: int, count: int) -> None:
        # The machine's clock stands still, so that no tail ends: without a reader, one would
        # become so old that its series is taken for one that has ended.
        _assert_same(self.repository, self.source)
        self.clock.advance(count * MINUTE / 20)

    def read(self, moment: int, count: int) -> None:
        at = START + moment * MINUTE
        _assert_same(self.repository, self.source, start=at, end=at + count * MINUTE)

    def know(self, moment: int, count: int) -> None:
        at = START + moment * MINUTE
        _assert_same(self.repository, self.source, start=at, closed_by=at + count * MINUTE)

    def _fit(self, first: datetime, count: int, seed: int) -> pd.DataFrame:
        return closed(candles(first, count, seed=seed), "1m", by=self.clock.now())


ACTS: list[Callable[[World, int, int], None]] = [
    *(World.upsert, World.save, World.append, World.wait, World.read, World.know)
]


@given(
    st.lists(
        st.tuples(st.sampled_from(ACTS), st.integers(-50, 700), st.integers(1, 600)),
        min_size=2,
        max_size=12,
    )
)
@example(
    [
        (World.upsert, 89, 600),
        (World.wait, 0, 44),
        (World.read, 0, 1),
        (World.append, 0, 1),
        (World.wait, 0, 37),
    ]
)
def test_it_answers_like_its_source(
    acts: list[tuple[Callable[[World, int, int], None], int, int]],
) -> None:
    world = World()

    for act, moment, count in acts:
        act(world, moment, count)

    _assert_same(world.repository, world.source)
