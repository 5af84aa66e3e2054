"""The suite for repositories of candles catches implementations that break a promise."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from tradai.core import Coverage, DataRepository, Timeframe
from tradai.core.exceptions import NotFoundError
from tradai.core.frames import InMemoryDataRepository
from tradai.core.testing import DataRepositoryContract, FixedClock, failing_tests


class RightRepository(DataRepository):
    """Keeps every promise; each planted repository below breaks one."""

    def __init__(self) -> None:
        self.inner = InMemoryDataRepository()

    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        return self.inner.get_ohlcv(pair, timeframe, start=start, end=end, closed_by=closed_by)

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        return self.inner.coverage(pair, timeframe)

    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        self.inner.save_ohlcv(pair, timeframe, frame)

    def upsert_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        self.inner.upsert_ohlcv(pair, timeframe, frame)

    def series(self) -> list[tuple[str, Timeframe]]:
        return self.inner.series()


class RepositoryWithTheEndIncluded(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        later = end and end + timedelta(milliseconds=1)
        return super().get_ohlcv(pair, timeframe, start=start, end=later, closed_by=closed_by)


class RepositoryWithoutTimeZones(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        return (
            super()
            .get_ohlcv(pair, timeframe, start=start, end=end, closed_by=closed_by)
            .tz_localize(None)
        )


class RepositoryWithNothingMissing(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        try:
            return super().get_ohlcv(pair, timeframe, start=start, end=end, closed_by=closed_by)
        except NotFoundError:
            return pd.DataFrame()


class RepositoryThatSortsWhatItSaves(RightRepository):
    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        super().save_ohlcv(pair, timeframe, frame.sort_index())


class RepositoryThatFillsHoles(RightRepository):
    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        super().save_ohlcv(pair, timeframe, frame.ffill().bfill())


class RepositoryThatForgetsTheTimeframe(RightRepository):
    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        known = [kept for name, kept in self.inner.series() if name == pair]
        return super().coverage(pair, [*known, timeframe][0])


class RepositoryThatOnlyAdds(RightRepository):
    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        if self.inner.coverage(pair, timeframe) is not None:
            old = self.inner.get_ohlcv(pair, timeframe)
            frame = pd.concat([old, frame[~frame.index.isin(old.index)]]).sort_index()
        super().save_ohlcv(pair, timeframe, frame)


class RepositoryThatKnowsTheFuture(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        # When a candle opens, its close is unknown.
        earlier = [at for at in (end, closed_by) if at]
        return super().get_ohlcv(
            pair, timeframe, start=start, end=min(earlier) if earlier else None
        )


class RepositoryWithMonthsOfThirtyDays(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        frame = super().get_ohlcv(pair, timeframe, start=start, end=end)
        length = timedelta(days=30) if timeframe == "1M" else timedelta(minutes=5)
        return frame[frame.index <= closed_by - length] if closed_by else frame


class RepositoryThatKeepsOpenCandles(RightRepository):
    def __init__(self) -> None:
        self.inner = InMemoryDataRepository(clock=FixedClock(datetime(2300, 1, 1, tzinfo=UTC)))


class RepositoryWhoseUpsertsReplaceStretches(RightRepository):
    def upsert_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        if self.inner.coverage(pair, timeframe) is not None and not frame.empty:
            old = self.inner.get_ohlcv(pair, timeframe)
            around = old[(old.index < frame.index[0]) | (old.index > frame.index[-1])]
            self.inner.save_ohlcv(pair, timeframe, pd.concat([around, frame]).sort_index())
        else:
            super().upsert_ohlcv(pair, timeframe, frame)


class RepositoryWhoseUpsertsOnlyAppend(RightRepository):
    def upsert_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        known = self.inner.coverage(pair, timeframe)
        later = frame if known is None or frame.empty else frame[frame.index > known.last]
        if frame.empty or not later.empty:
            super().upsert_ohlcv(pair, timeframe, later)


class RepositoryWhoseUpsertsKeepTheOldCandle(RightRepository):
    def upsert_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        super().upsert_ohlcv(pair, timeframe, frame)
        if self.old is not None and (pair, timeframe) == self.old[0]:
            self.inner.upsert_ohlcv(pair, timeframe, self.old[1])

    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        super().save_ohlcv(pair, timeframe, frame)
        self.old = ((pair, timeframe), frame)

    old: tuple[tuple[str, str], pd.DataFrame] | None = None


class RepositoryWithBareEmptyFrames(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        frame = super().get_ohlcv(pair, timeframe, start=start, end=end, closed_by=closed_by)
        return pd.DataFrame(index=frame.index) if frame.empty else frame


REPOSITORIES: dict[type, str] = {
    RepositoryWithTheEndIncluded: "test_a_range_has_its_start_and_not_its_end",
    RepositoryWithoutTimeZones: "test_a_frame_has_the_promised_form",
    RepositoryWithNothingMissing: "test_a_series_that_is_not_there_is_not_found",
    RepositoryThatSortsWhatItSaves: "test_frames_that_are_not_candles_are_refused",
    RepositoryThatFillsHoles: "test_frames_that_are_not_candles_are_refused",
    RepositoryThatForgetsTheTimeframe: "test_a_series_that_is_not_there_is_not_found",
    RepositoryThatOnlyAdds: "test_saving_replaces_the_whole_series",
    RepositoryThatKnowsTheFuture: "test_a_candle_is_known_from_its_close_on",
    RepositoryWithMonthsOfThirtyDays: "test_months_close_by_the_calendar",
    RepositoryThatKeepsOpenCandles: "test_an_open_candle_is_never_kept",
    RepositoryWhoseUpsertsReplaceStretches: (
        "test_an_upsert_replaces_candles_and_leaves_those_between"
    ),
    RepositoryWhoseUpsertsOnlyAppend: "test_an_upsert_appends_and_prepends",
    RepositoryWhoseUpsertsKeepTheOldCandle: (
        "test_an_upsert_replaces_candles_and_leaves_those_between"
    ),
    RepositoryWithBareEmptyFrames: "test_a_range_between_candles_gives_an_empty_frame",
}


def test_the_suite_passes_what_is_right() -> None:
    assert failing_tests(DataRepositoryContract, {"repository": RightRepository}) == set()


@pytest.mark.parametrize("planted", REPOSITORIES)
def test_a_wrong_repository_is_caught(planted: type) -> None:
    failing = failing_tests(DataRepositoryContract, {"repository": planted})

    assert REPOSITORIES[planted] in failing
