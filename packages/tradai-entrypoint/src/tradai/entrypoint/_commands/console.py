"""Output of the commands: the summary of a run, tables and JSON."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._report.formatting import result_text
from tradai.entrypoint._runs.record import RunManifest

if TYPE_CHECKING:
    from rich.console import Console


def print_summary(record: RunManifest, verdict: Verdict, folder: Path) -> None:
    """Print results, notices and paths to standard output, and a failure to standard error."""
    if record.results:
        rows = [
            (name.replace("_", " "), result_text(value)) for name, value in record.results.items()
        ]
        print_table(("result", record.config_id or ""), rows)
    for notice in record.notices:
        print(f"note: {notice}")
    report = folder / "report.html"
    if report.exists():
        print(f"report: {report}")
    if verdict.is_success:
        print(f"run:    {folder}")
        print(f"done:   {verdict.sentence}")
        return
    print(
        f"tradai-entrypoint: {verdict.sentence} (exit {int(verdict.exit_code)}, run {folder})",
        file=sys.stderr,
    )


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print `rows` under `columns`; lines are wrapped only on a terminal."""
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    _console().print(table)


def print_json(value: object) -> None:
    """Print `value` as indented JSON."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _console() -> "Console":
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=200, soft_wrap=True)
