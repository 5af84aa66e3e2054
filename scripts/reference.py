"""Write the generated pages of docs/reference from the code; `--check` only compares.

Run inside the workspace: ``uv run --frozen python scripts/reference.py``.
"""

import re
import sys
from collections.abc import Iterator
from enum import Enum
from importlib.metadata import entry_points
from pathlib import Path
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin

from api_pages import api_pages
from ecs_verdicts_page import ecs_verdicts
from example_imports import MissingImportError
from pydantic import BaseModel, SecretStr
from pydantic_settings import NoDecode
from wings_page import wings

from tradai.core import BaseSettings, Execution, Secret, StrategyConfig, StrategySource, TradingMode
from tradai.entrypoint import ExitCode, RunParameters

SECRETS = {Secret, SecretStr}
WORDS = {
    SecretStr: "text",
    Path: "path",
    bool: "`true` or `false`",
    float: "number",
    int: "whole number",
    str: "text",
}
REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


_REFUSED = """\
A command line is refused with one of three codes:

- 2, by the parser: the words alone are wrong. A command or a flag is unknown or incomplete, a
  value is empty, none of the choices or not a number that the flag takes, or the help shows two
  flags as alternatives. Nothing is read, and no run is recorded.
- 78, by the command: the words can be read, and cannot be done. A value has a form that the command
  alone knows (a range, a length, a limit), a flag is missing beside another, or two do not go
  together here. The code is the same when the value comes from a variable or a file, and `run`
  records the refusal.
- 65: a file, run, job or session of that name is not there, or not of the kind that is needed.
""".splitlines()


def exit_codes() -> Iterator[str]:
    """Yield the page of exit codes."""
    yield "# Exit codes"
    yield ""
    yield "Generated from `tradai.entrypoint.ExitCode` by `scripts/reference.py`."
    yield ""
    yield "| code | name | meaning | retryable |"
    yield "|---:|---|---|---|"
    for code in ExitCode:
        retryable = "yes" if code.is_retryable else "no"
        yield f"| {int(code)} | {code.name} | {code.meaning} | {retryable} |"
    yield ""
    yield "Retryable: a job runner or a service may start the same again after a while, as nothing"
    yield "has to be changed for it to succeed."
    yield ""
    yield from _REFUSED
    yield ""
    yield "A process that is killed with SIGKILL ends with 137 and leaves a manifest whose `state`"
    yield "is `running`. SIGTERM, SIGINT and SIGHUP do not replace the code of a run that has its"
    yield "verdict."
    yield ""
    yield "The [runbook](../how-to/live-runbook.md) has the next step after each code of a live"
    yield "session."
    yield ""
    yield "`submit` ends with the code of the run that its job made, and with 70 when it is not"
    yield "known; see [jobs](../how-to/jobs.md#exit-codes-of-submit)."


def environment() -> Iterator[str]:
    """Yield the page of environment variables."""
    yield "# Environment variables"
    yield ""
    yield "Generated from the settings classes of all distributions by `scripts/reference.py`. A"
    yield "variable that is set but empty is an error. `tradai-entrypoint doctor` shows the values"
    yield "on this machine and their origins; [settings](../how-to/settings.md) says how text is"
    yield "read, and how to write a settings class."
    for entry in sorted(entry_points(group="tradai.settings"), key=lambda entry: entry.name):
        yield ""
        yield from variables(entry.load(), entry.value.replace(":", "."))
    yield ""
    yield "## Strategy configuration"
    yield ""
    yield "`TRADAI_STRATEGY__<KEY>` overrides the configuration file; two underscores go one level"
    yield "down: `TRADAI_STRATEGY__EXECUTION__MAX_OPEN_TRADES=2`."


