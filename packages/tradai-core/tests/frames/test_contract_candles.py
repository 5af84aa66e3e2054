"""Candles of a contract are in the folder and under the names of the engine."""

from pathlib import Path

import pandas as pd

from tradai.core import Timeframe
from tradai.core.frames import FlatDataRepository

COLUMNS = ("open", "high", "low", "close", "volume")


def candles(price: float) -> pd.DataFrame:
    """Three candles of an hour at `price`."""
    hours = pd.date_range("2025-01-01", periods=3, freq="1h", tz="UTC", name="date", unit="ms")
    return pd.DataFrame(dict.fromkeys(COLUMNS, price), index=hours)


def test_each_kind_of_candles_has_files_of_its_own(tmp_path: Path) -> None:
    kinds = {"futures": 1.0, "mark": 2.0}
    stored = {
        kind: FlatDataRepository(tmp_path, file_format="feather", candle_type=kind)
        for kind in kinds
    }

    for kind, price in kinds.items():
        stored[kind].save_ohlcv("BTC/USDT", "1h", candles(price))

    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "futures/BTC_USDT_USDT-1h-futures.feather",
        "futures/BTC_USDT_USDT-1h-mark.feather",
    ]
    for kind, price in kinds.items():
        assert stored[kind].get_ohlcv("BTC/USDT", "1h")["close"].tolist() == [price] * 3
        assert stored[kind].series() == [("BTC/USDT", Timeframe("1h"))]


def test_other_contracts_and_kinds_are_not_series_of_a_kind(tmp_path: Path) -> None:
    marks = FlatDataRepository(tmp_path, candle_type="mark")
    marks.save_ohlcv("BTC/USDT", "1h", candles(1.0))
    stored = next((tmp_path / "futures").iterdir()).read_bytes()
    for name in ("ETH_USDT_USDT-1h-futures", "BTC_USD_BTC-1h-mark", "BTC_USDT-1h", "notes"):
        (tmp_path / "futures" / f"{name}.parquet").write_bytes(stored)

    assert marks.series() == [("BTC/USDT", Timeframe("1h"))]


def test_a_spot_folder_does_not_show_contracts(tmp_path: Path) -> None:
    FlatDataRepository(tmp_path, candle_type="mark").save_ohlcv("BTC/USDT", "1h", candles(1.0))

    assert FlatDataRepository(tmp_path).series() == []
    assert FlatDataRepository(tmp_path).coverage("BTC/USDT", "1h") is None
