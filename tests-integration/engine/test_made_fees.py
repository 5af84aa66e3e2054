"""The fees of made market rules, charged by the real engine."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

RANGE = ("--timerange", "20250105-20250108")


@pytest.mark.deep
def test_the_engine_charges_the_higher_fee_of_the_rules_as_it_does_that_of_the_configuration(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(candles, data)
    made = tradai(
        *("markets", "make", "--pair", "BTC/USDT", "--pair", "ETH/USDT", "--tick", "0.01"),
        *("--step", "0.00001", "--min-notional", "5", "--maker-fee", "0.0005"),
        *("--taker-fee", "0.0015", "--data", data, "--force"),
    )
    assert made.code == 0, made.stderr

    words = ("run", strategy, "--mode", "backtest", "--data", data, *RANGE)
    for overrides in ((), ("execution.fee=0.0015",)):
        done = tradai(*words, *overrides)
        assert done.code == 0, done.stderr

    by_rules, by_key = sorted((tmp_path / "runs").iterdir(), key=lambda run: run.stat().st_ctime)
    first, second = (json.loads((run / "manifest.json").read_text()) for run in (by_rules, by_key))
    assert first["digests"]["trades"] == second["digests"]["trades"]
    assert first["results"]["profit_percent"] == second["results"]["profit_percent"]
    assert any(each.startswith("each order costs 0.0015") for each in first["notices"])
    trades = pq.read_table(by_rules / "trades.parquet").to_pylist()
    assert trades
    for each in trades:
        assert (each["fee_open"], each["fee_close"]) == (0.0015, 0.0015)
        # By hand: the price that was received less the one that was paid, each with its fee.
        paid = each["amount"] * each["open_rate"] * (1 + 0.0015)
        received = each["amount"] * each["close_rate"] * (1 - 0.0015)
        assert each["profit_abs"] == pytest.approx(received - paid, abs=1e-6)
