"""`tradai-entrypoint doctor`: what this process would see, and where it comes from."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Final

from tradai.core import ReferenceCheck, check_references, redact
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.console import print_table
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.settings import (
    secret_references,
    settings_classes,
    unknown_variable_problems,
)
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint

__all__ = ["execute"]

_SLICES: Final = ("core", "entrypoint", "aws", "cache", "mlflow", "common")
_ENGINES: Final = ("freqtrade", "ccxt", "lightgbm", "pandas", "pyarrow", "pydantic")
_SECRET: Final = ("variable", "secret", "found")
_PORTS: Final = ("tradai.stores", "tradai.secrets", "tradai.journals", "tradai.data")


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the tables; exit 78 when a setting, a variable or a secret is not as it should be."""
    del interrupts
    secrets = list(check_references(secret_references(os.environ)))
    problems = [
        *unknown_variable_problems(os.environ),
        *_invalid(),
        *(one.problem for one in secrets if one.problem),
    ]
    answer: dict[str, object] = {
        "settings": list(_settings()),
        "secrets": [dict(zip(_SECRET, row, strict=True)) for row in _secret_rows(secrets)],
        "problems": problems,
        "installed": _versions(),
        "backends": _backends(),
        "handlers": _handlers(),
    }
    if args.json:
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        _print(secrets, problems)
    return int(ExitCode.CONFIGURATION if problems else ExitCode.DONE)


def _settings() -> Iterator[dict[str, str]]:
    for name, kind in settings_classes().items():
        for setting in kind.explain(os.environ):
            yield {
                "slice": name,
                "variable": setting.variable,
                "value": setting.value,
                "source": setting.source,
            }


def _invalid() -> Iterator[str]:
    for name, kind in settings_classes().items():
        try:
            kind.check(os.environ)
        except ConfigurationError as exc:
            yield f"{name}: {redact(str(exc))}"


def _versions() -> dict[str, str]:
    names = [*(f"tradai-{one}" for one in _SLICES), *_ENGINES]
    return {"python": platform.python_version(), "system": platform.platform()} | {
        name: _version(name) for name in names
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _backends() -> dict[str, list[str]]:
    return {port: sorted(f"{one.name}:" for one in entry_points(group=port)) for port in _PORTS}


def _handlers() -> dict[str, str]:
    return {mode.value: where for mode, where in StrategyEntrypoint.handlers.origins().items()}


def _secret_rows(secrets: list[ReferenceCheck]) -> Iterator[tuple[str, str, str]]:
    for one in secrets:
        yield one.variable, one.reference, "problem" if one.problem else "ok"


def _print(secrets: list[ReferenceCheck], problems: list[str]) -> None:
    rows = [tuple(row.values()) for row in _settings()]
    print_table(("slice", "variable", "value", "comes from"), rows)
    print()
    if secrets:
        print_table(_SECRET, list(_secret_rows(secrets)))
        print()
    print_table(("installed", "version"), list(_versions().items()))
    print()
    print_table(
        ("port", "serves"), [(port, " ".join(names)) for port, names in _backends().items()]
    )
    print()
    print_table(("mode", "handler"), list(_handlers().items()))
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
