"""Candles of any repository, and market rules beside them or in a file of their own."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.core.frames import FlatDataRepository, ParquetDataRepository
from tradai.entrypoint import ExitCode

Run = Callable[..., Any]

BACKTEST = TradingMode.BACKTEST


@pytest.fixture
def parquet(candles: Path, tmp_path: Path) -> Path:
    """The candles and market rules in a folder of partitioned Parquet files."""
    folder = tmp_path / "parquet"
    source, target = FlatDataRepository(candles), ParquetDataRepository(folder)
    for pair, timeframe in source.series():
        target.save_ohlcv(pair, timeframe, source.get_ohlcv(pair, timeframe))
    shutil.copy(candles / "markets.json", folder)
    return folder


@pytest.mark.parametrize(
    ("mode", "scenario"),
    [
        (BACKTEST, {}),
        (
            TradingMode.HYPEROPT,
            {
                "epochs": [
                    {
                        "loss": 1.0,
                        "current_epoch": 1,
                        "params_details": {"buy": {"buy_fast": 5}},
                        "results_metrics": {"total_trades": 9, "profit_total": 0.1},
                    }
                ]
            },
        ),
        (
            TradingMode.TRAIN,
            {"models": {"waves/sub-train-BTC_1735689600/cb_btc_1735689600_model.joblib": "model"}},
        ),
    ],
)
def test_every_mode_reads_partitioned_parquet(
    run: Run, parquet: Path, strategy: Path, mode: TradingMode, scenario: dict[str, Any]
) -> None:
    patches = (str(strategy.parent / "freqai.yaml"),) if mode is TradingMode.TRAIN else ()

    places = {"data": f"parquet://{parquet}"}

    plain = run(mode, "run.spaces=[buy]", patches=patches, **scenario)
    done = run(mode, "run.spaces=[buy]", patches=patches, places=places, **scenario)

    assert plain.code == done.code == ExitCode.DONE
    assert done.manifest.data["uri"] == f"parquet://{parquet}"
    assert done.manifest.digests["data"] == plain.manifest.digests["data"]
    assert done.manifest.digests["markets"] == plain.manifest.digests["markets"]


def test_market_rules_may_be_in_a_file_of_their_own(
    run: Run, parquet: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "rules of June.json"
    (parquet / "markets.json").rename(rules)
    data = f"parquet://{parquet}"

    refused = run(BACKTEST, places={"data": data})
    done = run(BACKTEST, places={"data": data, "markets": str(rules)})
    again = run(BACKTEST, places={"data": None}, replay=done.folder)

    assert refused.code == ExitCode.DATA
    assert f"markets capture CONFIG --data {parquet}" in refused.verdict
    assert done.code == again.code == ExitCode.DONE
    assert done.manifest.data["markets"] == again.manifest.data["markets"] == str(rules)
    assert again.manifest.digests == done.manifest.digests


def test_a_run_refused_for_its_market_rules_can_be_repeated_when_they_are_there(
    run: Run, parquet: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "rules of June.json"
    (parquet / "markets.json").rename(rules)
    refused = run(BACKTEST, places={"data": f"parquet://{parquet}"})

    rules.rename(parquet / "markets.json")
    again = run(BACKTEST, places={"data": None}, replay=refused.folder)

    assert (refused.code, again.code) == (ExitCode.DATA, ExitCode.DONE)


def test_candles_in_the_other_layout_are_named_with_their_uri(
    run: Run, parquet: Path, candles: Path
) -> None:
    as_parquet = run(BACKTEST, places={"data": f"parquet://{candles}"})
    as_flat = run(BACKTEST, places={"data": str(parquet)})
    too_early = run(BACKTEST, "run.timerange=20200101-20200102")

    assert as_parquet.code == as_flat.code == ExitCode.DATA
    assert f"; {candles} has candles in another layout: name it as {candles}" in as_parquet.verdict
    assert f"another layout: name it as parquet:{parquet}" in as_flat.verdict
    assert "layout" not in too_early.verdict


def test_a_missing_file_of_rules_says_how_to_capture_it(run: Run, tmp_path: Path) -> None:
    done = run(BACKTEST, places={"markets": str(tmp_path / "none.json")})

    assert done.code == ExitCode.DATA
    assert f"markets capture CONFIG --markets {tmp_path / 'none.json'}" in done.verdict


def test_candles_without_a_folder_need_a_file_of_rules(run: Run) -> None:
    done = run(BACKTEST, places={"data": "arctic:s3s://s3.example.org:bucket?aws_auth=true"})

    assert done.code == ExitCode.CONFIGURATION
    assert "name their file with --markets FILE, or set TRADAI_RUN_MARKETS" in done.verdict


def test_a_key_written_out_in_the_uri_is_refused_and_not_recorded(run: Run) -> None:
    keys = "access=env:CANDLES&secret=obviously-fake-value"

    done = run(BACKTEST, places={"data": f"arctic:s3s://s3.example.org:bucket?{keys}"})

    assert done.code == ExitCode.CONFIGURATION
    assert "give a reference to it, such as secret=env:NAME" in done.verdict
    written = [path.read_text() for path in done.folder.iterdir() if path.is_file()]
    assert not [text for text in written if "obviously-fake" in text]


def test_a_reference_to_a_key_is_accepted(run: Run, candles: Path) -> None:
    data = "arctic:s3s://s3.example.org:bucket?access=env:A&secret=env:B"

    done = run(BACKTEST, places={"data": data, "markets": str(candles / "markets.json")})

    # Whether ArcticDB is installed here or not, the reference was no reason to refuse the run.
    assert "give a reference" not in done.verdict
    assert done.manifest.digests["markets"]


def test_an_open_range_is_resolved_in_the_manifest(run: Run) -> None:
    done = run(BACKTEST, "run.timerange=20250101-")

    manifest = done.manifest
    assert done.code == ExitCode.DONE
    assert manifest.data["timerange"] == "20250101-20250102"
    assert manifest.run_parameters["timerange"] == "20250101-20250102"
    assert "--timerange 20250101-20250102" in " ".join(done.given["arguments"])
    assert manifest.digests["run"] == run(BACKTEST).manifest.digests["run"]
