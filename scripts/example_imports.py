"""Import lines for the examples of docstrings, so that an example can be pasted and run.

A doctest sees the globals of its module; a reader of the page does not have them.
"""

import ast
import builtins
import doctest
from collections import defaultdict
from collections.abc import Iterator, Mapping

_PARSER = doctest.DocTestParser()
_WIDTH = 100


class MissingImportError(Exception):
    """An example uses a name that a reader cannot import."""


def free_names(text: str) -> list[str]:
    """Return the names that the examples in `text` use and do not define, sorted."""
    source = "".join(example.source for example in _PARSER.get_examples(text))
    nodes = list(ast.walk(ast.parse(source)))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    defined = {name for node in nodes for name in _names_defined_by(node)}
    return sorted(used - defined - set(dir(builtins)))


def import_lines(names: list[str], places: Mapping[str, str]) -> list[str]:
    """Return a ``>>> from ... import ...`` line for each module, third-party modules first.

    Args:
        names: Names to import.
        places: Dotted path of each name that may be imported, such as ``tradai.core.Pair``.

    Raises:
        MissingImportError: A name is not in `places`: the example uses something private.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if name not in places:
            message = f"an example uses {name}, which has no public path to import it from"
            raise MissingImportError(message)
        wanted[places[name]].append(name)
    by_module: dict[str, list[str]] = defaultdict(list)
    for place, bound in wanted.items():
        module, _, member = place.rpartition(".")
        by_module[module] += [name if name == member else f"{member} as {name}" for name in bound]
    ordered = sorted(by_module, key=lambda module: (module.startswith("tradai."), module))
    return [line for module in ordered for line in _import(module, sorted(by_module[module]))]


def _import(module: str, names: list[str]) -> Iterator[str]:
    if not module:
        yield from (f">>> import {name}" for name in names)
        return
    line = f">>> from {module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield f">>> from {module} import ("
    yield from (f"...     {name}," for name in names)
    yield "... )"


def _names_defined_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
