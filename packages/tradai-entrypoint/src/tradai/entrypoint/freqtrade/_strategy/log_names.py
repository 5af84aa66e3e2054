"""Names of the logging module and of loggers, followed through the imports of one Python file."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, final

from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule

_ASKED_FOR: Final = "logging.getLogger"
_STAR: Final = frozenset({"disable", "getLogger", "root"})
_LOADERS: Final = frozenset({"__import__", "importlib.import_module"})
_NAMED: Final = 2


@final
class LogNames:
    """Meanings of the names of a file, by its imports, in functions too, and plain assignments.

    A name that is bound several times means each of its values.
    """

    def __init__(self, module: PythonModule) -> None:
        """Read the bindings of `module`."""
        self._imports: dict[str, set[str]] = defaultdict(set)
        self._values: dict[str, list[ast.expr]] = defaultdict(list)
        for node in ast.walk(module.tree):
            self._bind(node)
        if "logging" in module.star_imports:
            for name in _STAR:
                self._imports[name].add(f"logging.{name}")
        if not (self._imports["logging"] or self._values["logging"]):
            # Another file may bring it, as by `from helpers import *`.
            self._imports["logging"].add("logging")

    def meanings(self, node: ast.expr) -> frozenset[str]:
        """Return the dotted names that `node` may stand for; empty when it is not known.

        A logger is ``logging.getLogger:`` and its name.
        """
        return frozenset(self._meanings(node, frozenset()))

    def logger_names(self, node: ast.expr) -> frozenset[str]:
        """Return the names of the loggers that `node` may stand for."""
        return frozenset(_logger_name(each) for each in self.meanings(node)) - {""}

    def _bind(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    first = alias.name.partition(".")[0]
                    self._imports[alias.asname or first].add(alias.name if alias.asname else first)
            case ast.ImportFrom(module=str(home), names=aliases, level=0):
                for alias in aliases:
                    self._imports[alias.asname or alias.name].add(f"{home}.{alias.name}")
        for target, value in _assigned_values(node):
            self._assign(target, value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._values[target.id].append(value)
        elif isinstance(target, ast.Attribute) and _is_self(target.value):
            self._values[f"self.{target.attr}"].append(value)

    def _meanings(self, node: ast.expr, seen: frozenset[str]) -> Iterator[str]:
        match node:
            case ast.Name(id=name):
                yield from self._imports.get(name, ())
                yield from self._assigned(name, seen)
            case ast.Attribute(value=value, attr=attr):
                if _is_self(value):
                    yield from self._assigned(f"self.{attr}", seen)
                yield from (f"{each}.{attr}" for each in self._meanings(value, seen))
            case ast.Call(func=function, args=arguments):
                yield from self._returned(function, arguments, seen)

    def _assigned(self, name: str, seen: frozenset[str]) -> Iterator[str]:
        if name not in seen:
            for value in self._values.get(name, ()):
                yield from self._meanings(value, seen | {name})

    def _returned(
        self, function: ast.expr, arguments: list[ast.expr], seen: frozenset[str]
    ) -> Iterator[str]:
        """Yield what a call returns that asks for a logger, a module or an attribute."""
        if isinstance(function, ast.Name) and function.id == "getattr" and len(arguments) >= _NAMED:
            for each in self._meanings(arguments[0], seen):
                yield from (f"{each}.{name}" for name in self._texts(arguments[1], seen))
            return
        called = set(self._meanings(function, seen))
        if _ASKED_FOR in called:
            names = self._texts(arguments[0], seen) if arguments else ()
            yield from (f"{_ASKED_FOR}:{name}" for name in names)
        is_loader = isinstance(function, ast.Name) and function.id in _LOADERS
        if arguments and (is_loader or called & _LOADERS):
            yield from self._texts(arguments[0], seen)

    def _texts(self, node: ast.expr, seen: frozenset[str]) -> Iterator[str]:
        """Yield the texts that `node` may be."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Name(id=name) if name not in seen:
                for value in self._values.get(name, ()):
                    yield from self._texts(value, seen | {name})


def _assigned_values(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target that `node` assigns to, with its value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value) for target in targets)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
        ):
            yield target, value
        case ast.For(target=target, iter=ast.Tuple(elts=items) | ast.List(elts=items)):
            yield from ((target, item) for item in items)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _logger_name(meaning: str) -> str:
    """Return the name of the logger that `meaning` is; the engine's modules have a `logger`."""
    home, _, name = meaning.rpartition(".")
    if name == "logger" and home.startswith("freqtrade."):
        return home
    asked_for, _, name = meaning.partition(":")
    return name if asked_for == _ASKED_FOR else ""
