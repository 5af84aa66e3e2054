"""The folder of the candles that a path or URI names."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade import data_folder


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
