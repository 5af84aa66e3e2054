"""What every repository of candles promises."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Literal

import numpy as np
import pandas as pd
import pytest

from tradai.core._repositories import DataRepository
from tradai.core.exceptions import NotFoundError, ValidationError

__all__ = ["DataRepositoryContract"]

_START: Final = datetime(2025, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(minutes=5)
_COUNT: Final = 12
_PAIR: Final = "BTC/USDT"


class DataRepositoryContract:
    """Suite for a `DataRepository`. Fixture to define: ``repository``, empty."""

    def test_what_is_saved_comes_back(self, repository: DataRepository) -> None:
        frame = _candles()
        repository.save_ohlcv(_PAIR, "5m", frame)

        pd.testing.assert_frame_equal(repository.get_ohlcv(_PAIR, "5m"), frame, check_freq=False)

    def test_a_frame_has_the_promised_form(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles(unit="ns")[["volume", *_candles().columns[:4]]])

        frame = repository.get_ohlcv(_PAIR, "5m")

        assert frame.index.name == "date"
        assert str(frame.index.dtype) == "datetime64[ms, UTC]"
        assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
        assert set(map(str, frame.dtypes)) == {"float64"}

    def test_a_range_has_its_start_and_not_its_end(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())

        frame = repository.get_ohlcv(_PAIR, "5m", start=_START + _STEP, end=_START + 4 * _STEP)

        assert list(frame["open"]) == [1.0, 2.0, 3.0]

    def test_a_range_may_be_open_or_given_in_another_zone(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())
        tokyo = timezone(timedelta(hours=9))

        head = repository.get_ohlcv(_PAIR, "5m", end=(_START + 2 * _STEP).astimezone(tokyo))
        tail = repository.get_ohlcv(_PAIR, "5m", start=_START + (_COUNT - 2) * _STEP)

        assert list(head["open"]) == [0.0, 1.0]
        assert list(tail["open"]) == [_COUNT - 2, _COUNT - 1]

    def test_a_range_between_candles_gives_an_empty_frame(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())

        frame = repository.get_ohlcv(_PAIR, "5m", start=_START + timedelta(days=9))

        assert frame.empty
        assert str(frame.index.dtype) == "datetime64[ms, UTC]"

    def test_a_range_that_is_none_is_refused(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())
        naive = _START.replace(tzinfo=None)

        for start, end in ((naive, None), (None, naive), (_START + _STEP, _START)):
            with pytest.raises(ValidationError):
                repository.get_ohlcv(_PAIR, "5m", start=start, end=end)

    def test_a_series_that_is_not_there_is_not_found(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())

        for pair, timeframe in (("ETH/USDT", "5m"), (_PAIR, "1h")):
            assert repository.coverage(pair, timeframe) is None
            with pytest.raises(NotFoundError):
                repository.get_ohlcv(pair, timeframe)

    def test_coverage_tells_first_last_and_count(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())

        last = _START + (_COUNT - 1) * _STEP
        assert repository.coverage(_PAIR, "5m") == (_START, last, _COUNT)

    def test_saving_replaces_the_whole_series(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())

        repository.save_ohlcv(_PAIR, "5m", _candles().iloc[2:4])

        assert repository.coverage(_PAIR, "5m") == (_START + 2 * _STEP, _START + 3 * _STEP, 2)

    def test_series_are_told_apart_and_sorted(self, repository: DataRepository) -> None:
        wanted = [("BTC/USDT", "1m"), ("BTC/USDT", "1M"), ("ETH/BTC", "5m"), ("ETH/USDT", "5m")]
        for pair, timeframe in reversed(wanted):
            repository.save_ohlcv(pair, timeframe, _candles())

        assert repository.series() == wanted

    def test_a_returned_frame_belongs_to_the_caller(self, repository: DataRepository) -> None:
        frame = _candles()
        repository.save_ohlcv(_PAIR, "5m", frame)

        returned = repository.get_ohlcv(_PAIR, "5m")

        frame.iloc[0, 0] = -1.0
        returned.iloc[1, 0] = -1.0

        assert list(repository.get_ohlcv(_PAIR, "5m")["open"])[:2] == [0.0, 1.0]

    def test_frames_that_are_not_candles_are_refused(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", _candles())

        taken = [why for why, frame in _unfit_frames().items() if _takes(repository, frame)]

        assert taken == []
        assert repository.coverage(_PAIR, "5m") == (_START, _START + (_COUNT - 1) * _STEP, _COUNT)

    def test_names_that_are_not_series_are_refused(self, repository: DataRepository) -> None:
        for pair, timeframe in (("BTC", "5m"), ("../x/USDT", "5m"), (_PAIR, "0m"), (_PAIR, "5")):
            with pytest.raises(ValidationError):
                repository.save_ohlcv(pair, timeframe, _candles())
            with pytest.raises(ValidationError):
                repository.get_ohlcv(pair, timeframe)


def _takes(repository: DataRepository, frame: pd.DataFrame) -> bool:
    try:
        repository.save_ohlcv(_PAIR, "5m", frame)
    except ValidationError:
        return False
    return True


def _candles(unit: Literal["ms", "ns"] = "ms") -> pd.DataFrame:
    opened = pd.DatetimeIndex([_START + number * _STEP for number in range(_COUNT)], name="date")
    prices = np.arange(float(_COUNT))
    columns = ["open", "high", "low", "close", "volume"]
    values = {name: prices + shift for shift, name in enumerate(columns)}
    return pd.DataFrame(values, index=opened.as_unit(unit))


def _unfit_frames() -> dict[str, pd.DataFrame]:
    good = _candles()
    opened = pd.DatetimeIndex(good.index)
    return {
        "empty": good.iloc[:0],
        "no time zone": good.set_axis(opened.tz_localize(None)),
        "another time zone": good.set_axis(opened.tz_convert("Asia/Tokyo")),
        "no dates": good.reset_index(drop=True),
        "falling dates": good.iloc[::-1],
        "a date twice": pd.concat([good.iloc[:1], good]),
        "a part of a millisecond": good.set_axis(opened.as_unit("ns") + pd.Timedelta(1, "ns")),
        "NaN": good.replace(3.0, np.nan),
        "infinity": good.replace(3.0, np.inf),
        "integers": good.astype({"volume": "int64"}),
        "single precision": good.astype({"close": "float32"}),
        "a missing column": good.drop(columns="volume"),
        "one column more": good.assign(trades=1.0),
    }
