"""Write and read candle folders with Freqtrade's own code; run by the engine's Python.

Usage: ``freqtrade_files.py write|compare FOLDER``.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from freqtrade.data.converter import trades_to_ohlcv
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, TradingMode

FORMATS = {"json": "json", "json.gz": "jsongz", "feather": "feather", "parquet": "parquet"}
PAIR, FUTURE = "BTC/USDT", "BTC/USDT:USDT"
LONGER = {"15m": "15min", "1h": "1h"}


def candles() -> pd.DataFrame:
    """Return 5m candles of two days, whose first and last hour are whole, with a gap."""
    random = np.random.default_rng(7)
    date = pd.date_range("2025-01-01", periods=576, freq="5min", tz="UTC", unit="ms")
    close = (100 + random.normal(0, 1, 576).cumsum() / 10).round(4)
    frame = pd.DataFrame({"date": date, "open": close, "close": (close + 0.1).round(4)})
    frame["high"] = (frame["close"] + 0.5).round(4)
    frame["low"] = (frame["open"] - 0.5).round(4)
    frame["volume"] = random.uniform(1, 9, 576).round(3)
    columns = ["date", "open", "high", "low", "close", "volume"]
    return frame.loc[:, columns].drop(index=range(100, 120)).reset_index(drop=True)


def funding() -> pd.DataFrame:
    """Return funding rates of two days."""
    date = pd.date_range("2025-01-01", periods=6, freq="8h", tz="UTC", unit="ms")
    return pd.DataFrame({"date": date, "funding_rate": 0.0001})


def trades() -> pd.DataFrame:
    """Return trades, some of one instant, with an hour without any."""
    random = np.random.default_rng(8)
    steps = random.integers(0, 40_000, 500)
    steps[250] = 3_600_000
    frame = pd.DataFrame({"timestamp": 1_735_689_600_000 + steps.cumsum()})
    frame["id"] = frame.index.astype(str)
    frame["type"], frame["side"] = "", "buy"
    frame["price"] = random.uniform(90, 110, 500).round(2)
    frame["amount"] = random.uniform(0.1, 2, 500).round(3)
    frame["cost"] = frame["price"] * frame["amount"]
    return frame


def write(folder: Path) -> None:
    """Write the same rows in each format."""
    rates = funding()
    for name, own in FORMATS.items():
        handler = get_datahandler(folder / name, own)
        (folder / name).mkdir(parents=True)
        handler.ohlcv_store(PAIR, "5m", candles(), CandleType.SPOT)
        handler.ohlcv_store(FUTURE, "5m", candles(), CandleType.MARK)
        handler.ohlcv_store(FUTURE, "8h", rates, CandleType.FUNDING_RATE)
        handler.trades_store(PAIR, trades(), TradingMode.SPOT)


def load(handler, pair: str, timeframe: str, kind: CandleType) -> pd.DataFrame:
    """Return the candles as Freqtrade loads them, without what it would add."""
    loaded = handler.ohlcv_load(pair, timeframe, kind, fill_missing=False)
    return loaded.drop(columns="open") if kind == CandleType.FUNDING_RATE else loaded


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Require equal times and columns, and equal values but for the rounding of a sum."""
    expected = expected.reset_index(drop=True)
    assert list(found.columns) == list(expected.columns), found.columns
    pd.testing.assert_frame_equal(
        found, expected, check_dtype=False, check_exact=False, rtol=1e-12, atol=0
    )


def longer(rule: str) -> pd.DataFrame:
    """Return the resampled candles of pandas."""
    columns = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    made = candles().set_index("date").resample(rule).agg(columns)
    return made[made["open"].notna()].reset_index()


def compare(folder: Path) -> None:
    """Read each folder ``SOURCE-TARGET`` and require the rows that were written."""
    for place in sorted(folder.glob("*-*")):
        name = place.name.rpartition("-")[2]
        handler = get_datahandler(place, FORMATS[name])
        same(load(handler, PAIR, "5m", CandleType.SPOT), candles())
        same(load(handler, FUTURE, "5m", CandleType.MARK), candles())
        same(load(handler, FUTURE, "8h", CandleType.FUNDING_RATE), funding())
        for timeframe, rule in LONGER.items():
            same(load(handler, PAIR, timeframe, CandleType.SPOT), longer(rule))
        dated = trades().assign(date=lambda t: pd.to_datetime(t["timestamp"], unit="ms", utc=True))
        own = trades_to_ohlcv(dated, "1m")
        own["date"] = own["date"].dt.as_unit("ms")
        same(load(handler, PAIR, "1m", CandleType.SPOT), own)
        print(place.name)


{"write": write, "compare": compare}[sys.argv[1]](Path(sys.argv[2]))
