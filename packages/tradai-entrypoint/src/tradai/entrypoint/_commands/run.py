"""`tradai-entrypoint run`: run a strategy once, print the result, return the exit code."""

import argparse
import json
import os
import sys
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
from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._runs.folder import new_run_id
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.recorded_run import record_refusal


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Run, print the result and return the exit code."""
    try:
        start_logging(args)
        settings, request = read_settings(args)
    except TradAIError as exc:
        return _record_early_refusal(args, exc)
    entrypoint = entrypoint_class(settings.mode)(
        settings,
        request=request,
        interrupts=interrupts,
        progress=Progress(enabled=not args.json),
    )
    verdict = entrypoint.run_to_verdict()
    _print_result(entrypoint.record, verdict, settings.folder, as_json=args.json)
    return int(verdict.exit_code)


def _record_early_refusal(args: argparse.Namespace, error: TradAIError) -> int:
    """Record a refusal that happened before the settings were known."""
    mode = TradingMode(args.mode) if args.mode else None
    clock = SystemClock()
    run_id = new_run_id(mode, now=clock.now())
    record = RunManifest(
        state="running",
        run_id=run_id,
        trace_id=run_id,
        mode=mode,
        started_at=clock.now(),
        command=command_line(args),
    )
    folder = runs_folder(args.runs, os.environ)
    verdict = record_refusal(folder, record, error, clock=clock)
    _print_result(record, verdict, folder, as_json=args.json)
    return int(verdict.exit_code)


def _print_result(record: RunManifest, verdict: Verdict, root: Path, *, as_json: bool) -> None:
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
        "folder": str(folder),
        "manifest": str(manifest) if manifest.exists() else None,
        "results": record.results,
        "digests": record.digests,
    }
