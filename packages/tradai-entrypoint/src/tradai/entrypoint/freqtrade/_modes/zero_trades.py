"""Explain a backtest without trades: count its entry signals, and what rejected them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tradai.core.exceptions import StorageError
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import engine_environment
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._preparation.plan import STRATEGIES, EnginePlan
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.results import BacktestResult
from tradai.entrypoint.freqtrade._strategy.observer import (
    COUNTS_NAME,
    OBSERVER_CLASS,
    write_observer,
)


def explain_zero_trades(job: EngineJob, context: RunContext, result: BacktestResult) -> str:
    """Record the entry signals of a backtest without trades, and return a sentence on them.

    The engine does not count them, so the backtest is repeated with a strategy that does.

    Args:
        job: The job of an engine that has ended.
        context: The run; receives the counts as results, and a notice.
        result: The result of the backtest.
    """
    context.progress.say("no trades: counting the entry signals")
    counts = _observed(job, context)
    if counts is None:
        return "why is not known, because the entry signals could not be counted"
    signals = counts.pop("signals")
    rejected = {
        name: count for name, count in _reasons(counts, signals, result.engine_counts) if count
    }
    context.record.results["entry_signals"] = signals
    context.record.results["rejected_entry_signals"] = dict(rejected)
    sentence = _sentence(signals, rejected)
    context.record.notices.append(f"no trades: {sentence}")
    return sentence


def _reasons(
    counts: dict[str, int], signals: int, engine: Mapping[str, int]
) -> list[tuple[str, int]]:
    """Return the reasons for which signals made no trade, by names of keys and callbacks."""
    tried, slots = counts.pop("tried"), engine["rejected_signals"]
    passed_over = max(0, signals - counts["exit_signal"] - slots - tried)
    placed = max(0, tried - sum(counts.values()) + counts["exit_signal"])
    # The engine passes over a locked pair, one with an open order, and a stake it cannot pay.
    cause = "protections" if engine["locks"] else "open_order" if placed else "wallet"
    counts[cause] = counts.get(cause, 0) + passed_over
    return [*counts.items(), ("max_open_trades", slots), ("order_not_filled", placed)]


def _sentence(signals: int, rejected: Mapping[str, int]) -> str:
    if not signals:
        return "the strategy gave no long entry signal"
    reasons = ", ".join(f"{name} {count:,}" for name, count in rejected.items())
    return f"{signals:,} entry signals, rejected by {reasons or 'nothing that is known'}"


def _observed(job: EngineJob, context: RunContext) -> dict[str, int] | None:
    """Repeat the backtest with the observer; return its counts, None when it did not end well.

    It only explains a result that there is: a full disk must not take that away.
    """
    try:
        return _observe(job, context)
    except (OSError, ValueError, StorageError):
        return None


def _observe(job: EngineJob, context: RunContext) -> dict[str, int] | None:
    scratch = context.folder.scratch.resolve()
    plan = _observing(job.plan, write_observer(job.facts, scratch / STRATEGIES))
    plan.write_params(scratch / STRATEGIES)
    with (
        MarketServer(job.markets) as server,
        TemporaryDirectory(prefix="tradai-", ignore_cleanup_errors=True) as temporary,
        EngineProcess(
            job.engine.command(plan.subcommand, *plan.arguments),
            stdin=plan.config_for(server.base_url),
            environ=engine_environment(context.environ, home=scratch, temporary=Path(temporary)),
            folder=scratch,
            log_file=scratch / "entry-signals.log",
            on_line=lambda _: None,
        ) as engine,
    ):
        ended = engine.wait(context.interrupts)
    # An engine that was stopped, or crashed, leaves counts of a part.
    if ended.return_code != 0 or ended.asked_to_stop:
        return None
    counts: dict[str, int] = json.loads((scratch / COUNTS_NAME).read_text(encoding="utf-8"))
    return counts


def _observing(plan: EnginePlan, observer: Path) -> EnginePlan:
    """Return the plan of the same backtest with the strategy in the file `observer`."""
    common = list(plan.common)
    common[common.index("--strategy") + 1] = OBSERVER_CLASS
    params = plan.params_file and {**plan.params_file, "strategy_name": OBSERVER_CLASS}
    return replace(
        plan,
        common=tuple(common),
        specific=("--cache", "none", "--export", "none"),
        params_name=observer.with_suffix(".json").name,
        params_file=params,
    )
