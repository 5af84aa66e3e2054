"""`tradai-entrypoint runs prune`: remove old runs from the folder of runs."""

import argparse
import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

from tradai.core import utc_now
from tradai.core.exceptions import ConfigurationError, StorageError
from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._history.linked_runs import linked_runs
from tradai.entrypoint._history.prune import finish_removals, remove_run, waiting_reason
from tradai.entrypoint._history.prune_choice import PruneChoice, RunNeeds, old_runs
from tradai.entrypoint._history.run_listing import RunListing, RunSummary
from tradai.entrypoint._history.run_need import RunNeed
from tradai.entrypoint._history.summaries import local_runs
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs.tracking import find_tracker


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Show the runs that may be removed, or remove them; a signal ends it between two runs."""
    if args.keep is None and args.older_than is None:
        message = "nothing says which runs are old: add --keep N, --older-than DAYS, or both"
        raise ConfigurationError(message, key="--keep")
    root = runs_folder(args.runs, os.environ)
    if args.yes:
        finish_removals(root)
    listing = RunListing.of(local_runs(root))
    before = utc_now() - timedelta(days=args.older_than or 0)
    of_mode = listing.chosen(mode=args.mode).runs
    chosen = PruneChoice.of(
        old_runs(of_mode, keep=args.keep or 0, before=before, mode=args.mode),
        RunNeeds(root, listing.runs, ignored={RunNeed(each) for each in args.also}),
    )
    removed: list[RunSummary] = []
    kept = list(chosen.kept)
    failures: list[StorageError] = []
    try:
        with interrupts.raising():
            for run, reason in _prune(chosen, failures, is_wanted=args.yes):
                removed += [run] if reason is None else []
                kept += [(run, reason)] if reason else []
    finally:
        _print(removed, kept, args)
        _print_dead_links(root, removed, args)
    if failures:
        message = f"{counted(len(failures), 'old run')} could not be removed: {failures[0]}"
        raise StorageError(message, operation="remove")
    return 0


def _prune(
    chosen: PruneChoice, failures: list[StorageError], *, is_wanted: bool
) -> Iterator[tuple[RunSummary, str | None]]:
    """Yield each run with the reason why it stays after all; None for one that goes.

    Errors of the disk are added to `failures`.
    """
    tracker = find_tracker(os.environ) if is_wanted else None
    for run in chosen.removed:
        reason = waiting_reason(run, tracker) if is_wanted else None
        if is_wanted and reason is None:
            try:
                reason = remove_run(run.folder)
            except StorageError as exc:
                failures.append(exc)
                reason = str(exc)
        yield run, reason


def _print_dead_links(root: Path, removed: list[RunSummary], args: argparse.Namespace) -> None:
    """Name the pages that link to `removed` runs; a copy may have gone where its run stays."""
    if not args.yes or RunNeed.PAGES not in args.also:
        return
    gone = {run.run_id for run in removed if not (root / run.run_id).exists()}
    pages = chain.from_iterable(pages for run, pages in linked_runs(root).items() if run in gone)
    for page in sorted(set(pages)):
        print_text(f"note: {page} has links to removed runs", is_error=args.json)


def _print(
    removed: list[RunSummary], kept: list[tuple[RunSummary, str]], args: argparse.Namespace
) -> None:
    if args.json:
        print_json(
            {
                "removed" if args.yes else "removable": [run.run_id for run in removed],
                # Copies of a run have its id.
                "folders": [str(run.folder) for run in removed],
                "kept": {run.label: reason for run, reason in kept},
            }
        )
        return
    for run in removed:
        print_text(f"{'removed' if args.yes else 'would remove'} {run.label}")
    for run, reason in kept:
        print_text(f"kept {run.label}: {reason}")
    hint = "; add --yes to remove them" if removed else ""
    ending = "removed" if args.yes else f"would be removed{hint}"
    print_text(f"{counted(len(removed), 'run')} {ending}")
