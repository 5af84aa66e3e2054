"""Find the candles that a class reads from the engine besides those that it trades on."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from tradai.core import Pair, Timeframe
from tradai.entrypoint.freqtrade._candles.series import unavailable
from tradai.entrypoint.freqtrade._strategy.files import read_file
from tradai.entrypoint.freqtrade._strategy.python_module import (
    PythonModule,
    assignment,
    bound_names,
    mentioning,
    own_nodes,
)
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
# None stands for a value that only running the code could give.
_Names: TypeAlias = Mapping[str, ast.expr | None]

_READER: Final = "get_pair_dataframe"
_ARGUMENTS: Final = ("pair", "timeframe")
# The engine takes it where a call has no timeframe.
_OWN: Final = ast.Attribute(value=ast.Name(id="self"), attr="timeframe")
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
    found = {
        (pair, each)
        for _, pair, each in _reads(facts, timeframe)
        if isinstance(pair, str) and isinstance(each, str)
        if (pair, each) != (_TRADED, timeframe) and _is_series(pair, each)
    }
    named = {(each.asset, each.timeframe) for each in facts.informative}
    return tuple(
        f"{pair}@{each}"
        for pair, each in sorted(found - named)
        if pair == _TRADED or unavailable(pair, has_contracts=has_contracts) is None
    )


def note_on_computed(facts: SourceFacts, *, timeframe: str) -> str | None:
    """Return a sentence on the lines that compute which candles they read; None without one.

    Args:
        facts: The class and its source.
        timeframe: Its own timeframe.

    Raises:
        StorageError: A file of the source cannot be read.
    """
    places = [
        place
        for place, *values in _reads(facts, timeframe)
        if not all(isinstance(value, str) for value in values)
    ]
    if not places:
        return None
    verb = "asks" if len(places) == 1 else "ask"
    return (
        f"{', '.join(places)} {verb} for candles whose pair or timeframe is computed: name them in "
        "run.informative, such as BTC/USDT@1h, or @1h for every traded pair"
    )


def _modules(facts: SourceFacts) -> list[PythonModule]:
    """Return the file of the class, and those that it imports, where they read candles."""
    files = {
        file: data
        for file in facts.files
        if file.suffix == ".py"
        for data in (read_file(facts.root / file),)
    }
    if not any(_READER.encode() in data for data in files.values()):
        return []
    modules: dict[Path, PythonModule] = {}
    for file, data in files.items():
        # The engine skips a file that is not Python.
        with suppress(SyntaxError, ValueError):
            modules[file] = PythonModule.parse(data, file)
    own = modules[facts.file.relative_to(facts.root)]
    return mentioning(own, {each.name: each for each in modules.values()}, [_READER.encode()])


def _reads(facts: SourceFacts, timeframe: str) -> Iterator[tuple[str, object, object]]:
    """Yield of each call its place, pair and timeframe: no text where they are computed."""
    attributes = {
        name: value for name, value in facts.constants.items() if name not in facts.assigned
    } | {"timeframe": timeframe}
    for module in _modules(facts):
        for call, names in _calls(module.tree, module.constants):
            pair, length = (_value(node, names, attributes) for node in _arguments(call))
            yield module.place(call), pair, length


def _calls(scope: ast.AST, names: _Names) -> Iterator[tuple[ast.Call, _Names]]:
    """Yield each call in `scope` with the names that it sees; those of `scope` are `names`."""
    for node in ast.iter_child_nodes(scope):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name == _READER:
                yield node, names
        own = _bindings(node) if isinstance(node, _Function) else {}
        yield from _calls(node, {**names, **own})


def _arguments(call: ast.Call) -> list[ast.expr | None]:
    given: dict[str, ast.expr] = dict(zip(_ARGUMENTS, call.args, strict=False))
    given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
    match given.get("timeframe"):
        case None | ast.Constant(value=None):
            given["timeframe"] = _OWN
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
    counts = Counter([*parameters, *changed, *bound_names(body)])
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
