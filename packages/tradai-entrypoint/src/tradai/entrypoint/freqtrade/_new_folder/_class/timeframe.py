"""Write a timeframe that goes over that of a class into the copy of the class."""

import ast
from pathlib import Path
from typing import Final

from tradai.core import JsonValue, Timeframe
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint.freqtrade._strategy.files import read_file
from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, assignment
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

_NAME: Final = "timeframe"


def class_timeframe(facts: SourceFacts) -> str | None:
    """Return the timeframe of the class; None where it has none that its words say."""
    value = None if _NAME in facts.assigned else facts.constants.get(_NAME)
    return str(value) if value else None


def chosen_timeframe(given: JsonValue, facts: SourceFacts) -> str:
    """Return the timeframe `given` by a configuration, or else that of the class.

    Raises:
        ConfigurationError: There is none, or the one that counts is not a timeframe.
    """
    of_class = class_timeframe(facts)
    chosen, owner = of_class, f"class {facts.class_name}"
    if given is not None:
        chosen, owner = str(given), "the configuration, or of FREQTRADE__TIMEFRAME,"
    if chosen is None:
        old = facts.constants.get("ticker_interval")
        hint = f" (its ticker_interval {old} is read no longer)" if old else ""
        message = (
            f"neither the configuration nor class {facts.class_name} has a timeframe{hint}: write "
            "it into one of them"
        )
        raise ConfigurationError(message, key=_NAME)
    try:
        return Timeframe(chosen)
    except ValidationError as exc:
        message = f"the timeframe of {owner} is {chosen!r}: write {exc.expected} there"
        raise ConfigurationError(message, key=_NAME) from None


def write_timeframe(facts: SourceFacts, timeframe: str) -> bool:
    """Replace the timeframe of the class in its file, and return whether that is done.

    It is not where the class has it from elsewhere, or where its file computes with it.

    Raises:
        StorageError: The file cannot be read.
    """
    data = read_file(facts.file)
    module = PythonModule.parse(data, Path(facts.file.name))
    value = _own_value(module.classes[facts.class_name])
    if value is None or _is_read(module.tree):
        return False
    lines = data.splitlines(keepends=True)
    line = lines[value.lineno - 1]
    before, after = line[: value.col_offset], line[value.end_col_offset :]
    lines[value.lineno - 1] = b"%s%s%s" % (before, f'"{timeframe}"'.encode(), after)
    facts.file.write_bytes(b"".join(lines))
    return True


def _own_value(node: ast.ClassDef) -> ast.Constant | None:
    """Return the one value that the body of the class has for it."""
    pairs = (assignment(statement) for statement in node.body)
    values = [pair[1] for pair in pairs if pair is not None and pair[0] == _NAME]
    match values:
        case [ast.Constant() as value] if value.lineno == value.end_lineno:
            return value
    return None


def _is_read(tree: ast.Module) -> bool:
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == _NAME)
    return any(isinstance(name.ctx, ast.Load) for name in names)
