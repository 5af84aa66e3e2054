"""`tradai-entrypoint init`: make a strategy folder, new or from a configuration of Freqtrade."""

import argparse
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tradai.core import redact
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import counted

if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade import MovedKey, StrategyMove


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Make the folder, and print the fate of each key, its path and the next commands."""
    with interrupts.raising():
        if args.from_freqtrade:
            _print_move(_moved(args), is_json=args.json)
        else:
            _print_new(_new(args), is_json=args.json)
    return 0


def _new(args: argparse.Namespace) -> Path:
    from tradai.entrypoint.freqtrade import new_strategy

    for flag in ("params", "strategy_path"):
        if getattr(args, flag) is not None:
            name = f"--{flag.replace('_', '-')}"
            message = f"{name} is of a configuration of Freqtrade: add --from-freqtrade FILE"
            raise ConfigurationError(message, key=name)
    return new_strategy(
        args.folder, class_name=args.strategy or "MyStrategy", timeframe=args.timeframe
    )


def _moved(args: argparse.Namespace) -> "StrategyMove":
    from tradai.entrypoint.freqtrade import move_strategy

    if args.timeframe is not None:
        message = "--timeframe is of a new strategy: the one of the configuration is moved"
        raise ConfigurationError(message, key="--timeframe")
    return move_strategy(
        args.from_freqtrade,
        args.folder,
        class_name=args.strategy,
        params=args.params,
        source=args.strategy_path,
        environ=os.environ,
    )


def _print_new(folder: Path, *, is_json: bool) -> None:
    if is_json:
        print_json({"folder": str(folder)})
        return
    print_text(f"made {folder}")
    _print_next(folder, ())


def _print_move(move: "StrategyMove", *, is_json: bool) -> None:
    if is_json:
        print_json(
            {
                "folder": str(move.folder),
                "keys": [moved.as_json() for moved in move.keys],
                "notices": list(move.notices),
                "overrides": list(move.overrides),
            }
        )
        return
    _print_keys(move.keys)
    for notice in move.notices:
        print_text(f"note: {notice}")
    print_text(f"made {move.folder}")
    _print_next(move.folder, move.overrides, move.data)


def _print_keys(keys: Iterable["MovedKey"]) -> None:
    """Print a row for each key to look at, and the names of the others."""
    rows: list[tuple[str, ...]] = []
    others: dict[str, list[str]] = {}
    for key in keys:
        if key.needs_a_look:
            rows.append((key.key, key.status.value, key.place, redact(key.note)))
        else:
            others.setdefault(key.status.value, []).append(key.key)
    if rows:
        print_table(("key", "", "place", "note"), rows)
    for status, names in others.items():
        print_text(f"{status}, {counted(len(names), 'key')}: {', '.join(names)}")
    if others:
        print_text("note: with --json and another folder it gives the place or reason of each key")


def _print_next(folder: Path, overrides: tuple[str, ...], data: Path | None = None) -> None:
    config = shlex.quote(str(folder / "strategy.yaml"))
    more = "".join(f" {override}" for override in overrides)
    place = shlex.quote(str(data)) if data else "DIR"
    for command in ("check", "run"):
        words = f"{command} {config} --mode backtest --data {place}{more}"
        print_text(f"next: tradai-entrypoint {words}")
