"""The suite for repositories of candles catches implementations that break a promise."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from tradai.core import Coverage, DataRepository, Timeframe
from tradai.core.exceptions import NotFoundError
from tradai.core.frames import InMemoryDataRepository
from tradai.core.testing import DataRepositoryContract, failing_tests


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
    ) -> pd.DataFrame:
        return self.inner.get_ohlcv(pair, timeframe, start=start, end=end)

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        return self.inner.coverage(pair, timeframe)

    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        self.inner.save_ohlcv(pair, timeframe, frame)

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
    ) -> pd.DataFrame:
        later = end and end + timedelta(milliseconds=1)
        return super().get_ohlcv(pair, timeframe, start=start, end=later)


class RepositoryWithoutTimeZones(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pd.DataFrame:
        return super().get_ohlcv(pair, timeframe, start=start, end=end).tz_localize(None)


class RepositoryWithNothingMissing(RightRepository):
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pd.DataFrame:
        try:
            return super().get_ohlcv(pair, timeframe, start=start, end=end)
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


REPOSITORIES: dict[type, str] = {
    RepositoryWithTheEndIncluded: "test_a_range_has_its_start_and_not_its_end",
    RepositoryWithoutTimeZones: "test_a_frame_has_the_promised_form",
    RepositoryWithNothingMissing: "test_a_series_that_is_not_there_is_not_found",
    RepositoryThatSortsWhatItSaves: "test_frames_that_are_not_candles_are_refused",
    RepositoryThatFillsHoles: "test_frames_that_are_not_candles_are_refused",
    RepositoryThatForgetsTheTimeframe: "test_a_series_that_is_not_there_is_not_found",
    RepositoryThatOnlyAdds: "test_saving_replaces_the_whole_series",
}


def test_the_suite_passes_what_is_right() -> None:
    assert failing_tests(DataRepositoryContract, {"repository": RightRepository}) == set()


@pytest.mark.parametrize("planted", REPOSITORIES)
def test_a_wrong_repository_is_caught(planted: type) -> None:
    failing = failing_tests(DataRepositoryContract, {"repository": planted})

    assert REPOSITORIES[planted] in failing
