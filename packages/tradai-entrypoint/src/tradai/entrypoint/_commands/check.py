"""`tradai-entrypoint check`: check a run without starting it."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence

from tradai.core import check_references, redact
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._commands.arguments import entrypoint_class, read_settings
from tradai.entrypoint._commands.console import print_table
from tradai.entrypoint._process.checks import CheckRow, CheckStatus
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.resources import resource_checks
from tradai.entrypoint._process.settings import (
    EntrypointSettings,
    LogSettings,
    settings_classes,
)
from tradai.entrypoint._runs._bias.bias_checks import bias_check_of, bias_sentence, is_clean
from tradai.entrypoint._runs.record import RunManifest


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per check; return the exit code of the first failure."""
    try:
        LogSettings()
        settings, request = read_settings(args)
    except TradAIError as exc:
        return _print_report([CheckRow.failed("settings", exc)], plan=None, args=args)
    entrypoint = entrypoint_class(settings.mode)(settings, request=request, interrupts=interrupts)
    rows = [
        _settings_row(settings),
        *_secret_rows(),
        *_resource_rows(args.on),
        *entrypoint.checks(),
        *_bias_rows(settings, entrypoint.record),
    ]
    return _print_report(rows, plan=entrypoint.record.engine, args=args)


def _settings_row(settings: EntrypointSettings) -> CheckRow:
    detail = f"mode {settings.mode.value}, configuration {settings.config}"
    return CheckRow(name="settings", status=CheckStatus.OK, detail=detail)


def _bias_rows(settings: EntrypointSettings, record: RunManifest) -> Iterator[CheckRow]:
    """Yield when the strategy source was last analysed for bias, once it is known."""
    if "source" in record.digests:
        check = bias_check_of(settings.folder, record)
        status = CheckStatus.OK if is_clean(check) else CheckStatus.WARN
        yield CheckRow(name="bias", status=status, detail=bias_sentence(check, record))


def _secret_rows() -> Iterator[CheckRow]:
    for check in check_references(settings_classes().values(), os.environ):
        if check.error is None:
            detail = f"by {check.variable}"
            yield CheckRow(name=check.reference, status=CheckStatus.OK, detail=detail)
        else:
            yield CheckRow.failed(check.reference, check.error)


def _resource_rows(runner: str | None) -> Iterator[CheckRow]:
    """Yield what a job runner needs; nothing for a run in this process."""
    for check in resource_checks(runner.partition(":")[0]) if runner else ():
        if check.error is None:
            yield CheckRow(name=check.resource, status=CheckStatus.OK, detail=f"by {runner}")
        else:
            yield CheckRow.failed(check.resource, check.error)


def _print_report(rows: Sequence[CheckRow], *, plan: object, args: argparse.Namespace) -> int:
    exit_code = next((row.exit_code for row in rows if row.exit_code is not ExitCode.DONE), 0)
    if args.json:
        shown = [{"name": row.name, "status": row.status, "detail": row.detail} for row in rows]
        answer = {"exit_code": int(exit_code), "checks": shown} | (
            {"plan": plan} if args.plan else {}
        )
        sys.stdout.write(redact(json.dumps(answer, indent=2)) + "\n")
        return int(exit_code)
    print_table(("check", "", "found"), [(row.name, row.status, row.detail) for row in rows])
    if args.plan and plan:
        sys.stdout.write(redact(json.dumps(plan, indent=2, sort_keys=True)) + "\n")
    return int(exit_code)
