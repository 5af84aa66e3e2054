"""Read the syntax of a strategy class and its base classes.

Nothing is imported or executed, so a strategy can be inspected before it is trusted. Facts that
only running the code could give are left open, and marked as open.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self, final

from tradai.entrypoint.freqtrade._strategy.parameters import (
    PARAMETER_KINDS,
    DeclaredParameter,
    declared_parameter,
    literal,
)

_ENGINE_BASE: Final = "IStrategy"
_ENGINE_STARTUP_CANDLES: Final = 0
_PLAIN_VALUES: Final = (ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.UnaryOp)


@final
@dataclass(frozen=True, slots=True, order=True)
class Informative:
    """Candles that an ``@informative`` method reads; an empty `asset` is the traded pair."""

    timeframe: str
    asset: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFacts:
    """Facts about a strategy class.

    Attributes:
        is_strategy: Whether the engine's base class is among its bases.
        is_resolved: Whether all its bases were read and it does not make parameters at run time.
        startup_candles: Candles it needs before the first one it trades on; None when open.
        declared: Hyper-parameters by name.
        opaque: Attributes whose value is open, and which could be hyper-parameters.
        informative: Further candles its ``@informative`` methods read.
        may_set_stake: Whether it has its own rule for the size of a trade, or may inherit one.
    """

    is_strategy: bool
    is_resolved: bool
    startup_candles: int | None
    declared: Mapping[str, DeclaredParameter]
    opaque: frozenset[str]
    informative: tuple[Informative, ...]
    may_set_stake: bool


@final
class PythonModule:
    """The top-level classes and imports of one Python file."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        """Read `tree`, the syntax of the file that Python imports as `name`."""
        self.name = name
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self._imports = dict(_imported_names(tree))

    @classmethod
    def parse(cls, data: bytes, file: Path) -> Self:
        """Read `data`, the bytes of `file` (relative to the folder Python imports from).

        Raises:
            SyntaxError, ValueError: It is not Python.
        """
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(data, filename=file.name)
        return cls(".".join(file.with_suffix("").parts), tree)

    def full_name(self, node: ast.expr) -> str:
        """Return the dotted name `node` refers to; empty when it is not a plain name."""
        if isinstance(node, ast.Name):
            local = f"{self.name}.{node.id}" if node.id in self.classes else node.id
            return self._imports.get(node.id, local)
        if isinstance(node, ast.Attribute):
            return f"{self.full_name(node.value)}.{node.attr}"
        return ""


def read_class(name: str, module: PythonModule, others: Mapping[str, PythonModule]) -> ClassFacts:
    """Return the facts about the class `name` of `module`.

    Args:
        name: A key of ``module.classes``.
        module: The file the class is in.
        others: Files its base classes may be in, by import name.
    """
    reader = _ClassReader(others={**others, module.name: module})
    reader.read(module, module.classes[name])
    return reader.facts()


@dataclass(slots=True, kw_only=True)
class _ClassReader:
    others: Mapping[str, PythonModule]
    is_strategy: bool = False
    is_resolved: bool = True
    seen: set[str] = field(default_factory=set)
    values: dict[str, ast.expr | None] = field(default_factory=dict)
    declared: dict[str, DeclaredParameter] = field(default_factory=dict)
    informative: set[Informative] = field(default_factory=set)

    def read(self, module: PythonModule, node: ast.ClassDef) -> None:
        self.seen.add(f"{module.name}.{node.name}")
        if node.keywords or node.decorator_list:
            self.is_resolved = False
        for statement in node.body:
            self._read_statement(module, statement)
        for base in node.bases:
            self._read_base(module.full_name(base))

    def facts(self) -> ClassFacts:
        return ClassFacts(
            is_strategy=self.is_strategy,
            is_resolved=self.is_resolved,
            startup_candles=self._startup_candles(),
            declared=MappingProxyType(self.declared),
            opaque=frozenset(name for name, value in self.values.items() if _is_opaque(value))
            - self.declared.keys(),
            informative=tuple(sorted(self.informative)),
            may_set_stake=not self.is_resolved or "custom_stake_amount" in self.values,
        )

    def _read_base(self, base: str) -> None:
        if base.rpartition(".")[2] == _ENGINE_BASE:
            self.is_strategy = True
            return
        module_name, _, name = base.rpartition(".")
        module = self.others.get(module_name)
        if module is None or name not in module.classes:
            self.is_resolved = False
        elif base not in self.seen:
            self.read(module, module.classes[name])

    def _read_statement(self, module: PythonModule, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._read_value(module, name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                self._read_value(module, name, value)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._read_method(module, statement)
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.ClassDef():
                pass
            case _:
                self.is_resolved = False

    def _read_value(self, module: PythonModule, name: str, value: ast.expr | None) -> None:
        # The first class of the lineage to set a name wins; a bare annotation sets none.
        if value is None or name in self.values:
            return
        self.values[name] = value
        if isinstance(value, ast.Call) and (kind := _parameter_kind(module, value)):
            self.declared[name] = declared_parameter(name, value, kind=kind)

    def _read_method(
        self, module: PythonModule, node: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> None:
        if node.name in self.values:
            return
        self.values[node.name] = None
        self.informative.update(_informative(module, node.decorator_list))
        calls = (call for call in ast.walk(node) if isinstance(call, ast.Call))
        if any(_parameter_kind(module, call) for call in calls):
            self.is_resolved = False

    def _startup_candles(self) -> int | None:
        if "startup_candle_count" not in self.values:
            return _ENGINE_STARTUP_CANDLES if self.is_resolved else None
        count = literal(self.values["startup_candle_count"])
        return count if isinstance(count, int) else None


def _imported_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else _first_part(alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _first_part(name: str) -> tuple[str, str]:
    first = name.partition(".")[0]
    return first, first


def _parameter_kind(module: PythonModule, call: ast.Call) -> str | None:
    kind = module.full_name(call.func).rpartition(".")[2]
    return kind if kind in PARAMETER_KINDS else None


def _informative(module: PythonModule, decorators: list[ast.expr]) -> Iterator[Informative]:
    for call in decorators:
        if not isinstance(call, ast.Call):
            continue
        if module.full_name(call.func).rpartition(".")[2] != "informative":
            continue
        named = {keyword.arg: literal(keyword.value) for keyword in call.keywords}
        values = [literal(argument) for argument in call.args]
        given = dict(zip(("timeframe", "asset"), values, strict=False)) | named
        timeframe, asset = given.get("timeframe"), given.get("asset", "")
        if isinstance(timeframe, str) and isinstance(asset, str):
            yield Informative(timeframe, asset)


def _is_opaque(value: ast.expr | None) -> bool:
    return value is not None and not isinstance(value, _PLAIN_VALUES)
