"""Find the candles that a class reads from the engine besides those that it trades on."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from tradai.core import Pair, Timeframe
from tradai.entrypoint.freqtrade._candles.series import unavailable
from tradai.entrypoint.freqtrade._strategy.files import read_file
from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, assignment
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

_READER: Final = "get_pair_dataframe"
_ARGUMENTS: Final = ("pair", "timeframe")
# Stands for the traded pair, as in ``@1h``.
_TRADED: Final = ""
_PAIR: Final = TypeAdapter[str](Pair)


def read_series(facts: SourceFacts, *, timeframe: str, has_contracts: bool) -> tuple[str, ...]:
    """Return the further series that the class reads, as ``run.informative`` names them.

    Those that only running the code could name, or that no run can have, are left out.

    Args:
        facts: The class and its source.
        timeframe: Its own timeframe.
        has_contracts: Whether it trades contracts.

    Raises:
        StorageError: A file of the source cannot be read.
    """
    attributes = {
        name: value for name, value in facts.constants.items() if name not in facts.assigned
    }
    found = {
        (pair, each)
        for module in _modules(facts)
        for pair, each in _reads(module, attributes)
        if (pair, each) != (_TRADED, timeframe) and _is_series(pair, each)
    }
    named = {(each.asset, each.timeframe) for each in facts.informative}
    return tuple(
        f"{pair}@{each}"
        for pair, each in sorted(found - named)
        if pair == _TRADED or unavailable(pair, has_contracts=has_contracts) is None
    )


def _modules(facts: SourceFacts) -> Iterator[PythonModule]:
    for file in facts.files:
        if file.suffix == ".py" and _READER.encode() in (data := read_file(facts.root / file)):
            yield PythonModule.parse(data, file)


def _reads(module: PythonModule, attributes: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield pair and timeframe of each call that has both in words."""
    for function in ast.walk(module.tree):
        calls = list(_calls(function)) if isinstance(function, ast.FunctionDef) else []
        names = {**module.constants, **_assigned(function)} if calls else {}
        for call in calls:
            match [_value(node, names, attributes) for node in _arguments(call)]:
                case [str() as pair, str() as timeframe]:
                    yield pair, timeframe


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name == _READER:
                yield node


def _arguments(call: ast.Call) -> list[ast.expr | None]:
    given = dict(zip(_ARGUMENTS, call.args, strict=False))
    given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
    return [given.get(name) for name in _ARGUMENTS]


def _assigned(function: ast.AST) -> dict[str, ast.expr]:
    """Return the names that the function binds once by a plain assignment."""
    statements = (node for node in ast.walk(function) if isinstance(node, ast.stmt))
    pairs = list(filter(None, map(assignment, statements)))
    counts = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if counts[name] == 1}


def _value(
    node: ast.expr | None, names: Mapping[str, ast.expr], attributes: Mapping[str, object]
) -> object:
    match node:
        case ast.Constant(value=value) | ast.JoinedStr(values=[ast.Constant(value=value)]):
            return value
        case ast.Subscript(value=ast.Name(id="metadata"), slice=ast.Constant(value="pair")):
            return _TRADED
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return attributes.get(name)
        case ast.Name(id=name):
            rest = {key: value for key, value in names.items() if key != name}
            return _value(names.get(name), rest, attributes)
    return None


def _is_series(pair: str, timeframe: str) -> bool:
    try:
        Timeframe(timeframe)
        return pair == _TRADED or _PAIR.validate_python(pair) == pair
    except (ValidationError, ValueError):
        return False
