"""`tradai-entrypoint runs list`: list the runs of a folder and of a store, newest first."""

import argparse
import os
from collections.abc import Iterator, Mapping
from datetime import UTC
from itertools import chain
from pathlib import Path
from typing import Final

from tradai.core.exceptions import StorageError, TradAIError
from tradai.entrypoint._commands.console import (
    print_csv,
    print_failure,
    print_json,
    print_table,
    print_text,
)
from tradai.entrypoint._history.found_bias import with_found_bias
from tradai.entrypoint._history.run_figures import DRAWDOWNS, FIGURES, first_known
from tradai.entrypoint._history.run_listing import RunListing, RunSummary, UnreadableRun
from tradai.entrypoint._history.summaries import local_runs, newer_schema, stored_runs
from tradai.entrypoint._history.unfinished import with_unfinished
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import runs_folder, runs_store, store_timeout_s
from tradai.entrypoint._report.figures import fall
from tradai.entrypoint._report.formatting import counted, percent
from tradai.entrypoint._store.names import (
    KILLED,
    KILLED_SENTENCE,
    SCHEMA_VERSION,
    UNFINISHED_SENTENCE,
)

_COLUMNS: Final = (
    "run",
    "part of",
    "strategy",
    "mode",
    "started, UTC",
    "exit",
    "config",
    "trades",
    "profit",
    "drawdown",
    "verdict",
)
_CSV_COLUMNS: Final = (
    "run_id",
    "started_at",
    "strategy",
    "mode",
    "state",
    "exit_code",
    "config_id",
    *FIGURES,
    "verdict",
    "place",
    "part_of",
    DRAWDOWNS[0],
)


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per run; the runs of the folder also when the store cannot be read."""
    folder, uri = runs_folder(args.runs, os.environ), runs_store(args.store, os.environ)
    _check_folder(folder)
    documents: Mapping[str, bytes | TradAIError] = {}
    error: TradAIError | None = None
    if uri:
        # Only here: it imports pydantic, which takes longer than a list of many runs.
        from tradai.entrypoint._history.manifests import read_store

        try:
            with interrupts.raising():
                uri, documents = read_store(uri, timeout_s=store_timeout_s(os.environ))
        except TradAIError as exc:
            error = exc
    found = chain(local_runs(folder), stored_runs(documents, folder, uri or ""))
    every = with_found_bias(RunListing.of(found)).chosen(
        mode=args.mode, strategy=args.strategy, state=args.state
    )
    own = every if args.all else every.without_parts()
    # `--state refused` shows them, too.
    listing = own if args.all or args.state else own.without_noise()
    _print(with_unfinished(listing, folder).sorted(args.sort), documents, args)
    parts, refused = len(every.runs) - len(own.runs), len(own.runs) - len(listing.runs)
    if parts or refused:
        _print_hidden(parts, refused, is_error=args.json or args.csv)
    elif not (every.runs or every.unreadable or args.json or args.csv):
        _print_none(folder, is_chosen=bool(args.mode or args.strategy or args.state))
    if error is None:
        return 0
    print_failure(f"the runs in the store {uri} are not listed: {error}")
    return error.exit_code


def _check_folder(folder: Path) -> None:
    """Refuse a folder that is there and cannot be listed, such as a link that leads to itself."""
    try:
        os.scandir(folder).close()
    except FileNotFoundError:
        pass
    except OSError as exc:
        message = f"the folder of runs {folder} cannot be listed: {exc.strerror}"
        raise StorageError(message, operation="list") from exc


def _print(
    listing: RunListing,
    documents: Mapping[str, bytes | TradAIError],
    args: argparse.Namespace,
) -> None:
    if args.json:
        from tradai.entrypoint._history.manifests import listed_manifests

        print_json(list(listed_manifests(listing, documents)))
    elif args.csv:
        print_csv(_CSV_COLUMNS, _csv_rows(listing))
    elif listing.runs or listing.unreadable:
        _print_table(listing, with_parts=args.all)


def _print_table(listing: RunListing, *, with_parts: bool) -> None:
    rows = chain(map(_row, listing.runs), map(_unreadable_row, listing.unreadable))
    if with_parts:
        print_table(_COLUMNS, rows)
    else:
        print_table(_without_part(_COLUMNS), map(_without_part, rows))


def _without_part(row: tuple[str, ...]) -> tuple[str, ...]:
    return row[:1] + row[2:]


def _print_none(folder: Path, *, is_chosen: bool) -> None:
    if is_chosen:
        print_text(f"no such runs in {folder}: `tradai-entrypoint runs list` lists all of them")
    else:
        print_text(f"no runs in {folder} yet: start one with `tradai-entrypoint run`")


def _print_hidden(parts: int, refused: int, *, is_error: bool) -> None:
    of_others = f"{counted(parts, 'run')} of sweeps, comparisons, analyses and verifications"
    named = [
        *((of_others,) if parts else ()),
        *((counted(refused, "refused run"),) if refused else ()),
    ]
    are, them = ("is", "it") if parts + refused == 1 else ("are", "them")
    print_text(f"{' and '.join(named)} {are} hidden: --all shows {them}", is_error=is_error)


def _csv_rows(listing: RunListing) -> Iterator[tuple[object, ...]]:
    for run in listing.runs:
        yield (
            run.run_id,
            run.started_at.isoformat(),
            run.strategy,
            run.listed_mode,
            run.listed_state,
            run.exit_code,
            run.config_id,
            *(run.figures.get(name) for name in FIGURES),
            run.verdict,
            run.uri or run.folder,
            run.part_of,
            run.figures.get(DRAWDOWNS[0]),
        )
    unknown = (None,) * (len(_CSV_COLUMNS) - 5)
    for each in listing.unreadable:
        yield (each.run_id, *unknown, f"cannot be read: {each.reason}", each.place, None, None)


def _row(run: RunSummary) -> tuple[str, ...]:
    exit_code = "-" if run.exit_code is None else str(run.exit_code)
    profit, trades = run.figures.get("profit_percent"), run.figures.get("trades")
    return (
        run.label,
        _part(run),
        run.strategy or "-",
        run.listed_mode or "-",
        f"{run.started_at.astimezone(UTC):%Y-%m-%d %H:%M}",
        exit_code,
        run.config_id or "-",
        "-" if trades is None else str(trades),
        "-" if profit is None else percent(profit / 100, with_sign=True),
        _drawdown(run),
        _verdict(run),
    )


def _part(run: RunSummary) -> str:
    unfinished = f" (unfinished: {run.progress})" if run.progress else ""
    return f"{run.part_of or '-'}{unfinished}"


def _drawdown(run: RunSummary) -> str:
    known = first_known(run.figures, DRAWDOWNS)
    if known is None:
        return "-"
    name, value = known
    return f"{fall(value / 100)}{'' if name == DRAWDOWNS[0] else ' closed'}"


def _verdict(run: RunSummary) -> str:
    verdict = run.verdict or _without_end(run)
    if run.biased_by:
        verdict = f"bias was found in its source by {run.biased_by}; {verdict}"
    is_newer = run.schema_version > SCHEMA_VERSION
    return f"{verdict} ({newer_schema(run.schema_version)})" if is_newer else verdict


def _without_end(run: RunSummary) -> str:
    if run.uri:
        return UNFINISHED_SENTENCE
    return KILLED_SENTENCE if run.state == KILLED else run.state


def _unreadable_row(run: UnreadableRun) -> tuple[str, ...]:
    unknown = ("-",) * (len(_COLUMNS) - 2)
    return run.run_id, *unknown, f"cannot be read: {run.reason}"
