"""Conformance suite of candle repositories."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import numpy as np
import pandas as pd
import pytest

from tradai.core._ports.repositories import DataRepository
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.testing._candle_frames import (
    COUNT,
    START,
    STEP,
    candles,
    dates,
    impossible_frames,
    monthly,
    unfit_frames,
)

_LAST: Final = START + (COUNT - 1) * STEP
_PAIR: Final = "BTC/USDT"


class DataRepositoryContract:
    """Suite for a `DataRepository`. Fixture to define: ``repository``, empty.

    The candles of the suite are of 2025, and its open ones of 2200: a clock of the repository's own
    must be between these years.
    """

    def test_a_saved_series_comes_back(self, repository: DataRepository) -> None:
        frame = candles()
        repository.save_ohlcv(_PAIR, "5m", frame)

        pd.testing.assert_frame_equal(repository.get_ohlcv(_PAIR, "5m"), frame, check_freq=False)

    def test_a_frame_has_the_promised_form(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles(unit="ns")[["volume", *candles().columns[:4]]])

        frame = repository.get_ohlcv(_PAIR, "5m")

        assert frame.index.name == "date"
        assert str(frame.index.dtype) == "datetime64[ms, UTC]"
        assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
        assert set(map(str, frame.dtypes)) == {"float64"}

    def test_a_range_has_its_start_and_not_its_end(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        frame = repository.get_ohlcv(_PAIR, "5m", start=START + STEP, end=START + 4 * STEP)

        assert list(frame["open"]) == [1.0, 2.0, 3.0]

    def test_a_range_may_be_open_or_given_in_another_zone(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())
        tokyo = timezone(timedelta(hours=9))

        head = repository.get_ohlcv(_PAIR, "5m", end=(START + 2 * STEP).astimezone(tokyo))
        tail = repository.get_ohlcv(_PAIR, "5m", start=START + (COUNT - 2) * STEP)

        assert list(head["open"]) == [0.0, 1.0]
        assert list(tail["open"]) == [COUNT - 2, COUNT - 1]

    def test_a_range_between_candles_gives_an_empty_frame(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        frame = repository.get_ohlcv(_PAIR, "5m", start=START + timedelta(days=9))

        assert frame.empty
        assert str(frame.index.dtype) == "datetime64[ms, UTC]"
        assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
        assert set(map(str, frame.dtypes)) == {"float64"}

    def test_a_naive_or_reversed_range_is_refused(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())
        naive = START.replace(tzinfo=None)

        for start, end in ((naive, None), (None, naive), (START + STEP, START)):
            with pytest.raises(ValidationError):
                repository.get_ohlcv(_PAIR, "5m", start=start, end=end)
        with pytest.raises(ValidationError):
            repository.get_ohlcv(_PAIR, "5m", closed_by=naive)

    def test_a_range_may_begin_and_end_between_milliseconds(
        self, repository: DataRepository
    ) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())
        moment = timedelta(microseconds=1)

        after = repository.get_ohlcv(_PAIR, "5m", start=START + moment, end=START + 2 * STEP)
        until = repository.get_ohlcv(_PAIR, "5m", end=START + STEP + moment)
        known = repository.get_ohlcv(_PAIR, "5m", closed_by=START + 2 * STEP - moment)

        assert list(after["open"]) == [1.0]
        assert list(until["open"]) == [0.0, 1.0]
        assert list(known["open"]) == [0.0]

    def test_a_candle_is_known_from_its_close_on(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        known = repository.get_ohlcv(_PAIR, "5m", closed_by=START + 3 * STEP)
        same = repository.get_ohlcv(_PAIR, "5m", closed_by=START + 3.5 * STEP)
        later = repository.get_ohlcv(_PAIR, "5m", start=START + STEP, closed_by=START + STEP)

        assert list(known["open"]) == list(same["open"]) == [0.0, 1.0, 2.0]
        assert later.empty

    def test_months_close_by_the_calendar(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "1M", monthly())

        for month, day, known in ((2, 28, 1), (3, 1, 2), (3, 31, 2), (4, 1, 3)):
            by = datetime(2025, month, day, tzinfo=UTC)
            assert len(repository.get_ohlcv(_PAIR, "1M", closed_by=by)) == known

    def test_an_open_candle_is_never_kept(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())
        still_open = candles().set_axis(dates(datetime(2199, 1, 1, tzinfo=UTC)))

        for keep in (repository.save_ohlcv, repository.upsert_ohlcv):
            with pytest.raises(ValidationError):
                keep(_PAIR, "5m", still_open)
            with pytest.raises(ValidationError):
                keep("ETH/USDT", "5m", pd.concat([candles(), still_open.iloc[:1]]))

        assert repository.coverage(_PAIR, "5m") == (START, _LAST, COUNT)
        assert repository.series() == [(_PAIR, "5m")]

    def test_a_series_that_is_not_there_is_not_found(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        for pair, timeframe in (("ETH/USDT", "5m"), (_PAIR, "1h")):
            assert repository.coverage(pair, timeframe) is None
            with pytest.raises(NotFoundError):
                repository.get_ohlcv(pair, timeframe)

    def test_coverage_has_first_last_and_count(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        assert repository.coverage(_PAIR, "5m") == (START, _LAST, COUNT)

    def test_saving_replaces_the_whole_series(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        repository.save_ohlcv(_PAIR, "5m", candles().iloc[2:4])

        assert repository.coverage(_PAIR, "5m") == (START + 2 * STEP, START + 3 * STEP, 2)

    def test_an_upsert_begins_a_series(self, repository: DataRepository) -> None:
        repository.upsert_ohlcv(_PAIR, "5m", candles())

        _assert_kept(repository, "5m", candles())

    def test_an_upsert_appends_and_prepends(self, repository: DataRepository) -> None:
        for part in (candles().iloc[4:6], candles().iloc[6:], candles().iloc[:4]):
            repository.upsert_ohlcv(_PAIR, "5m", part)

        _assert_kept(repository, "5m", candles())

    def test_an_upsert_replaces_candles_and_leaves_those_between(
        self, repository: DataRepository
    ) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())
        wanted = candles()
        wanted.iloc[[2, 9]] = 99.0

        repository.upsert_ohlcv(_PAIR, "5m", wanted.iloc[[2, 9]])

        _assert_kept(repository, "5m", wanted)

    def test_an_upsert_fills_a_hole_and_makes_none_up(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles().iloc[[0, 1, 5, 11]])

        repository.upsert_ohlcv(_PAIR, "5m", candles().iloc[[3, 5]])

        _assert_kept(repository, "5m", candles().iloc[[0, 1, 3, 5, 11]])

    def test_an_upsert_twice_is_an_upsert_once(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles().iloc[:6])

        for _ in range(2):
            repository.upsert_ohlcv(_PAIR, "5m", candles().iloc[3:])

        _assert_kept(repository, "5m", candles())

    def test_an_upsert_may_span_years(self, repository: DataRepository) -> None:
        days = pd.date_range("2023-12-30", "2025-02-02", freq="D", tz="UTC", name="date")
        daily = pd.DataFrame(
            dict.fromkeys(candles().columns, np.arange(float(len(days)))),
            index=days.as_unit("ms"),
        )
        repository.save_ohlcv(_PAIR, "1d", daily.iloc[::2])

        repository.upsert_ohlcv(_PAIR, "1d", daily.iloc[1::2])

        _assert_kept(repository, "1d", daily)

    def test_an_upsert_touches_one_series(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        repository.upsert_ohlcv(_PAIR, "15m", candles().iloc[:1])
        repository.upsert_ohlcv("ETH/USDT", "5m", candles().iloc[:1])

        _assert_kept(repository, "5m", candles())

    def test_series_are_distinguished_and_sorted(self, repository: DataRepository) -> None:
        wanted = [("BTC/USDT", "1m"), ("BTC/USDT", "1M"), ("ETH/BTC", "5m"), ("ETH/USDT", "5m")]
        for pair, timeframe in reversed(wanted):
            repository.save_ohlcv(pair, timeframe, candles().iloc[:1])

        assert repository.series() == wanted

    def test_a_returned_frame_belongs_to_the_caller(self, repository: DataRepository) -> None:
        frame = candles()
        repository.save_ohlcv(_PAIR, "5m", frame)

        returned = repository.get_ohlcv(_PAIR, "5m")

        frame.iloc[0, 0] = -1.0
        returned.iloc[1, 0] = -1.0

        assert list(repository.get_ohlcv(_PAIR, "5m")["open"])[:2] == [0.0, 1.0]

    def test_frames_that_are_not_candles_are_refused(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        for keep in (repository.save_ohlcv, repository.upsert_ohlcv):
            assert [why for why, frame in unfit_frames().items() if _takes(keep, frame)] == []
        assert repository.coverage(_PAIR, "5m") == (START, _LAST, COUNT)

    def test_candles_that_cannot_be_are_refused(self, repository: DataRepository) -> None:
        repository.save_ohlcv(_PAIR, "5m", candles())

        for keep in (repository.save_ohlcv, repository.upsert_ohlcv):
            assert [why for why, frame in impossible_frames().items() if _takes(keep, frame)] == []
        _assert_kept(repository, "5m", candles())

    def test_names_that_are_not_series_are_refused(self, repository: DataRepository) -> None:
        for pair, timeframe in (("BTC", "5m"), ("../x/USDT", "5m"), (_PAIR, "0m"), (_PAIR, "5")):
            with pytest.raises(ValidationError):
                repository.save_ohlcv(pair, timeframe, candles())
            with pytest.raises(ValidationError):
                repository.upsert_ohlcv(pair, timeframe, candles())
            with pytest.raises(ValidationError):
                repository.get_ohlcv(pair, timeframe)


def _takes(keep: Callable[[str, str, pd.DataFrame], None], frame: pd.DataFrame) -> bool:
    try:
        keep(_PAIR, "5m", frame)
    except ValidationError:
        return False
    return True


def _assert_kept(repository: DataRepository, timeframe: str, frame: pd.DataFrame) -> None:
    kept = repository.get_ohlcv(_PAIR, timeframe)
    pd.testing.assert_frame_equal(kept, frame, check_freq=False)
    first, last = (at.to_pydatetime() for at in (frame.index[0], frame.index[-1]))
    assert repository.coverage(_PAIR, timeframe) == (first, last, len(frame))
