"""Read the classes, imports and constants of one Python file without running it."""

import ast
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, Self, final

_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@final
class PythonModule:
    """The top-level classes, imports and constants of one Python file.

    Attributes:
        name: Name that Python imports the file as.
        data: Its text.
        tree: Its syntax.
        classes: Classes by name.
        star_imports: Modules of which all names are imported.
    """

    def __init__(
        self, name: str, data: bytes, tree: ast.Module, *, is_package: bool = False
    ) -> None:
        """Read `tree`, the syntax of `data`, the file that Python imports as `name`.

        Args:
            name: Import name.
            data: Text of the file.
            tree: Its syntax.
            is_package: Whether it is the ``__init__.py`` of a package, rather than in one.
        """
        self.name = name
        self.tree = tree
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self.data = data
        self._package = name if is_package else name.rpartition(".")[0]
        self._path = name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
        self.star_imports = tuple(self._star_imports())
        self._imports = dict(self._imported_names())

    @classmethod
    def parse(cls, data: bytes, file: Path) -> Self:
        """Read `data`, the bytes of `file` (relative to the folder Python imports from).

        Raises:
            SyntaxError, ValueError: It is not Python.
        """
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(data, filename=file.name)
        parts = file.with_suffix("").parts
        is_package = len(parts) > 1 and parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        return cls(name, data, tree, is_package=is_package)

    @cached_property
    def constants(self) -> Mapping[str, ast.expr]:
        """The names that the file binds once, each to the value of a plain assignment."""
        bound = list(bound_names(self.tree.body))
        if self.mentions([b"global"]):
            for node in ast.walk(self.tree):
                if isinstance(node, ast.Global):
                    bound += node.names * 2
        assigned = dict(filter(None, map(assignment, self.tree.body)))
        return {name: value for name, value in assigned.items() if bound.count(name) == 1}

    @cached_property
    def imported(self) -> frozenset[str]:
        """The modules that an import anywhere in the file may mean."""
        return frozenset(self._imported_modules())

    @cached_property
    def needed(self) -> Mapping[str, int]:
        """The modules that must be there for an import of the file, each with its first line.

        An import in a ``try``, an ``if`` or a function may be one that the file can do without.
        """
        lines: dict[str, int] = {}
        for node in self.tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    lines.setdefault(alias.name, node.lineno)
            elif isinstance(node, ast.ImportFrom) and (home := self._home(node)):
                for name in (home, *(_dotted(home, alias.name) for alias in node.names)):
                    lines.setdefault(name, node.lineno)
        return lines

    def inner_class(self, name: str) -> ast.ClassDef | None:
        """Return the class `name` that is not at the top level, if any."""
        if not self.mentions([name.encode()]):
            return None
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))
        return next((node for node in nodes if node.name == name), None)

    def mentions(self, words: Collection[bytes]) -> bool:
        """Tell whether the text has one of `words`: a walk through the syntax takes longer."""
        return any(word in self.data for word in words)

    def place(self, node: ast.expr) -> str:
        """Return file and line of `node`."""
        return self.line(node.lineno)

    def line(self, number: int) -> str:
        """Return the file and the line `number`, as ``file.py:12``."""
        return f"{self._path}:{number}"

    def full_name(self, node: ast.expr) -> str:
        """Return the dotted name `node` refers to; empty when it is not a plain name."""
        if isinstance(node, ast.Name):
            is_own = node.id in self.classes or node.id in self.constants
            local = f"{self.name}.{node.id}" if is_own else node.id
            return self._imports.get(node.id, local)
        if isinstance(node, ast.Attribute):
            return f"{self.full_name(node.value)}.{node.attr}"
        return ""

    def _home(self, node: ast.ImportFrom) -> str:
        """Return the module that `node` imports from; in a package its name may be relative."""
        if not node.level:
            return node.module or ""
        packages = self._package.split(".")
        return _dotted(*packages[: len(packages) + 1 - node.level], node.module)

    def _star_imports(self) -> Iterator[str]:
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                yield self._home(node)

    def _imported_modules(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                home = self._home(node)
                yield from (home, *(_dotted(home, alias.name) for alias in node.names))

    def _imported_names(self) -> Iterator[tuple[str, str]]:
        for node in self.tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield (alias.asname, alias.name) if alias.asname else _first_part(alias.name)
            elif isinstance(node, ast.ImportFrom):
                home = self._home(node)
                for alias in node.names:
                    yield alias.asname or alias.name, _dotted(home, alias.name)


def reachable(module: PythonModule, others: Mapping[str, PythonModule]) -> list[PythonModule]:
    """Return `module` and those of `others` that it imports, directly or not."""
    found = {module.name: module}
    waiting = [module]
    while waiting:
        for name in sorted(waiting.pop().imported & others.keys() - found.keys()):
            found[name] = others[name]
            waiting.append(others[name])
    return list(found.values())


def needed_from_outside(module: PythonModule, others: Mapping[str, PythonModule]) -> dict[str, str]:
    """Return the top-level modules, besides `others`, that an import of `module` needs.

    Returns:
        The first place of each that imports it, by name.
    """
    own = {name.partition(".")[0] for name in others}
    found = {module.name: module}
    waiting = [module]
    places: dict[str, str] = {}
    while waiting:
        each = waiting.pop()
        for name, line in each.needed.items():
            first = name.partition(".")[0]
            if first not in own:
                places.setdefault(first, each.line(line))
            elif name in others and name not in found:
                found[name] = others[name]
                waiting.append(others[name])
    return places


def mentioning(
    module: PythonModule, others: Mapping[str, PythonModule], words: Collection[bytes]
) -> list[PythonModule]:
    """Return those `reachable` whose text has one of `words`."""
    # Most sources have none, and finding the reachable ones of many takes time.
    if not any(each.mentions(words) for each in (module, *others.values())):
        return []
    return [each for each in reachable(module, others) if each.mentions(words)]


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield `nodes` and the nodes in them; functions and classes are not entered."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def bound_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield each name that `nodes` bind, once for each time; functions are not entered."""
    for node in own_nodes(nodes):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            yield node.name
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def is_generator(function: ast.FunctionDef) -> bool:
    """Tell whether a call of `function` makes a generator; functions in it are not entered."""
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own_nodes(function.body))


def assignment(statement: ast.stmt) -> tuple[str, ast.expr] | None:
    """Return name and value of a plain assignment to one name; None for another statement."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return name, value
    return None


def _dotted(*names: str | None) -> str:
    return ".".join(filter(None, names))


def _first_part(name: str) -> tuple[str, str]:
    first = name.partition(".")[0]
    return first, first
