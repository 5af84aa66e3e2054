"""Output of the commands: the summary of a run, tables, JSON and CSV.

Text may come from anywhere, so it is printed as it is, with control characters as escapes.
"""

import csv
import json
import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradai.core import printable
from tradai.entrypoint._report.figures import FigureFormat
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._report.summary_tables import SummaryTable, summary_tables

if TYPE_CHECKING:
    from tradai.entrypoint._process.exit_codes import Verdict
    from tradai.entrypoint._runs.record import RunManifest

_GAP: Final = "  "
_LEAST_ROOM: Final = 20
# Beginnings of text that a spreadsheet computes.
_FORMULAS: Final = ("=", "+", "-", "@")
_BOLD: Final = "\x1b[1m{}\x1b[0m"


def print_summary(record: "RunManifest", verdict: "Verdict", folder: Path) -> None:
    """Print the result of the run in `folder`, which may not exist, as `print_result`."""
    report = folder / REPORT_NAME
    shown = str(report) if report.exists() else None
    place = str(folder) if folder.exists() else None
    tables = summary_tables(folder)
    print_result(record, verdict, place=place, report=shown, tables=tables)


def print_result(
    record: "RunManifest",
    verdict: "Verdict",
    *,
    place: str | None,
    report: str | None,
    tables: Iterable[SummaryTable] = (),
) -> None:
    """Print results, notices and places to standard output, and a failure to standard error."""
    if record.results:
        shown, results = FigureFormat.of(record.results, record.config), record.results
        rows = [(shown.label(name), shown.text(name, value)) for name, value in results.items()]
        print_table(("result", record.config_id or ""), rows)
        for table in tables:
            print_text("")
            print_table(table.heads, table.rows)
    for notice in record.notices:
        print_text(f"note: {notice}")
    if report:
        print_text(f"report: {report}")
    if verdict.is_success:
        if place:
            print_text(f"run:    {place}")
        print_text(f"done:   {verdict.sentence}")
        return
    where = f", run {place}" if place else ""
    print_failure(f"{verdict.sentence} (exit {int(verdict.exit_code)}{where})")


def print_text(text: str, *, is_error: bool = False) -> None:
    """Print `text`, which may have several lines, to standard output or standard error."""
    shown = "".join(f"{line}\n" for line in _lines(text))
    (sys.stderr if is_error else sys.stdout).write(shown)


def print_failure(sentence: str) -> None:
    """Print `sentence` to standard error, after the name of the command."""
    print_text(f"tradai-entrypoint: {sentence}", is_error=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print `rows` under `columns`; on a terminal the last column is wrapped."""
    table = [[_lines(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(_width, chain.from_iterable(cells))) for cells in zip(*table, strict=True)]
    room = _room_for_last(widths[:-1])
    head, *body = ("".join(_row_lines(row, widths, room)) for row in table)
    sys.stdout.write(_BOLD.format(head) if _has_styles() else head)
    sys.stdout.write("".join(body))


def print_json(value: object) -> None:
    """Print `value` as indented JSON; a number that is not finite is null, as JSON has none."""
    sys.stdout.write(json.dumps(_finite(value), indent=2) + "\n")


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print `rows` under `columns` as CSV, in which a spreadsheet finds no formula."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in chain((columns,), rows):
        writer.writerow([_csv_cell(each) for each in row])


def _csv_cell(value: object) -> object:
    """Return a cell; text that a spreadsheet would compute begins with an apostrophe."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = "\n".join(_lines(str(value)))
    return f"'{text}" if text.startswith(_FORMULAS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _lines(text: str) -> list[str]:
    return [printable(line) for line in text.split("\n")]


def _row_lines(cells: list[list[str]], widths: list[int], room: int | None) -> Iterator[str]:
    *others, last = cells
    if room is not None:
        last = [part for line in last for part in _wrapped(line, room)]
    for row in zip_longest(*others, last, fillvalue=""):
        padded = map(_padded, row, widths)
        yield f"{_GAP.join(padded).rstrip()}\n"


def _wrapped(line: str, room: int) -> list[str]:
    return textwrap.wrap(line, room, break_on_hyphens=False) or [""]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Return the number of columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "FW")
        for each in text
    )


def _room_for_last(widths: list[int]) -> int | None:
    """Return the columns left for the last cell of a row; None when lines are not wrapped."""
    if not sys.stdout.isatty():
        return None
    used = sum(widths) + len(widths) * len(_GAP)
    return max(shutil.get_terminal_size().columns - used, _LEAST_ROOM)


def _has_styles() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
