"""Compare the trades and the models of a run with those of the run that it repeats."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade._results.collected import BACKTEST_NAME
from tradai.entrypoint.freqtrade._results.results import BacktestResult, TradeRecord, read_backtest

# The facts of a trade that say most about a difference; the rest follows from them.
_TELLING: Final = (
    *("open_rate", "stake_amount", "amount", "close_date", "close_rate", "exit_reason"),
    *("profit_abs", "orders"),
)


def compare_trades(result: BacktestResult, context: RunContext, verdict: Verdict) -> Verdict:
    """Return the verdict on a run that may repeat another: a mismatch when the trades differ.

    `verdict` stands when it is no success, and when there are no trades to compare with.
    """
    if context.replay_folder is None or not verdict.is_success:
        return verdict
    before = RunManifest.read(context.replay_folder)
    digest = before.digests.get("trades")
    if digest is None:
        return verdict
    if digest == result.trades_digest:
        sentence = f"{verdict.sentence}, the same trades as run {before.run_id}"
        return Verdict(exit_code=ExitCode.DONE, sentence=sentence)
    return Verdict(
        exit_code=ExitCode.MISMATCH,
        sentence=f"run {before.run_id} made other trades from the same inputs: "
        f"{_difference(result, context, context.replay_folder)}; "
        f"{_cause(before.versions, context.record.versions)}",
    )


def compare_models(context: RunContext, verdict: Verdict) -> Verdict:
    """Return `verdict`, or a mismatch when the models predict otherwise than those of before."""
    if context.replay_folder is None or not verdict.is_success:
        return verdict
    before = RunManifest.read(context.replay_folder)
    now = context.record.digests.get("models")
    if before.digests.get("models", now) == now:
        return verdict
    return Verdict(
        exit_code=ExitCode.MISMATCH,
        sentence=f"run {before.run_id} trained models that predict otherwise, from the same "
        f"inputs; {_cause(before.versions, context.record.versions)}",
    )


def first_difference(before: Sequence[TradeRecord], after: Sequence[TradeRecord]) -> str:
    """Return a sentence on the first trade that differs; at least one does."""
    number, earlier, later = next(
        (number, *pair)
        for number, pair in enumerate(zip_longest(before, after), start=1)
        if pair[0] != pair[1]
    )
    if earlier is None or later is None or _name(earlier) != _name(later):
        return f"trade {number} is {_name(later)}, and was {_name(earlier)}"
    fact = next((fact for fact in _TELLING if earlier.get(fact) != later.get(fact)), None)
    if fact is None or fact == "orders":
        return f"trade {number}, {_name(later)}, differs"
    return f"trade {number}, {_name(later)}, has {fact} {later[fact]}, and had {earlier[fact]}"


def _difference(result: BacktestResult, context: RunContext, folder: Path) -> str:
    balance = context.config.execution.starting_balance
    strategy = context.config.strategy
    name = strategy.class_name if strategy else ""
    try:
        earlier = read_backtest(folder / BACKTEST_NAME, name, balance)
    except StorageError:
        return f"the first that differs is not known, as {folder / BACKTEST_NAME} cannot be read"
    return first_difference(earlier.trades, result.trades)


def _cause(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    changed = [
        f"{name} was {before[name]} and is {version}"
        for name, version in now.items()
        if before.get(name, version) != version
    ]
    if changed:
        return ", ".join(changed)
    return "the strategy is not deterministic: look for random numbers without a seed, or the clock"


def _name(trade: Mapping[str, JsonValue] | None) -> str:
    return f"{trade['pair']} opened {trade['open_date']}" if trade else "missing"
