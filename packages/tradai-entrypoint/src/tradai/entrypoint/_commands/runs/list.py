"""`tradai-entrypoint runs list`: list the runs of a folder and of a store, newest first."""

import argparse
import os
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._commands.console import (
    print_failure,
    print_json,
    print_table,
    print_text,
)
from tradai.entrypoint._history.summaries import (
    RunListing,
    RunSummary,
    UnreadableRun,
    local_runs,
    newer_schema,
    stored_runs,
)
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import runs_folder, runs_store, store_timeout_s
from tradai.entrypoint._store.names import SCHEMA_VERSION


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per run; the runs of the folder also when the store cannot be read."""
    folder, uri = runs_folder(args.runs, os.environ), runs_store(args.store, os.environ)
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
    _print(folder, uri or "", documents, as_json=args.json)
    if error is None:
        return 0
    print_failure(f"the runs in the store {uri} are not listed: {error}")
    return error.exit_code


def _print(
    folder: Path, uri: str, documents: Mapping[str, bytes | TradAIError], *, as_json: bool
) -> None:
    listing = RunListing.of(chain(local_runs(folder), stored_runs(documents, folder, uri)))
    if as_json:
        from tradai.entrypoint._history.manifests import listed_manifests

        print_json(list(listed_manifests(listing, documents)))
    elif listing.runs or listing.unreadable:
        rows = chain(map(_row, listing.runs), map(_unreadable_row, listing.unreadable))
        print_table(("run", "mode", "exit", "config", "verdict"), rows)
    else:
        print_text(f"no runs in {folder} yet: start one with `tradai-entrypoint run`")


def _row(run: RunSummary) -> tuple[str, ...]:
    exit_code = "-" if run.exit_code is None else str(run.exit_code)
    return run.run_id, run.mode or "-", exit_code, run.config_id or "-", _verdict(run)


def _verdict(run: RunSummary) -> str:
    is_going = "did not end: it goes on" if run.uri else run.state
    verdict = run.verdict or f"{is_going}, or its supervisor died"
    is_newer = run.schema_version > SCHEMA_VERSION
    return f"{verdict} ({newer_schema(run.schema_version)})" if is_newer else verdict


def _unreadable_row(run: UnreadableRun) -> tuple[str, ...]:
    return run.run_id, "-", "-", "-", f"cannot be read: {run.reason}"