def variables(model: type[BaseSettings], name: str) -> Iterator[str]:
    """Yield the section of one settings class."""
    public = ".".join(part for part in name.split(".") if not part.startswith("_"))
    yield f"## `{public}`"
    yield ""
    yield (model.__doc__ or "").strip().splitlines()[0].replace("``", "`")
    yield ""
    yield "| variable | type | default | secret | meaning |"
    yield "|---|---|---|---|---|"
    meaning_of = meanings(model)
    for setting in model.explain({}):
        field = model.model_fields[setting.name]
        # Of a list with NoDecode, the class decides how it is written.
        written = "list" if NoDecode in field.metadata else "list, as JSON"
        cells = (
            f"`{setting.variable}`",
            ", ".join(types(field.annotation)).replace("list", written),
            _default(model, setting.name),
            "yes" if _is_secret(field.annotation) else "no",
            meaning_of[setting.name],
        )
        yield f"| {' | '.join(cells)} |"


def types(annotation: object) -> Iterator[str]:
    """Yield the names, in words, of the types that `annotation` allows."""
    if get_origin(annotation) in {Union, UnionType}:
        for part in get_args(annotation):
            yield from types(part)
    elif get_origin(annotation) is Literal:
        yield from (f"`{value}`" for value in get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (f"`{member.value}`" for member in annotation)
    elif get_origin(annotation) in {tuple, frozenset}:
        yield "list"
    elif isinstance(annotation, type) and annotation is not NoneType:
        yield WORDS.get(annotation, annotation.__name__)


def _is_secret(annotation: object) -> bool:
    return any(part in SECRETS for part in (annotation, *get_args(annotation)))


def run_parameters() -> Iterator[str]:
    """Yield the page of run parameters."""
    yield "# Run parameters"
    yield ""
    yield "The `run:` block of a configuration, or `run.<name>=value` on the command line."
    yield "Generated from `tradai.entrypoint.RunParameters` by `scripts/reference.py`."
    yield ""
    yield from fields(RunParameters, prefix="run.")
    yield ""
    yield f"Modes: {', '.join(f'`{mode.value}`' for mode in TradingMode)}."


def strategy_configuration() -> Iterator[str]:
    """Yield the page of the strategy configuration."""
    yield "# Strategy configuration"
    yield ""
    yield "The keys of a configuration file. Generated from `tradai.core.StrategyConfig` by"
    yield "`scripts/reference.py`. An unknown key at the top level is kept and reported as a"
    yield "warning (LIVE refuses it); inside `strategy` and `execution` it is an error in any mode."
    for model, prefix in (
        (StrategyConfig, ""),
        (StrategySource, "strategy."),
        (Execution, "execution."),
    ):
        yield ""
        yield from fields(model, prefix=prefix)
    yield ""
    yield "The `run:` block is on [a separate page](run-parameters.md)."


def fields(model: type[BaseModel], *, prefix: str) -> Iterator[str]:
    """Yield a table of the fields of `model`."""
    meaning_of = meanings(model)
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name in model.model_fields:
        key = "class" if name == "class_name" else name
        yield f"| `{prefix}{key}` | {_default(model, name)} | {meaning_of.get(name, '')} |"


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return the description of each attribute in the docstring of `model`."""
    _, _, section = (model.__doc__ or "").partition("Attributes:")
    attributes = re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()).replace("``", "`") for name, text in attributes}


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "*required*"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel) or default is None or default in ({}, ()):
        return "-"
    return f"`{getattr(default, 'value', default)}`"


PAGES = {
    "ecs-verdicts.md": ecs_verdicts,
    "environment.md": environment,
    "exit-codes.md": exit_codes,
    "run-parameters.md": run_parameters,
    "strategy-configuration.md": strategy_configuration,
    "wings.md": wings,
}


def main() -> int:
    """Write or compare every page; return 1 when a page differs from the code."""
    stale = []
    pages = {name: list(lines()) for name, lines in PAGES.items()} | api_pages()
    for name, lines in pages.items():
        path = REFERENCE / name
        text = "\n".join(lines).rstrip() + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"out of date: {', '.join(stale)}; run scripts/reference.py")
        return 1
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except MissingImportError as error:
        sys.exit(f"reference: {error}")
