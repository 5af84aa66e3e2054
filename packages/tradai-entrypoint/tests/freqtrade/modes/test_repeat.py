"""A run that repeats another says whether it made the same trades."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode, RunManifest

BACKTEST = TradingMode.BACKTEST

Run = Callable[..., Any]


@pytest.fixture
def first(run: Run) -> Path:
    """Folder of a backtest that has ended."""
    folder: Path = run(BACKTEST).folder
    return folder


def with_trades(
    captured: dict[str, Any], change: Callable[[list[dict[str, Any]]], object]
) -> dict[str, Any]:
    """Return a result whose trades were changed."""
    other = deepcopy(captured)
    change(other["strategy"]["WaveRider"]["trades"])
    return other


def test_a_repetition_with_the_same_trades_says_so(run: Run, first: Path) -> None:
    again = run(BACKTEST, replay=first)

    assert again.code == ExitCode.DONE
    assert again.verdict == f"{RunManifest.read(first).verdict}, the same trades as run run-0"
    assert again.manifest.replay_of == "run-0"


def test_a_repetition_with_other_trades_is_a_mismatch(
    run: Run, first: Path, captured: dict[str, Any]
) -> None:
    other = with_trades(captured, lambda trades: trades[2].update(close_rate=1.5, profit_abs=9))

    again = run(BACKTEST, replay=first, result=other)

    trade = captured["strategy"]["WaveRider"]["trades"][2]
    assert again.code == ExitCode.MISMATCH
    assert again.verdict == (
        "run run-0 made other trades from the same inputs: trade 3, "
        f"{trade['pair']} opened {trade['open_date']}, has close_rate 1.5, and had "
        f"{trade['close_rate']}; the strategy is not deterministic: look for random numbers "
        "without a seed, or the clock"
    )
    assert {"trades.parquet", "engine-result.zip"} <= again.files


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda trades: trades.pop(), "trade 12 is missing, and was "),
        (lambda trades: trades.append(dict(trades[0])), "and was missing"),
        (lambda trades: trades[0].update(pair="XMR/USDT"), "trade 1 is XMR/USDT opened "),
        (lambda trades: trades[3]["orders"].clear(), "trade 4, "),
        (lambda trades: trades[1].update(min_rate=0.5), "differs;"),
    ],
)
def test_the_first_trade_that_differs_is_named(
    run: Run,
    first: Path,
    captured: dict[str, Any],
    change: Callable[[list[dict[str, Any]]], object],
    says: str,
) -> None:
    again = run(BACKTEST, replay=first, result=with_trades(captured, change))

    assert again.code == ExitCode.MISMATCH
    assert says in again.verdict


def test_another_version_is_named_as_the_cause(
    run: Run, first: Path, captured: dict[str, Any]
) -> None:
    manifest = first / "manifest.json"
    text = manifest.read_text().replace('"freqtrade": "2026.9"', '"freqtrade": "2026.8"')
    manifest.write_text(text)
    other = with_trades(captured, list.pop)

    again = run(BACKTEST, replay=first, result=other)

    assert again.code == ExitCode.MISMATCH
    assert again.verdict.endswith("; freqtrade was 2026.8 and is 2026.9")


def test_a_repetition_needs_no_trades_of_the_first_run_to_be_a_mismatch(
    run: Run, first: Path, captured: dict[str, Any]
) -> None:
    (first / "engine-result.zip").unlink()

    again = run(BACKTEST, replay=first, result=with_trades(captured, list.pop))

    assert again.code == ExitCode.MISMATCH
    assert "the first that differs is not known" in again.verdict


def test_a_repetition_that_failed_keeps_its_verdict(
    run: Run, first: Path, captured: dict[str, Any]
) -> None:
    other = with_trades(captured, list.pop)

    again = run(BACKTEST, replay=first, result=other, exit_code=1)

    assert again.code == ExitCode.CRASHED


def test_a_run_without_trades_can_be_repeated(run: Run) -> None:
    crashed = run(BACKTEST, result=None, exit_code=1)

    again = run(BACKTEST, replay=crashed.folder)

    assert again.code == ExitCode.DONE
    assert "the same trades" not in again.verdict
