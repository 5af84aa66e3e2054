"""Find the candles that a class reads from the engine besides those that it trades on."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from tradai.core import Pair, Timeframe
from tradai.entrypoint.freqtrade._candles.series import unavailable
from tradai.entrypoint.freqtrade._strategy.files import read_file
from tradai.entrypoint.freqtrade._strategy.python_module import (
    PythonModule,
    assignment,
    bound_names,
    own_nodes,
)
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
# None stands for a value that only running the code could give.
_Names: TypeAlias = Mapping[str, ast.expr | None]

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
    } | {"timeframe": timeframe}
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
    for call, names in _calls(module.tree, module.constants):
        match [_value(node, names, attributes) for node in _arguments(call)]:
            case [str() as pair, str() as timeframe]:
                yield pair, timeframe


def _calls(scope: ast.AST, names: _Names) -> Iterator[tuple[ast.Call, _Names]]:
    """Yield each call in `scope` with the names that it sees; those of `scope` are `names`."""
    for node in ast.iter_child_nodes(scope):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name == _READER:
                yield node, names
        own = _bindings(node) if isinstance(node, _Function) else {}
        yield from _calls(node, {**names, **own})


def _arguments(call: ast.Call) -> list[ast.expr | None]:
    given = dict(zip(_ARGUMENTS, call.args, strict=False))
    given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
    return [given.get(name) for name in _ARGUMENTS]


def _bindings(function: _Function) -> dict[str, ast.expr | None]:
    """Return the names that the function binds, with the value of a plain assignment.

    It is None for a parameter, and for a name that is bound more than once or in another way.
    """
    body = function.body if isinstance(function.body, list) else [function.body]
    parameters = [node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    changed = [
        name
        for node in ast.walk(function)
        if isinstance(node, (ast.Global, ast.Nonlocal))
        for name in node.names
    ]
    counts = Counter([*parameters, *changed, *changed, *bound_names(body)])
    statements = (node for node in own_nodes(body) if isinstance(node, ast.stmt))
    values = dict(filter(None, map(assignment, statements)))
    return {name: values.get(name) if count == 1 else None for name, count in counts.items()}


def _value(node: ast.expr | None, names: _Names, attributes: Mapping[str, object]) -> object:
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
