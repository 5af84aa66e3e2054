"""Output of the commands: lines and JSON; control characters are printed as escapes."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence

from tradai.core import printable


def print_lines(texts: Iterable[str]) -> None:
    """Print texts, which may have several lines each."""
    for text in texts:
        for line in text.split("\n"):
            sys.stdout.write(f"{printable(line)}\n")


def print_json(value: object) -> None:
    """Print `value` as indented JSON."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, each column as wide as its widest cell."""
    table = [columns, *rows]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
