"""`tradai-entrypoint data check`: look for faults in the rows of a candle folder."""

import argparse
from typing import TYPE_CHECKING, Final

from tradai.core import JsonValue
from tradai.entrypoint._commands.console import print_failure, print_json, print_table, print_text
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import counted

if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade import DataCheck, Finding

_COLUMNS: Final = ("", "file", "first at", "finding")


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the findings; return 65 when one of them is a fault."""
    from tradai.entrypoint.freqtrade import check_series

    with interrupts.raising():
        checked = check_series(args.folder)
    if args.json:
        print_json(_values(checked))
    else:
        _print(checked)
    if checked.passed_over:
        print_text(f"note: {checked.passed_over}", is_error=args.json)
    is_bad = checked.faults or (args.strict and checked.findings)
    return ExitCode.DATA if is_bad else ExitCode.DONE


def _values(checked: "DataCheck") -> dict[str, JsonValue]:
    findings: list[JsonValue] = [
        {
            "series": finding.series,
            "path": str(finding.path),
            "problem": finding.problem,
            "first": finding.first.isoformat() if finding.first else None,
            "effect": finding.effect.value,
            "is_fault": finding.effect.is_fault,
        }
        for finding in checked.findings
    ]
    return {"series": checked.series, "rows": checked.rows, "findings": findings}


def _print(checked: "DataCheck") -> None:
    if checked.findings:
        print_table(_COLUMNS, map(_row, checked.findings))
    extent = f"{counted(checked.rows, 'row')} in {checked.series} series"
    notes = counted(len(checked.findings) - checked.faults, "note")
    sentence = f"checked {extent}: {counted(checked.faults, 'fault')}, {notes}"
    if checked.faults:
        print_failure(f"{sentence}; {_advice(checked)}")
    else:
        print_text(sentence)


def _advice(checked: "DataCheck") -> str:
    from tradai.entrypoint.freqtrade import Effect

    mended = sum(finding.effect is Effect.CONVERTIBLE for finding in checked.findings)
    convert = "`tradai-entrypoint data convert FOLDER TARGET` mends"
    if mended == checked.faults:
        return f"{convert} {'it' if mended == 1 else 'them'}"
    again = "do what a finding asks for, or get the candles at fault from the exchange again"
    if not mended:
        return again
    return f"{convert} {mended} of them; for the others {again}"


def _row(finding: "Finding") -> tuple[str, ...]:
    first = f"{finding.first:%Y-%m-%d %H:%M}" if finding.first else "-"
    mark = "fault" if finding.effect.is_fault else "note"
    return mark, finding.path.name, first, f"{finding.problem}; {finding.effect.value}"
