"""`tradai-entrypoint data list`: list the series of a candle folder."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tradai.core import JsonValue
from tradai.entrypoint._commands.console import print_csv, print_json, print_table, print_text
from tradai.entrypoint._process.interrupts import Interrupts

if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade import ListedSeries

_COLUMNS: Final = ("pair", "timeframe", "kind", "format", "rows", "first", "last", "gaps")


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per series; JSON and CSV have one per file."""
    from tradai.entrypoint.freqtrade import list_series

    with interrupts.raising():
        listed = list_series(args.folder)
    found = listed.series
    if args.json:
        print_json(list(map(_values, found)))
    elif args.csv:
        _print_csv(found)
    else:
        _print_table(found)
    if listed.passed_over:
        print_text(f"note: {listed.passed_over}", is_error=args.json or args.csv)
    return 0


def _print_table(found: Iterable["ListedSeries"]) -> None:
    series: dict[tuple[str, ...], list[ListedSeries]] = {}
    for each in found:
        series.setdefault((each.pair, each.timeframe or "", each.kind), []).append(each)
    print_table(_COLUMNS, map(_joined_row, series.values()))
    for name, files in series.items():
        if len(files) > 1:
            print_text(f"note: {_twice(*name, files=files)}")


def _twice(pair: str, timeframe: str, kind: str, *, files: Sequence["ListedSeries"]) -> str:
    """Return a sentence on a series that is stored twice, or more often."""
    name = " ".join(filter(None, (pair, timeframe, "" if kind == "spot" else kind)))
    twins = {each.twin for each in files}
    rows = "with the same rows" if twins == {"same"} else "with other rows"
    if None in twins:
        rows = "and not all of them can be read"
    formats = [each.file_format for each in files]
    # Two names can be those of one series: 1M and 1Mo, and files in the folder of futures.
    is_clear = len(set(formats)) == len(formats)
    named = " and ".join(formats if is_clear else (str(each.path) for each in files))
    times = f"{len(files)} times" if files[2:] else "twice"
    return f"{name} is stored {times}, as {named}, {rows}: remove the stale file"


def _joined_row(files: Sequence["ListedSeries"]) -> tuple[str, ...]:
    """Return the row of a series: where its files differ, a cell has the value of each."""
    cells = zip(*map(_row, files), strict=True)
    return tuple(" / ".join(dict.fromkeys(each)) for each in cells)


def _values(series: "ListedSeries") -> dict[str, JsonValue]:
    times = {"first": _iso(series.first), "last": _iso(series.last)}
    return {**asdict(series), "path": str(series.path), **times}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _print_csv(found: Iterable["ListedSeries"]) -> None:
    rows = list(map(_values, found))
    print_csv(list(rows[0]), (list(row.values()) for row in rows))


def _row(series: "ListedSeries") -> tuple[str, ...]:
    place = (series.pair, series.timeframe or "-", series.kind, series.file_format)
    if series.problem:
        return (*place, "-", "-", "-", f"cannot be read: `data check {series.path.parent}`")
    return (*place, f"{series.rows:,}", _minute(series.first), _minute(series.last), _gaps(series))


def _minute(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _gaps(series: "ListedSeries") -> str:
    if series.gaps is None:
        return "-"
    return f"{series.gaps:,} ({series.missing:,} missing)" if series.gaps else "0"
