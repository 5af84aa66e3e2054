"""`tradai-entrypoint runs push`: send to the run store what it lacks of runs that have ended."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._commands.console import print_failure, print_json, print_text
from tradai.entrypoint._history.local_runs import find_run
from tradai.entrypoint._history.summaries import list_runs
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.runs_folder import runs_folder, runs_store, store_timeout_s
from tradai.entrypoint._store.listing import ended_runs
from tradai.entrypoint._store.push import push, upload_of
from tradai.entrypoint._store.run_store import RunStore


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Send one run, or all; return the exit code of the first failure."""
    store, timeout_s = _store(args.store), store_timeout_s(os.environ)
    root = runs_folder(args.runs, os.environ)
    exit_code, sent = 0, []
    with interrupts.raising():
        for folder in _absent(root, store) if args.all else [find_run(root, args.run)]:
            try:
                sent.append(_push(store, folder, timeout_s=timeout_s))
            except RunInterruptedError:
                raise
            except TradAIError as exc:
                print_failure(str(exc))
                exit_code = exit_code or exc.exit_code
    if args.json:
        print_json(sent)
    else:
        print_text("\n".join(sent) or f"nothing was sent to {store.uri}")
    return exit_code


def _store(flag: str | None) -> RunStore:
    uri = runs_store(flag, os.environ)
    if uri is None:
        raise ConfigurationError(
            "no run store was given: add --store URI, or set TRADAI_RUN_STORE",
            key="TRADAI_RUN_STORE",
        )
    return RunStore.at(uri)


def _absent(root: Path, store: RunStore) -> Iterator[Path]:
    """Yield the folders of the runs that have ended and are not in the store whole, oldest first.

    A run that goes on sends itself.
    """
    stored = ended_runs(store)
    for run in reversed(list_runs(root)):
        if run.state == "ended" and run.run_id not in stored:
            yield run.folder


def _push(store: RunStore, folder: Path, *, timeout_s: float) -> str:
    """Send the run in `folder` and return its URI."""
    upload = upload_of(store, folder, timeout_s=timeout_s)
    try:
        push(upload, folder)
    except RunInterruptedError as exc:
        upload.give_up()
        message = f"{exc}: {upload.uri} lacks {upload.lacks}; the next push sends them"
        raise RunInterruptedError(message, signal_number=exc.signal_number) from exc
    return upload.uri
