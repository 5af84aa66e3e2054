"""Settings, request and logging from a parsed command line."""

import argparse
import logging
import os
from pathlib import Path
from typing import Any, Final

from tradai.core import OverridesLayer, TradingMode, configure_logging
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._history.local_runs import find_run
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._process.settings import EntrypointSettings, JobSettings, LogSettings
from tradai.entrypoint._runs.continuation import Continuation
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.request import RunRequest
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint._runs.trading_entrypoint import TradingEntrypoint

_MODE: Final = "TRADAI_RUN_MODE"
_ENGINE_API: Final = "TRADAI_RUN_ENGINE_API"


def start_logging(args: argparse.Namespace) -> None:
    """Configure logging from flags, or else from the environment.

    Raises:
        ConfigurationError: ``TRADAI_LOG_*`` is not valid.
    """
    settings = LogSettings(**_given(format=args.log_format, level=args.log_level))
    configure_logging(format=settings.format, level=settings.level)
    # Where pandas is imported, it says how many threads it uses.
    logging.getLogger("numexpr").setLevel(logging.WARNING)


def read_settings(args: argparse.Namespace) -> tuple[EntrypointSettings, RunRequest]:
    """Return the settings and the request of a command line; flags override the environment.

    Raises:
        ConfigurationError: A setting is missing or not valid, or a flag has no effect.
        NotFoundError: The run to repeat does not exist.
    """
    config, overrides = _split_words(args)
    replay_folder = _replay_folder(args)
    replay = RunManifest.read(replay_folder) if replay_folder else None
    continues = _continuation(args)
    if replay is not None and (overrides or args.patch or config or args.mode):
        raise ConfigurationError(
            "--from repeats a run exactly: leave out CONFIG, --mode, --patch and overrides, or "
            "start a new run without it"
        )
    if continues is not None:
        mode = continues.manifest.mode
        if config is None and (overrides or args.patch):
            raise ConfigurationError(
                "--continue without CONFIG goes on with the configuration of that run: name CONFIG "
                "as well, to change something in it"
            )
        if config is None:
            replay_folder, replay = continues.folder, continues.manifest
    else:
        mode = replay.mode if replay else args.mode
    settings = _settings(args, config=config, mode=mode)
    _check_effect(args, settings)
    return settings, RunRequest(
        patches=tuple(args.patch),
        overrides=overrides,
        command=command_line(args),
        replay_folder=replay_folder,
        replay=replay,
        accepts_holdings=getattr(args, "accept_holdings", False),
        continues=continues,
    )


def job_settings(args: argparse.Namespace) -> JobSettings:
    """Return the settings of jobs in containers; flags override the environment.

    Raises:
        ConfigurationError: A setting is not valid.
    """
    return JobSettings(**_given(image=args.image))


def command_line(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the words of the command, for the manifest: secrets masked, bytes as escapes."""
    words = (word.encode("utf-8", "backslashreplace").decode() for word in args.argv)
    return ("tradai-entrypoint", *map(OverridesLayer.masked, words))


def entrypoint_class(mode: TradingMode) -> type[StrategyEntrypoint]:
    """Return the entrypoint of `mode`: the stricter one for modes that hold positions."""
    return TradingEntrypoint if mode.holds_positions else StrategyEntrypoint


def _settings(
    args: argparse.Namespace, *, config: str | None, mode: str | None
) -> EntrypointSettings:
    if mode is None and _MODE not in os.environ:
        modes = ", ".join(mode.value for mode in TradingMode)
        raise ConfigurationError(
            f"no mode was given: add --mode, one of {modes}, or set {_MODE}", key=_MODE
        )
    given = _given(
        mode=mode,
        config=config,
        data=args.data,
        markets=args.markets,
        folder=args.runs,
        store=args.store,
        id=getattr(args, "run_id", None),
        trace_id=getattr(args, "trace_id", None),
        engine_api=getattr(args, "engine_api", None),
    )
    return EntrypointSettings(**given)


def _check_effect(args: argparse.Namespace, settings: EntrypointSettings) -> None:
    """Raise for a choice of a dry-run that would be ignored."""
    if settings.engine_api != "none" and not settings.mode.holds_positions:
        flag = getattr(args, "engine_api", None)
        key, remedy = (f"--{flag}", "leave it out") if flag else (_ENGINE_API, "unset it")
        message = f"{key} has no effect in the mode {settings.mode.value}: {remedy}"
        raise ConfigurationError(message, key=key)
    if getattr(args, "accept_changes", False) and not args.continues:
        message = "--accept-changes has no effect without --continue: leave it out"
        raise ConfigurationError(message, key="--accept-changes")


def _given(**flags: object) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None}


def _split_words(args: argparse.Namespace) -> tuple[str | None, tuple[str, ...]]:
    """Return the configuration and the overrides; argparse cannot tell the two apart."""
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
    if getattr(args, "max_idle", None):
        overrides.append(f"run.max_idle={args.max_idle}")
    return (others[0] if others else None), tuple(overrides)


def _continuation(args: argparse.Namespace) -> Continuation | None:
    """Return the dry-run to continue; None without one.

    Raises:
        ConfigurationError: It cannot be continued, or `--from` was given as well.
        NotFoundError: There is no such run.
    """
    name = getattr(args, "continues", None)
    if not name:
        return None
    if args.replay:
        raise ConfigurationError("--from starts anew, and --continue goes on: give one of them")
    root = runs_folder(args.runs, os.environ)
    folder = find_run(root, name)
    # The record of its continuation is the id of a folder beside it.
    if (place := folder.resolve().parent) != root.resolve():
        message = (
            f"run {folder.name!r} is in another folder of runs: continue it with --runs {place}"
        )
        raise ConfigurationError(message, key="--continue")
    accepts = args.accept_changes
    earlier = Continuation(
        folder=folder, manifest=RunManifest.read(folder), accepts_changes=accepts
    )
    earlier.require_mode(TradingMode(args.mode) if args.mode else None)
    return earlier


def _replay_folder(args: argparse.Namespace) -> Path | None:
    name = getattr(args, "replay", None)
    return RunSource.of(args.runs, args.store, os.environ).folder(name) if name else None
