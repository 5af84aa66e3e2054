"""`tradai-entrypoint run`: one run, its result table, its exit code."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Final

from tradai.core import SystemClock, TradingMode, configure_logging
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._commands.console import print_summary
from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings, LogSettings, default_run_folder
from tradai.entrypoint._runs.folder import new_run_id
from tradai.entrypoint._runs.history import find_run
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.recorded_run import record_refusal
from tradai.entrypoint._runs.request import RunRequest
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint._runs.trading_entrypoint import TradingEntrypoint

__all__ = ["entrypoint_class", "execute", "settings_of"]

_POSITION_HOLDING: Final = frozenset({TradingMode.LIVE, TradingMode.DRY_RUN})


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Run, print the result, return the exit code."""
    try:
        start_logging(args)
        settings, request = settings_of(args)
    except TradAIError as exc:
        return _refuse(args, exc)
    entrypoint = entrypoint_class(settings.mode)(
        settings,
        request=request,
        interrupts=interrupts,
        progress=Progress(enabled=not args.json),
    )
    verdict = entrypoint.run_to_verdict()
    return _conclude(entrypoint.record, verdict, settings.folder, as_json=args.json)


def entrypoint_class(mode: TradingMode) -> type[StrategyEntrypoint]:
    """Return the entrypoint of `mode`: the stricter one where positions are held."""
    return TradingEntrypoint if mode in _POSITION_HOLDING else StrategyEntrypoint


def start_logging(args: argparse.Namespace) -> None:
    """Configure logging from flags, else environment.

    Raises:
        ConfigurationError: ``TRADAI_LOG_*`` is not valid.
    """
    given = {"format": args.log_format, "level": args.log_level}
    settings = LogSettings(**{name: value for name, value in given.items() if value is not None})
    configure_logging(format=settings.format, level=settings.level)


def settings_of(args: argparse.Namespace) -> tuple[EntrypointSettings, RunRequest]:
    """Return settings and request of a command line; flags win over the environment.

    Raises:
        ConfigurationError: A setting is missing or not valid.
        NotFoundError: The run to repeat does not exist.
    """
    config, overrides = _split(args)
    replay_folder = _replay_folder(args)
    replay = RunManifest.read(replay_folder) if replay_folder else None
    if replay is not None and (overrides or args.patch or config or args.mode):
        raise ConfigurationError(
            "--from repeats a run exactly: leave out CONFIG, --mode, --patch and overrides, or "
            "start a new run without it"
        )
    settings = _settings(args, config=config, mode=replay.mode if replay else args.mode)
    return settings, RunRequest(
        patches=tuple(args.patch),
        overrides=overrides,
        command=("tradai-entrypoint", *args.argv),
        replay_folder=replay_folder,
        replay=replay,
    )


def _settings(
    args: argparse.Namespace, *, config: str | None, mode: str | None
) -> EntrypointSettings:
    given = {
        "mode": mode,
        "config": config,
        "data": args.data,
        "folder": args.runs,
        "id": getattr(args, "run_id", None),
        "trace_id": getattr(args, "trace_id", None),
    }
    return EntrypointSettings(**{name: value for name, value in given.items() if value is not None})


def _split(args: argparse.Namespace) -> tuple[str | None, tuple[str, ...]]:
    words = [word for word in [args.config, *args.overrides] if word is not None]
    overrides = [word for word in words if "=" in word]
    others = [word for word in words if "=" not in word]
    if len(others) > 1:
        raise ConfigurationError(
            f"{others[1]!r} is not an override: write it as key=value, or lay a second file over "
            "the configuration with --patch FILE"
        )
    if args.timerange:
        overrides.append(f"run.timerange={args.timerange}")
    return (others[0] if others else None), tuple(overrides)


def _replay_folder(args: argparse.Namespace) -> Path | None:
    name = getattr(args, "replay", None)
    return find_run(Path(args.runs or default_run_folder(os.environ)), name) if name else None


def _refuse(args: argparse.Namespace, error: TradAIError) -> int:
    """Record a refusal that came before the settings were known."""
    mode = TradingMode(args.mode) if args.mode else None
    clock = SystemClock()
    run_id = new_run_id(mode, now=clock.now())
    record = RunManifest(
        state="running",
        run_id=run_id,
        trace_id=run_id,
        mode=mode,
        started_at=clock.now(),
        command=("tradai-entrypoint", *args.argv),
    )
    folder = Path(args.runs or default_run_folder(os.environ))
    verdict = record_refusal(folder, record, error, clock=clock)
    return _conclude(record, verdict, folder, as_json=args.json)


def _conclude(record: RunManifest, verdict: Verdict, folder: Path, *, as_json: bool) -> int:
    where = folder / record.run_id
    if as_json:
        manifest = where / "manifest.json"
        answer = {
            "run_id": record.run_id,
            "exit_code": int(verdict.exit_code),
            "verdict": verdict.sentence,
            "folder": str(where),
            "manifest": str(manifest) if manifest.exists() else None,
            "results": dict(record.results),
            "digests": dict(record.digests),
        }
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        print_summary(record, verdict, where)
    return int(verdict.exit_code)
