"""Freqtrade reads what `data convert` writes, and `data convert` what Freqtrade writes."""

import subprocess
from pathlib import Path

from tradai.core import Timeframe
from tradai.entrypoint.freqtrade import Resampling, check_series, convert_series, list_series

SCRIPT = Path(__file__).resolve().parent / "demo" / "freqtrade_files.py"
FORMATS = ("json", "json.gz", "feather", "parquet")
# Each format is read once and written once.
TARGETS = ("feather", "parquet", "json.gz", "json")
MADE = [
    None,
    Resampling(source=Timeframe("5m"), target=Timeframe("15m")),
    Resampling(source=Timeframe("5m"), target=Timeframe("1h")),
    Resampling(source=None, target=Timeframe("1m")),
]


def freqtrade(engine_bin: Path, word: str, folder: Path) -> str:
    command: list[str | Path] = [engine_bin / "python", SCRIPT, word, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_each_format_becomes_each_other_one_with_the_same_rows(
    engine_bin: Path, tmp_path: Path
) -> None:
    freqtrade(engine_bin, "write", tmp_path)

    for source, target in zip(FORMATS, TARGETS, strict=True):
        for resampling in MADE:
            convert_series(
                str(tmp_path / source),
                tmp_path / f"{source}-{target}",
                file_format=target,
                resampling=resampling,
            )

    compared = freqtrade(engine_bin, "compare", tmp_path).split()
    assert sorted(compared) == sorted(f"{a}-{b}" for a, b in zip(FORMATS, TARGETS, strict=True))


def test_folders_of_freqtrade_are_listed_and_have_no_faults(
    engine_bin: Path, tmp_path: Path
) -> None:
    freqtrade(engine_bin, "write", tmp_path)

    for name in FORMATS:
        found = list_series(str(tmp_path / name)).series
        assert [(each.pair, each.kind, each.rows, each.missing) for each in found] == [
            ("BTC/USDT", "trades", 500, None),
            ("BTC/USDT", "spot", 556, 20),
            ("BTC/USDT:USDT", "mark", 556, 20),
            ("BTC/USDT:USDT", "funding_rate", 6, 0),
        ]
        assert check_series(str(tmp_path / name)).faults == 0
