"""The folder of the candles that a path or URI names."""

from pathlib import Path

import pytest

from tradai.core.frames import FlatDataRepository
from tradai.entrypoint.freqtrade import data_folder
from tradai.entrypoint.freqtrade._candles.dataset import candle_files
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries


@pytest.mark.parametrize(
    ("data", "folder"),
    [
        ("candles", Path("candles")),
        ("/data/candles", Path("/data/candles")),
        ("file:///data/my%20candles", Path("/data/my candles")),
        ("parquet:///data/candles", Path("/data/candles")),
        ("parquet:candles", Path("candles")),
        ("arctic:lmdb:///data/candles?map_size=4GB", Path("/data/candles")),
        ("arctic:s3s://s3.eu-central-1.amazonaws.com:bucket?aws_auth=true", None),
        ("s3://bucket/candles", None),
        ("vendor:anything", None),
    ],
)
def test_candles_may_have_a_folder_here(data: str, folder: Path | None) -> None:
    assert data_folder(data) == folder


@pytest.mark.parametrize(("pair", "timeframe"), [("BTC/USDT", "5m"), ("1INCH/USDT", "1M")])
def test_candles_are_in_the_files_that_are_fetched(
    pair: str, timeframe: str, tmp_path: Path
) -> None:
    series = NeededSeries(pair=pair, timeframe=timeframe, warmup=0, is_traded=True)

    for name in candle_files(series):
        (tmp_path / name).touch()

        assert FlatDataRepository(tmp_path).series() == [(pair, timeframe)]
        (tmp_path / name).unlink()
