"""Explain a backtest, or a pair in one, without trades: count entry signals and rejections."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias, cast

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._candles.series import enabled_freqai, trades_futures
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._preparation._contracts.used_tiers import job_environment
from tradai.entrypoint.freqtrade._preparation.plan import STRATEGIES, EnginePlan
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.results import BacktestResult
from tradai.entrypoint.freqtrade._strategy.observer import (
    COUNTS,
    COUNTS_NAME,
    OBSERVER_CLASS,
    write_observer,
)

_PairCounts: TypeAlias = Mapping[str, Mapping[str, int]]

# Counts that are not of rejected signals.
_NO_REASONS: Final = ("signals", "tried", "filled")
_OTHER_PAIRS: Final = "slots, stake or locks that the other pairs leave"


def explain_zero_trades(job: EngineJob, context: RunContext, result: BacktestResult) -> str:
    """Record the entry signals of a backtest without trades, and return a sentence on them.

    The engine does not count them, so the backtest is repeated with a strategy that does.

    Args:
        job: The job of an engine that has ended.
        context: The run; receives the counts as results, and a notice.
        result: The result of the backtest.
    """
    context.progress.say("no trades: counting the entry signals")
    by_pair = _observed(job, context, context.config.pairs)
    if by_pair is None:
        return "why is not known, because the entry signals could not be counted"
    counts = _total(by_pair)
    signals = counts.pop("signals")
    counts.pop("filled")
    rejected = {
        name: count for name, count in _reasons(counts, signals, result.engine_counts) if count
    }
    context.record.results["entry_signals"] = signals
    context.record.results["rejected_entry_signals"] = dict(rejected)
    kind = "entry" if trades_futures(context.config) else "long entry"
    sentence = _sentence(signals, rejected) or f"the strategy gave no {kind} signal"
    context.record.notices.append(f"no trades: {sentence}")
    return sentence


def explain_silent_pairs(job: EngineJob, context: RunContext, result: BacktestResult) -> None:
    """Record the entry signals of each pair without a trade, and a notice on what rejected them.

    The backtest is repeated with these pairs alone, by a strategy that counts. A pair that trades
    then was rejected for the sake of the others. FreqAI would train again, so nothing is counted,
    nor is it in a sweep, where each variant would start the engine twice.

    Args:
        job: The job of an engine that has ended.
        context: The run; receives the counts as results, and the notices.
        result: The result of the backtest, which has trades.
    """
    traded = {trade["pair"] for trade in result.trades}
    silent = [pair for pair in context.config.pairs if pair not in traded]
    is_costly = enabled_freqai(context.config) is not None or context.staged is not None
    if not silent or is_costly:
        return
    context.progress.say("counting the entry signals of pairs without trades")
    by_pair = _observed(job, context, silent) or {}
    signals = {pair: counts["signals"] for pair, counts in by_pair.items()}
    context.record.results["entry_signals_of_pairs_without_trades"] = dict(signals)
    context.record.notices += [
        f"no trade of {pair}: {_sentence(signals[pair], _rejections(counts))}"
        for pair, counts in by_pair.items()
        if signals[pair]
    ]


def _rejections(counts: Mapping[str, int]) -> dict[str, int]:
    """Return what rejected the signals of one pair, which was alone."""
    rejected = {name: count for name, count in counts.items() if name not in _NO_REASONS and count}
    rest = counts["signals"] - sum(rejected.values())
    is_placed = counts["tried"] > sum(rejected.values()) - rejected.get("exit_signal", 0)
    cause = "order_not_filled" if is_placed else "wallet or pair_locks"
    if counts.get("filled"):
        cause = _OTHER_PAIRS
    return rejected | ({cause: rest} if rest > 0 else {})


def _total(by_pair: _PairCounts) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counts in by_pair.values():
        total.update(counts)
    return dict.fromkeys(COUNTS, 0) | total


def _reasons(
    counts: dict[str, int], signals: int, engine: Mapping[str, int]
) -> list[tuple[str, int]]:
    """Return the reasons for which signals made no trade, by names of keys and callbacks."""
    tried, slots = counts.pop("tried"), engine["rejected_signals"]
    passed_over = max(0, signals - counts["exit_signal"] - slots - tried)
    placed = max(0, tried - sum(counts.values()) + counts["exit_signal"])
    # The engine passes over a locked pair, one with an open order, and a stake it cannot pay.
    cause = "pair_locks" if engine["locks"] else "open_order" if placed else "wallet"
    counts[cause] = counts.get(cause, 0) + passed_over
    return [*counts.items(), ("max_open_trades", slots), ("order_not_filled", placed)]


def _sentence(signals: int, rejected: Mapping[str, int]) -> str | None:
    """Return what became of `signals`; None when there were none."""
    if not signals:
        return None
    reasons = ", ".join(f"{name} {count:,}" for name, count in rejected.items())
    return f"{signals:,} entry signals, rejected by {reasons or 'nothing that is known'}"


def _observed(job: EngineJob, context: RunContext, pairs: Sequence[str]) -> _PairCounts | None:
    """Repeat the backtest of `pairs` with the observer; return its counts by pair.

    It returns None when the engine did not end well.

    It only explains a result that there is: a full disk must not take that away.
    """
    try:
        return _observe(job, context, pairs)
    except (OSError, ValueError, StorageError):
        return None


def _observe(job: EngineJob, context: RunContext, pairs: Sequence[str]) -> _PairCounts | None:
    scratch = context.folder.scratch.resolve()
    plan = _observing(job.plan, write_observer(job.facts, scratch / STRATEGIES), pairs)
    plan.write_params(scratch / STRATEGIES)
    with (
        MarketServer(job.markets) as server,
        TemporaryDirectory(prefix="tradai-", ignore_cleanup_errors=True) as temporary,
        EngineProcess(
            job.engine.command(plan.subcommand, *plan.arguments),
            stdin=plan.config_for(server.base_url),
            environ=job_environment(context, job.engine, job.tiers, temporary=Path(temporary)),
            folder=scratch,
            log_file=scratch / "entry-signals.log",
            on_line=lambda _: None,
        ) as engine,
    ):
        ended = engine.wait(context.interrupts)
    # An engine that was stopped, or crashed, leaves counts of a part.
    if ended.return_code != 0 or ended.asked_to_stop:
        return None
    counts: _PairCounts = json.loads((scratch / COUNTS_NAME).read_text(encoding="utf-8"))
    return counts


def _observing(plan: EnginePlan, observer: Path, pairs: Sequence[str]) -> EnginePlan:
    """Return the plan of the same backtest of `pairs` with the strategy in the file `observer`."""
    exchange = cast("Mapping[str, JsonValue]", plan.config["exchange"])
    common = list(plan.common)
    common[common.index("--strategy") + 1] = OBSERVER_CLASS
    params = plan.params_file and {**plan.params_file, "strategy_name": OBSERVER_CLASS}
    return replace(
        plan,
        common=tuple(common),
        config={**plan.config, "exchange": {**exchange, "pair_whitelist": list(pairs)}},
        specific=("--cache", "none", "--export", "none"),
        params_name=observer.with_suffix(".json").name,
        params_file=params,
    )
