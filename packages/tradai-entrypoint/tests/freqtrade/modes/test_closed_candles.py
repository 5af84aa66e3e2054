"""Which candles of further series are closed at the end of a cut of the look-ahead analysis."""

import sys
from datetime import UTC, datetime
from types import ModuleType

import pytest

from tradai.core import Timeframe

# Not public: a child process calls it, which runs on the real engine elsewhere.
from tradai.entrypoint.freqtrade._modes._bias.closed_candles import (
    closed_candles,
    leave_out_open_candles,
)


def _seconds(hour: int, minute: int) -> int:
    return int(datetime(2025, 1, 31, hour, minute, tzinfo=UTC).timestamp())


def _last_opening(timeframe: str, opened: list[str], *, stop: int) -> str:
    import pandas as pd

    dates = pd.to_datetime(pd.Series(opened), utc=True).astype("datetime64[ms, UTC]")
    candles = pd.DataFrame({"date": dates, "close": 1.0})
    config = {"timeframe": "5m", "timerange": f"1735689600-{stop}"}
    kept = closed_candles(candles, Timeframe(timeframe), config)
    return f"{kept['date'].iloc[-1]:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("hour", "minute", "last"),
    [(9, 50, "2025-01-31 08:00"), (9, 55, "2025-01-31 09:00"), (10, 0, "2025-01-31 09:00")],
)
def test_an_hour_is_closed_when_its_last_own_candle_is(hour: int, minute: int, last: str) -> None:
    hours = ["2025-01-31 08:00", "2025-01-31 09:00"]
    hours += ["2025-01-31 10:00"] if hour == 10 else []

    assert _last_opening("1h", hours, stop=_seconds(hour, minute)) == last


def test_a_month_is_closed_at_its_end() -> None:
    months = ["2024-12-01", "2025-01-01"]

    assert _last_opening("1M", months, stop=_seconds(23, 50)) == "2024-12-01 00:00"
    assert _last_opening("1M", months, stop=_seconds(23, 55)) == "2025-01-01 00:00"


def test_shorter_candles_are_closed_before_the_own_one() -> None:
    minutes = ["2025-01-31 09:49", "2025-01-31 09:50"]

    assert _last_opening("1m", minutes, stop=_seconds(9, 50)) == "2025-01-31 09:50"


def test_one_candle_is_kept_for_a_strategy_that_expects_one() -> None:
    assert _last_opening("1d", ["2025-01-31"], stop=_seconds(9, 50)) == "2025-01-31 00:00"


@pytest.mark.parametrize(("kind", "count"), [("", 1), ("mark", 1), ("funding_rate", 2)])
def test_a_funding_rate_is_known_at_its_time(
    kind: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    dates = pd.to_datetime(pd.Series(["2025-01-31 08:00", "2025-01-31 09:00"]), utc=True)

    class DataProvider:
        """The engine's provider of candles, which is in another Python than this one."""

        def __init__(self) -> None:
            self._config = {"timeframe": "5m", "timerange": f"1735689600-{_seconds(9, 50)}"}

        def historic_ohlcv(self, _pair: str, _timeframe: str, _kind: str = "") -> pd.DataFrame:
            return pd.DataFrame({"date": dates})

    module = ModuleType("freqtrade.data.dataprovider")
    monkeypatch.setattr(module, "DataProvider", DataProvider, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    leave_out_open_candles()

    assert len(DataProvider().historic_ohlcv("BTC/USDT:USDT", "1h", kind)) == count
