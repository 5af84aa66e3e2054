"""`tradai-entrypoint data convert`: write a candle folder in another format or timeframe.

The files that describe the candles go with them; see `copy_dataset_files`.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Final

from tradai.core import Timeframe, file_path
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import counted

if TYPE_CHECKING:
    from pathlib import Path

    from tradai.entrypoint.freqtrade import Conversion, Resampling

_COLUMNS: Final = ("file", "read", "written", "changed")
# Each count of a conversion with its phrase.
_CHANGES: Final = {
    "undated": "without a time, left out",
    "moved": "sorted in",
    "repeated": "repeated, left out",
    "partial": "partial at the ends, left out",
    "thin": "made across a gap",
}


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Write the files and print what changed in each."""
    from tradai.entrypoint.freqtrade import convert_series, copy_dataset_files

    done: list[Conversion] = []
    target = file_path(args.target)
    try:
        with interrupts.raising():
            convert_series(
                args.folder,
                target,
                file_format=args.to,
                resampling=_resampling(args),
                force=args.force,
                on_written=done.append,
            )
    finally:
        # Also where other files could not be converted.
        if done:
            _print(done, args)
            _print_copies(copy_dataset_files(args.folder, target), args)
            _print_trades_left(args)
    return 0


def _print(done: "Sequence[Conversion]", args: argparse.Namespace) -> None:
    if args.json:
        print_json(list(map(_values, done)))
        return
    print_table(_COLUMNS, map(_row, done))
    for path in chain.from_iterable(each.removed for each in done):
        print_text(f"removed {path.name}, the same series in another format")
    print_text(f"wrote {counted(len(done), 'file')} to {args.target}")


def _print_copies(copies: "Sequence[Path]", args: argparse.Namespace) -> None:
    if copies:
        names = ", ".join(path.name for path in copies)
        print_text(f"copied {names} to {args.target}", is_error=args.json)


def _print_trades_left(args: argparse.Namespace) -> None:
    trades = sorted(path.name for path in file_path(args.folder).glob("*-trades.*"))
    if trades and args.source is None:
        message = (
            f"left out {', '.join(trades)}: `--from trades --timeframe 5m` makes candles of trades"
        )
        print_text(message, is_error=args.json)


def _values(each: "Conversion") -> dict[str, object]:
    paths = {"source": str(each.source), "target": str(each.target)}
    return {**asdict(each), **paths, "removed": list(map(str, each.removed))}


def _resampling(args: argparse.Namespace) -> "Resampling | None":
    from tradai.entrypoint.freqtrade import Resampling

    if args.timeframe is None and args.source is None:
        return None
    if args.timeframe is None or args.source is None:
        message = "--timeframe and --from go together: the candles to make, and those to read"
        raise ConfigurationError(message, key="--timeframe")
    source = None if args.source == "trades" else Timeframe(args.source)
    return Resampling(source=source, target=Timeframe(args.timeframe))


def _row(each: "Conversion") -> tuple[str, ...]:
    changes = ", ".join(_changes(each)) or "-"
    return each.target.name, f"{each.read:,}", f"{each.written:,}", changes


def _changes(each: "Conversion") -> Iterator[str]:
    for name, phrase in _CHANGES.items():
        if count := getattr(each, name):
            yield f"{count:,} {phrase}"
