"""Read the syntax of a strategy class and its base classes.

Nothing is imported or executed, so a strategy can be inspected before it is trusted. Facts that
only running the code could give are left open, and marked as open.
"""

import ast
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, final

from tradai.entrypoint.freqtrade._strategy.constants import (
    ConstantReader,
    Scope,
    UnreadableError,
)
from tradai.entrypoint.freqtrade._strategy.parameters import (
    PARAMETER_KINDS,
    DeclaredParameter,
    declared_parameter,
)
from tradai.entrypoint.freqtrade._strategy.python_module import (
    PythonModule,
    assignment,
    bound_names,
    is_generator,
)

_ENGINE_BASE: Final = "IStrategy"
_ENGINE_STARTUP_CANDLES: Final = 0
_INFORMATIVE: Final = ("timeframe", "asset")
_PLAIN_VALUES: Final = (ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.UnaryOp)


@final
@dataclass(frozen=True, slots=True, order=True)
class Informative:
    """Candles that an ``@informative`` method reads; an empty `asset` is the traded pair."""

    timeframe: str
    asset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFacts:
    """Facts about a strategy class.

    Attributes:
        is_strategy: Whether the engine's base class is among its bases.
        is_resolved: Whether all its bases were read and it does not make parameters at run time,
            so that `declared` and `opaque` name every hyper-parameter there can be.
        startup_candles: Candles it needs before the first one it trades on; None when open.
        declared: Hyper-parameters by name.
        opaque: Attributes whose value is open, and which could be hyper-parameters.
        informative: Further candles its ``@informative`` methods read.
        open_informative: ``file.py:12`` of each ``@informative`` that only running could explain.
        names: All names that the bodies of the class and its bases set, methods included.
        constants: Values of those that can be read.
        assigned: Attributes that a method sets.
        deferred: Place of each method that returns before its body runs (a coroutine or a
            generator), by name.
    """

    is_strategy: bool = True
    is_resolved: bool
    startup_candles: int | None
    declared: Mapping[str, DeclaredParameter]
    opaque: frozenset[str]
    informative: tuple[Informative, ...]
    open_informative: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    constants: Mapping[str, object] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()
    deferred: Mapping[str, str] = field(default_factory=dict)


def read_class(name: str, module: PythonModule, others: Mapping[str, PythonModule]) -> ClassFacts:
    """Return the facts about the class `name` of `module`.

    Args:
        name: A key of ``module.classes``.
        module: The file the class is in.
        others: Files its base classes and constants may be in, by import name.
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
    # The first class of the lineage to set a name wins.
    values: dict[str, ast.expr | None] = field(default_factory=dict)
    constants: dict[str, object] = field(default_factory=dict)
    declared: dict[str, DeclaredParameter] = field(default_factory=dict)
    informative: set[Informative] = field(default_factory=set)
    open_informative: list[str] = field(default_factory=list)
    assigned: set[str] = field(default_factory=set)
    deferred: dict[str, str] = field(default_factory=dict)

    def read(self, module: PythonModule, node: ast.ClassDef) -> None:
        self.seen.add(f"{module.name}.{node.name}")
        if node.keywords or node.decorator_list:
            self.is_resolved = False
        # In one body the last value of a name wins.
        own: dict[str, ast.expr | None] = {}
        for statement in node.body:
            self._read_statement(module, statement, own)
        for name, value in own.items():
            self._read_value(module, name, value, own)
        self.values = own | self.values
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
            open_informative=tuple(self.open_informative),
            names=frozenset(self.values),
            constants=MappingProxyType(self.constants),
            assigned=frozenset(self.assigned),
            deferred=MappingProxyType(self.deferred),
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

    def _read_statement(
        self, module: PythonModule, statement: ast.stmt, own: dict[str, ast.expr | None]
    ) -> None:
        if (assigned := assignment(statement)) is not None:
            own[assigned[0]] = assigned[1]
            return
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._read_method(module, statement, own)
                own[statement.name] = None
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.ClassDef() | ast.AnnAssign():
                pass
            case _:
                self.is_resolved = False
                own |= dict.fromkeys(bound_names([statement]))

    def _read_value(
        self, module: PythonModule, name: str, value: ast.expr | None, own: Scope
    ) -> None:
        if value is None or name in self.values:
            return
        if isinstance(value, ast.Call) and (kind := _parameter_kind(module, value)):
            self.declared[name] = declared_parameter(name, value, kind=kind)
            return
        with contextlib.suppress(UnreadableError):
            self.constants[name] = ConstantReader(self.others).value(value, module, own)

    def _read_method(
        self,
        module: PythonModule,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        own: Scope,
    ) -> None:
        if node.name in self.values:
            return
        if isinstance(node, ast.AsyncFunctionDef) or is_generator(node):
            self.deferred[node.name] = module.line(node.lineno)
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and _last_name(module, call.func) == "informative":
                self._read_informative(module, call, own)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and _parameter_kind(module, inner):
                self.is_resolved = False
            match inner:
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                    self.assigned.add(name)

    def _read_informative(self, module: PythonModule, call: ast.Call, own: Scope) -> None:
        given = dict(zip(_INFORMATIVE, call.args, strict=False))
        given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
        reader = ConstantReader(self.others)
        # Other arguments, such as the function that formats names, need not be read.
        known = {name: given[name] for name in (*_INFORMATIVE, "") if name in given}
        try:
            values = {name: reader.value(each, module, own) for name, each in known.items()}
        except UnreadableError:
            values = {}
        timeframe, asset = values.get("timeframe"), values.get("asset", "")
        if isinstance(timeframe, str) and isinstance(asset, str):
            self.informative.add(Informative(timeframe, asset))
        else:
            self.open_informative.append(module.place(call))

    def _startup_candles(self) -> int | None:
        if "startup_candle_count" not in self.values:
            return _ENGINE_STARTUP_CANDLES if self.is_resolved else None
        count = self.constants.get("startup_candle_count")
        return count if isinstance(count, int) else None


def _parameter_kind(module: PythonModule, call: ast.Call) -> str | None:
    kind = _last_name(module, call.func)
    return kind if kind in PARAMETER_KINDS else None


def _last_name(module: PythonModule, node: ast.expr) -> str:
    return module.full_name(node).rpartition(".")[2]


def _is_opaque(value: ast.expr | None) -> bool:
    return value is not None and not isinstance(value, _PLAIN_VALUES)
