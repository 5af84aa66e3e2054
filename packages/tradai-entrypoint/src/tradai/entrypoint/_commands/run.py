"""`tradai-entrypoint run`: run a strategy once, print the result, return the exit code."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tradai.core import SystemClock, TradingMode
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._commands.arguments import (
    command_line,
    entrypoint_class,
    read_settings,
    start_logging,
)
from tradai.entrypoint._commands.console import print_summary
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.runs_folder import runs_folder, runs_store
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.folder import RunFolder, new_run_id
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.recorded_run import record_refusal
from tradai.entrypoint._runs.request import RunRequest
from tradai.entrypoint._runs.stored_run import StorePolicy
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint._runs.tracking import RecordTracking
from tradai.entrypoint._runs.verify import require_verifiable, unverified, verify_run
from tradai.entrypoint._store.push import push, upload_of
from tradai.entrypoint._store.run_store import RunStore


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Run, print the result and return the exit code."""
    try:
        start_logging(args)
        settings, request = read_settings(args)
        if args.verify:
            require_verifiable(settings.mode)
    except TradAIError as exc:
        return _record_early_refusal(args, exc, interrupts)

    def start(settings: EntrypointSettings, request: RunRequest) -> StrategyEntrypoint:
        progress = Progress(enabled=not args.json)
        return entrypoint_class(settings.mode)(
            settings, request=request, interrupts=interrupts, progress=progress
        )

    entrypoint = start(settings, request)
    verdict = entrypoint.run_to_verdict()
    if args.verify:
        is_done = verdict.is_success
        verdict = _verify(entrypoint, args, start) if is_done else unverified(verdict)
        verdict = _sent_again(settings, entrypoint.record, verdict)
    print_result(entrypoint.record, verdict, settings.folder, as_json=args.json)
    return int(verdict.exit_code)


def _verify(
    entrypoint: StrategyEntrypoint,
    args: argparse.Namespace,
    start: Callable[[EntrypointSettings, RunRequest], StrategyEntrypoint],
) -> Verdict:
    """Repeat the run of `entrypoint`, which succeeded, each time in a folder of its own."""
    first, settings = entrypoint.record, entrypoint.settings
    folder = RunFolder(settings.folder / first.run_id)
    part = {"trace_id": first.trace_id, "part_of": "verification"}
    again = settings.model_copy(update={"id": None, "config": None, **part})

    def repeat() -> Verdict:
        request = RunRequest(command=first.command, replay_folder=folder.path, replay=first)
        return start(again, request).run_to_verdict()

    try:
        return verify_run(
            first,
            folder,
            parts=entrypoint.context.report,
            times=args.verify,
            repeat=repeat,
            progress=Progress(enabled=not args.json),
        )
    except TradAIError as exc:
        return Verdict(exit_code=ExitCode.of_error(exc), sentence=str(exc))


def _sent_again(settings: EntrypointSettings, record: RunManifest, verdict: Verdict) -> Verdict:
    """Send the manifest again, which has the verdict on all runs now; say when that failed."""
    folder = settings.folder / record.run_id
    if settings.store is None or not folder.exists():
        return verdict
    try:
        store = RunStore.at(settings.store)
        push(upload_of(store, folder, timeout_s=settings.store_timeout_s), folder)
    except TradAIError as exc:
        return replace(verdict, sentence=f"{verdict.sentence}; the run store has not that: {exc}")
    return verdict


def _record_early_refusal(
    args: argparse.Namespace, error: TradAIError, interrupts: Interrupts
) -> int:
    """Record a refusal that happened before the settings were known."""
    mode = TradingMode(args.mode) if args.mode else None
    clock = SystemClock()
    given_id = args.run_id or os.environ.get("TRADAI_RUN_ID")
    run_id = given_id or new_run_id(mode, now=clock.now())
    record = RunManifest(
        state="running",
        run_id=run_id,
        trace_id=run_id,
        mode=mode,
        started_at=clock.now(),
        command=command_line(args),
    )
    folder = runs_folder(args.runs, os.environ)
    store = runs_store(args.store, os.environ)
    policy = StorePolicy.for_refusal(store, interrupts=interrupts, environ=os.environ)
    tracking = RecordTracking.of(record, os.environ, interrupts=interrupts)
    verdict = record_refusal(folder, record, error, clock=clock, policy=policy, tracking=tracking)
    print_result(record, verdict, folder, as_json=args.json)
    return int(verdict.exit_code)


def print_result(record: RunManifest, verdict: Verdict, root: Path, *, as_json: bool) -> None:
    """Print the result of a run in the folder `root`."""
    folder = root / record.run_id
    if as_json:
        sys.stdout.write(json.dumps(_as_json(record, verdict, folder)) + "\n")
    else:
        print_summary(record, verdict, folder)


def _as_json(record: RunManifest, verdict: Verdict, folder: Path) -> dict[str, object]:
    manifest = folder / "manifest.json"
    return {
        "run_id": record.run_id,
        "exit_code": int(verdict.exit_code),
        "verdict": verdict.sentence,
        "folder": str(folder) if folder.exists() else None,
        "manifest": str(manifest) if manifest.exists() else None,
        "results": record.results,
        "digests": record.digests,
    }
