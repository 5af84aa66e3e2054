"""The status of a dry-run on the screen."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from tradai.core import SystemClock
from tradai.core.exceptions import StorageError
from tradai.core.live import SessionRecord
from tradai.entrypoint._commands.console import print_failure, print_json, print_table, print_text
from tradai.entrypoint._commands.paper.paper_run import PaperRun
from tradai.entrypoint._paper.paper_status import OpenTrade, PaperStatus
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.output import is_output_lost
from tradai.entrypoint._report.formatting import MINUS, duration, percent, result_text
from tradai.entrypoint._store.names import KILLED_SENTENCE

_TRADES: Final = (
    *("open trade", "since", "amount", "at", "now", "stake", "profit", "percent", "stop"),
    "entry tag",
)
_RUNS: Final = ("dry-run", "state", "open trades", "profit", "last candle")
_FALLBACK: Final = (
    "the built-in one, which places no order: `runs show` has the fault of the strategy's own"
)
_POLL_S: Final = 1.0
# Ends of a run that its own inputs brought about.
_OF_ITS_INPUTS: Final = (ExitCode.CONFIGURATION, ExitCode.DATA)


def show_paper(paper: PaperRun, args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the status once, or with `--watch` each time that it is new until the run ends.

    It ends, too, when the output is lost.
    """
    clock, shown = SystemClock(), None
    with interrupts.raising():
        while True:
            # What a process does after this is seen by the next look.
            goes_on = args.watch and paper.lives
            if _version(paper) != shown:
                shown = _show(paper, as_json=args.json)
            # The command says at its end that output is lost.
            if not goes_on or is_output_lost():
                return 0
            clock.sleep(_POLL_S)


def show_papers(papers: Sequence[PaperRun], *, as_json: bool) -> None:
    """Print the dry-runs that run, a row each."""
    if as_json:
        print_json([paper.to_json() for paper in papers])
        return
    print_table(_RUNS, [_run_row(paper) for paper in papers])


def _run_row(paper: PaperRun) -> tuple[str, ...]:
    status = _status_of(paper)
    trades = status.positions if status else None
    profit = _sum(status.profit, status.currency) if status else "-"
    candle = status.last_candle if status else None
    count = "-" if trades is None else str(trades)
    return (paper.run_id, _short_state(paper, status), count, profit, candle or "-")


def _short_state(paper: PaperRun, status: PaperStatus | None) -> str:
    if paper.manifest.is_fallback:
        return f"{paper.state} (places no order)"
    marks = {"stands still": status and status.problem, "biased": paper.bias}
    shown = ", ".join(mark for mark, reason in marks.items() if reason)
    return f"{paper.state} ({shown})" if shown else paper.state


def _status_of(paper: PaperRun) -> PaperStatus | None:
    """Return the status of a run; one that cannot be read is reported, and hides no other run."""
    try:
        return paper.status
    except StorageError as exc:
        print_failure(str(exc))
        return None


def _version(paper: PaperRun) -> tuple[object, ...]:
    status = paper.status
    return (paper.state, status.at if status else None)


def _show(paper: PaperRun, *, as_json: bool) -> tuple[object, ...]:
    version = _version(paper)
    if as_json:
        print_json(paper.to_json())
    else:
        _print(paper)
    # A pipe would get it at the end only.
    sys.stdout.flush()
    return version


def _print(paper: PaperRun) -> None:
    status = paper.status
    print_table(("dry-run", paper.run_id), [*_facts(paper), *_figures(status)])
    trades = (*(status.open_trades or ()), *status.waiting_entries) if status else ()
    if trades:
        print_text("")
        print_table(_TRADES, map(_row, trades))
    print_text("")


def _facts(paper: PaperRun) -> Iterator[tuple[str, str]]:
    manifest = paper.manifest
    yield "state", paper.state
    yield from _doubts(paper)
    if manifest.state == "running":
        yield from _session_facts(paper.record, is_killed=paper.state == KILLED_SENTENCE)
    if manifest.verdict:
        yield "verdict", manifest.verdict
    for name, fact in manifest.continuation.items():
        if name in {"continues", "continued_by"}:
            yield name.replace("_", " "), str(fact)
    if (command := _way_on(paper)) is not None:
        yield "go on", command
    # They are written at the end.
    for name, figure in manifest.results.items():
        yield name.replace("_", " "), result_text(figure)


def _doubts(paper: PaperRun) -> Iterator[tuple[str, str]]:
    if paper.manifest.is_fallback:
        yield "configuration", _FALLBACK
    if (bias := paper.bias) is not None:
        yield "bias", bias


def _way_on(paper: PaperRun) -> str | None:
    """Return the command that goes on with the run, which traded and has no process; else None."""
    manifest = paper.manifest
    is_taken_over = "continued_by" in manifest.continuation
    has_traded = manifest.state == "running" or "closed_trades" in manifest.results
    if not has_traded or is_taken_over or manifest.is_fallback or paper.lives:
        return None
    command = f"--continue {manifest.run_id}"
    if manifest.exit_code not in _OF_ITS_INPUTS:
        return f"tradai-entrypoint run {command}"
    # With the configuration that it had it would end in the same way.
    if not (manifest.results["closed_trades"] or manifest.results.get("open_trades")):
        return None
    return f"correct CONFIG, then tradai-entrypoint run CONFIG {command} --accept-changes"


def _session_facts(record: SessionRecord | None, *, is_killed: bool) -> Iterator[tuple[str, str]]:
    if record is None:
        return
    # Of the state before it was killed.
    yield "last reason" if is_killed else "reason", record.reason
    if record.request is not None:
        yield "request", f"{record.request.state.value}: {record.request.reason}"


def _figures(status: PaperStatus | None) -> Iterator[tuple[str, str]]:
    if status is None:
        return
    age_s = max(0.0, (SystemClock().now() - status.at).total_seconds())
    yield "as of", f"{status.at:%Y-%m-%d %H:%M:%S} UTC, {duration(age_s)} ago"
    count = status.positions
    yield "open trades", "the engine did not answer" if count is None else str(count)
    if status.waiting_entries:
        yield "entries that wait", ", ".join(trade.pair for trade in status.waiting_entries)
    yield "closed trades", _text(status.closed_trades)
    yield "profit", _sum(status.profit, f"{status.currency} with open trades")
    yield "closed profit", _sum(status.closed_profit, status.currency)
    yield "last candle", status.last_candle or "none yet"
    yield "last error", status.last_error or "-"
    if status.problem:
        yield "stands still", status.problem


def _row(trade: OpenTrade) -> tuple[str, ...]:
    amount = _text(trade.amount) if trade.amount else "not filled yet"
    return (
        trade.pair,
        trade.opened_at,
        amount,
        *map(_text, (trade.open_rate, trade.last_rate, trade.stake, trade.profit)),
        "-" if trade.profit_ratio is None else percent(trade.profit_ratio, with_sign=True),
        _text(trade.stop),
        trade.enter_tag or "-",
    )


def _sum(number: float | None, unit: str) -> str:
    return "-" if number is None else f"{_text(number)} {unit}"


def _text(number: float | None) -> str:
    return "-" if number is None else result_text(float(number)).replace("-", MINUS)
