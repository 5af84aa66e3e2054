"""Command `tradai-entrypoint models`: list, show, register, promote, roll back, compare."""

import argparse
import getpass
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal

from tradai.core import JsonObject
from tradai.core.exceptions import ValidationError
from tradai.mlflow._client.client import MLflowClient
from tradai.mlflow._client.entities import quoted
from tradai.mlflow._client.model_entities import ModelVersion, RegisteredModel
from tradai.mlflow._commands.model_views import (
    model_json,
    model_lines,
    version_json,
    version_lines,
)
from tradai.mlflow._commands.models_grammar import models_parser
from tradai.mlflow._commands.output import print_json, print_lines, table_lines
from tradai.mlflow._http.errors import ModelNotFoundError
from tradai.mlflow._registry._gates.policy import PromotionPolicy
from tradai.mlflow._registry.approval_store import kept_entry
from tradai.mlflow._registry.errors import PromotionRefusedError
from tradai.mlflow._registry.promotion import AliasMove
from tradai.mlflow._registry.registry import ModelRegistry
from tradai.mlflow._settings import MLflowSettings

# MLflow's own variable.
_EXPECTED: Final = "a version such as 7, 'none' for an alias that is not set, or 'any'"


def models_command(argv: Sequence[str]) -> int:
    """Run the command with the arguments `argv`, and return its exit code.

    Raises:
        SystemExit: The arguments are wrong, or ask for help.
        TradAIError: The server, or a file, cannot be used.
    """
    arguments = models_parser().parse_args(argv)
    return _VERBS[arguments.verb](arguments)


def _list(arguments: argparse.Namespace) -> int:
    client = MLflowClient()
    models: list[RegisteredModel] = []
    # A search leaves the aliases out.
    for found in list(client.search_registered_models()):
        # Another process may have deleted it since.
        with suppress(ModelNotFoundError):
            models.append(client.get_registered_model(found.name))
    if arguments.json:
        print_json([{"name": model.name, "aliases": dict(model.aliases)} for model in models])
    elif models:
        rows = [(model.name, _aliases(model.aliases)) for model in models]
        print_lines(table_lines(("model", "aliases"), rows))
    else:
        print_lines(["no models yet: `tradai-entrypoint models register` makes one"])
    return 0


def _show(arguments: argparse.Namespace) -> int:
    client = MLflowClient()
    if "@" in arguments.model:
        version, content = ModelRegistry(client).content(arguments.model)
        if arguments.json:
            print_json(version_json(version, content))
        else:
            print_lines(version_lines(version, content, entries=_entries(client, version)))
        return 0
    model = client.get_registered_model(arguments.model)
    found = client.search_model_versions(filter=f"name = {quoted(model.name)}")
    # A search leaves the aliases of versions out; the model has them.
    versions = [each.model_copy(update={"aliases": _names(model, each)}) for each in found]
    if arguments.json:
        print_json(model_json(model, versions))
    else:
        print_lines(model_lines(model, versions))
    return 0


def _entries(client: MLflowClient, version: ModelVersion) -> Sequence[tuple[str, str]]:
    """Return the approvals and revocations about a version, each with the version that keeps it."""
    if version.run_id is None:
        return ()
    related = client.search_model_versions(filter=f"run_id = {quoted(version.run_id)}")
    return sorted(
        (name, f"{each.name}@v{each.version}")
        for each in related
        if (name := kept_entry(each)) is not None
    )


def _register(arguments: argparse.Namespace) -> int:
    version = ModelRegistry().register(
        arguments.name,
        arguments.run,
        experiment=arguments.experiment or MLflowSettings().experiment,
        image=arguments.image,
        by=_person(arguments),
    )
    if arguments.json:
        print_json({"name": version.name, "version": version.version, "run_id": version.run_id})
    else:
        print_lines([f"registered: {version.name}@v{version.version}"])
    return 0


def _promote(arguments: argparse.Namespace) -> int:
    registry = ModelRegistry()
    policy = PromotionPolicy.read(arguments.gates) if arguments.gates else PromotionPolicy()
    version, _ = registry.content(arguments.model)
    name, number, alias = version.name, version.version, arguments.alias
    if arguments.dry_run:
        report = registry.report(name, number, policy=policy, alias=alias)
        _print_report(str(report), report.as_json(), as_json=arguments.json)
        return 0 if report.passed else PromotionRefusedError.exit_code
    expect = _expected(arguments.expect)
    try:
        move = registry.promote(
            name, number, policy=policy, alias=alias, expect=expect, by=_person(arguments)
        )
    except PromotionRefusedError as exc:
        _print_report(str(exc), exc.report, as_json=arguments.json)
        return exc.exit_code
    _print_move(move, as_json=arguments.json)
    return 0


def _rollback(arguments: argparse.Namespace) -> int:
    move = ModelRegistry().rollback(arguments.name, alias=arguments.alias, by=_person(arguments))
    _print_move(move, as_json=arguments.json)
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    found = ModelRegistry().diff(arguments.first, arguments.second)
    if arguments.json:
        print_json(
            {
                "added": dict(found.added),
                "removed": dict(found.removed),
                "changed": {path: list(pair) for path, pair in found.changed.items()},
            }
        )
    else:
        print_lines([str(found) or "the configurations are equal"])
    return 0


_VERBS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "list": _list,
    "show": _show,
    "register": _register,
    "promote": _promote,
    "rollback": _rollback,
    "diff": _diff,
}


def _print_report(text: str, report: JsonObject, *, as_json: bool) -> None:
    if as_json:
        print_json({**report, "moved": False})
    else:
        print_lines([text, "the alias was not moved"])


def _print_move(move: AliasMove, *, as_json: bool) -> None:
    if as_json:
        facts = {"model": move.name, "alias": move.alias, "before": move.before}
        report = move.report.as_json() if move.report else None
        print_json({**facts, "after": move.after, "atomic": move.is_atomic, "report": report})
        return
    before = "no version" if move.before is None else f"version {move.before}"
    lines = [str(move.report)] if move.report else []
    lines += [f"{move.name}@{move.alias}: {before} -> version {move.after}"]
    if not move.is_atomic:
        lines += ["not atomic: no lease kept other promotions out (set TRADAI_MODEL_LEASES)"]
    print_lines(lines)


def _names(model: RegisteredModel, version: ModelVersion) -> tuple[str, ...]:
    return tuple(sorted(name for name, at in model.aliases.items() if at == version.version))


def _aliases(aliases: Mapping[str, int]) -> str:
    return ", ".join(f"{alias} = v{version}" for alias, version in sorted(aliases.items())) or "-"


def _person(arguments: argparse.Namespace) -> str:
    """Return the name for the ledger: given, the login of the server, or that of this machine."""
    given: str | None = arguments.by
    return given or MLflowSettings().username or _login()


def _login() -> str:
    """Return the login of this machine, also where no variable has it, as in a container."""
    with suppress(OSError, KeyError):  # A user id may be without a name.
        return getpass.getuser()
    return ""


def _expected(text: str) -> int | Literal["any"] | None:
    if text == "any":
        return "any"
    if text == "none":
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    message = f"--expect {text} is not usable: expected {_EXPECTED}"
    raise ValidationError(message, field="expect", expected=_EXPECTED)
