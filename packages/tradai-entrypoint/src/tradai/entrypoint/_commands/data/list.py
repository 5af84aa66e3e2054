"""`tradai-entrypoint data list`: list the series of a candle folder."""

import argparse
from collections.abc import Iterable, Iterator
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
    """Print a row per series."""
    del interrupts
    from tradai.entrypoint.freqtrade import list_series

    found = list_series(args.folder)
    if args.json:
        print_json(list(map(_values, found)))
    elif args.csv:
        _print_csv(found)
    else:
        print_table(_COLUMNS, map(_row, found))
        for note in _notes(found):
            print_text(f"note: {note}")
    return 0


def _notes(found: Iterable["ListedSeries"]) -> Iterator[str]:
    """Yield a sentence for each series that is stored twice."""
    twins: dict[tuple[str, ...], list[ListedSeries]] = {}
    for each in found:
        if each.twin is not None:
            twins.setdefault((each.pair, each.timeframe or "", each.kind), []).append(each)
    for (pair, timeframe, kind), files in twins.items():
        name = " ".join(filter(None, (pair, timeframe, "" if kind == "spot" else kind)))
        rows = "the same rows" if files[0].twin == "same" else "other rows"
        formats = " and ".join(each.file_format for each in files)
        yield f"{name} is stored twice, as {formats}, with {rows}: remove the stale file"


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
