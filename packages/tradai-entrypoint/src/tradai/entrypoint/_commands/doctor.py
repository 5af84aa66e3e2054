"""`tradai-entrypoint doctor`: show settings, secrets, resources, versions and problems."""

import argparse
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Final

from tradai.core import ReferenceCheck, ResourceCheck, check_references, redact
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.resources import resource_checks
from tradai.entrypoint._process.settings import (
    settings_classes,
    unknown_variable_problems,
)
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint._runs.tracking import find_tracker

_DISTRIBUTIONS: Final = ("core", "entrypoint", "aws", "cache", "mlflow", "common")
_ENGINES: Final = ("freqtrade", "ccxt", "lightgbm", "pandas", "pyarrow", "pydantic")
_SECRET_COLUMNS: Final = ("variable", "secret", "found")
_RESOURCE_COLUMNS: Final = ("resource", "found")
_PORTS: Final = (
    "tradai.stores",
    "tradai.secrets",
    "tradai.journals",
    "tradai.data",
    "tradai.leases",
    "tradai.sessions",
    "tradai.approvals",
    "tradai.alerts",
    "tradai.trackers",
)


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the tables; return 78 when a setting, a secret or a resource has a problem."""
    del interrupts
    resources = [*resource_checks(), *_tracking_check()]
    secrets = list(check_references(settings_classes().values(), os.environ))
    problems = [
        *unknown_variable_problems(os.environ),
        *_invalid_settings(),
        *(check.problem for check in secrets if check.problem),
        *(f"{check.resource}: {redact(str(check.error))}" for check in resources if check.error),
    ]
    answer: dict[str, object] = {
        "settings": list(_settings()),
        "secrets": [dict(zip(_SECRET_COLUMNS, row, strict=True)) for row in _secret_rows(secrets)],
        "resources": [
            dict(zip(_RESOURCE_COLUMNS, row, strict=True)) for row in _resource_rows(resources)
        ],
        "problems": problems,
        "installed": _versions(),
        "backends": _backends(),
        "handlers": _handlers(),
    }
    if args.json:
        print_json(answer)
    else:
        _print_tables(secrets, resources, problems)
    return int(ExitCode.CONFIGURATION if problems else ExitCode.DONE)


def _tracking_check() -> Iterator[ResourceCheck]:
    """Yield a check of the tracking server, if one is named."""
    try:
        if tracker := find_tracker(os.environ):
            yield ResourceCheck(resource=tracker.check())
    except TradAIError as exc:
        yield ResourceCheck(resource="tracking server", error=exc)


def _settings() -> Iterator[dict[str, str]]:
    for name, settings_class in settings_classes().items():
        for setting in settings_class.explain(os.environ):
            yield {
                "slice": name,
                "variable": setting.variable,
                "value": setting.value,
                "source": setting.source,
            }


def _invalid_settings() -> Iterator[str]:
    for name, settings_class in settings_classes().items():
        try:
            settings_class.check(os.environ)
        except ConfigurationError as exc:
            yield f"{name}: {redact(str(exc))}"


def _versions() -> dict[str, str]:
    names = [*(f"tradai-{name}" for name in _DISTRIBUTIONS), *_ENGINES]
    return {"python": platform.python_version(), "system": platform.platform()} | {
        name: _version(name) for name in names
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _backends() -> dict[str, list[str]]:
    return {
        port: sorted(f"{plugin.name}:" for plugin in entry_points(group=port)) for port in _PORTS
    }


def _handlers() -> dict[str, str]:
    return {mode.value: origin for mode, origin in StrategyEntrypoint.handlers.origins().items()}


def _secret_rows(secrets: list[ReferenceCheck]) -> Iterator[tuple[str, str, str]]:
    for check in secrets:
        yield check.variable, check.reference, "problem" if check.problem else "ok"


def _resource_rows(resources: list[ResourceCheck]) -> Iterator[tuple[str, str]]:
    for check in resources:
        yield check.resource, "problem" if check.error else "ok"


def _print_tables(
    secrets: list[ReferenceCheck], resources: list[ResourceCheck], problems: list[str]
) -> None:
    rows = [tuple(row.values()) for row in _settings()]
    print_table(("package", "variable", "value", "comes from"), rows)
    print_text("")
    if secrets:
        print_table(_SECRET_COLUMNS, list(_secret_rows(secrets)))
        print_text("")
    if resources:
        print_table(_RESOURCE_COLUMNS, list(_resource_rows(resources)))
        print_text("")
    print_table(("installed", "version"), list(_versions().items()))
    print_text("")
    print_table(
        ("port", "serves"), [(port, " ".join(names)) for port, names in _backends().items()]
    )
    print_text("")
    print_table(("mode", "handler"), list(_handlers().items()))
    for problem in problems:
        print_text(f"problem: {problem}", is_error=True)
