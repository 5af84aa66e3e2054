"""Evaluate constants of a strategy without running it: literals, names, simple arithmetic."""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, final

from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule

_LARGEST: Final = 10**9
_LONGEST: Final = 1_000
_DEEPEST: Final = 20
_MOST_STEPS: Final = 10_000
_UNARY: Final[Mapping[type, Callable[..., object]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_ARITHMETIC: Final[Mapping[type, Callable[..., object]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: Final[Mapping[str, Callable[..., object]]] = {
    function.__name__: function for function in (abs, float, int, len, max, min, round, str, sum)
}

Scope: TypeAlias = Mapping[str, ast.expr | None]


@final
class UnreadableError(Exception):
    """The value is known only when the code runs."""


@final
class ConstantReader:
    """Evaluates expressions in the bodies of the classes of some Python files."""

    def __init__(self, modules: Mapping[str, PythonModule]) -> None:
        """Take the files that names may come from, by import name."""
        self._modules = modules
        self._depth = 0
        self._steps = 0

    def value(self, node: ast.expr | None, module: PythonModule, scope: Scope) -> object:
        """Return the value of `node` in `module`.

        Args:
            node: The expression.
            module: The file it is in.
            scope: Names of the class body around it; None stands for one that is not a constant.

        Raises:
            UnreadableError: Only running the code could give it.
        """
        self._steps = self._steps + 1 if self._depth else 0
        self._depth += 1
        try:
            if self._depth > _DEEPEST or self._steps > _MOST_STEPS:
                raise UnreadableError
            return self._value(node, module, scope)
        except (ArithmeticError, LookupError, TypeError, ValueError) as exc:
            raise UnreadableError from exc
        finally:
            self._depth -= 1

    def _value(self, node: ast.expr | None, module: PythonModule, scope: Scope) -> object:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name() | ast.Attribute():
                return self._named(node, module, scope)
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self.value(operand, module, scope))
            case ast.BinOp(left=left, op=op, right=right):
                values = (self.value(side, module, scope) for side in (left, right))
                return _computed(op, *values)
            case _:
                return self._composed(node, module, scope)

    def _composed(self, node: ast.expr | None, module: PythonModule, scope: Scope) -> object:
        def values_of(nodes: Iterable[ast.expr | None]) -> list[object]:
            return [self.value(each, module, scope) for each in nodes]

        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return values_of(items)
            case ast.Dict(keys=keys, values=items):
                return dict(zip(values_of(keys), values_of(items), strict=True))
            case ast.JoinedStr(values=parts):
                return "".join(map(str, values_of(parts)))
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return str(self.value(value, module, scope))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return _FUNCTIONS[name](*values_of(arguments))
            case _:
                raise UnreadableError

    def _named(self, node: ast.Name | ast.Attribute, module: PythonModule, scope: Scope) -> object:
        if isinstance(node, ast.Name) and node.id in scope:
            return self.value(scope[node.id], module, scope)
        full_name = module.full_name(node)
        for place in (full_name, *(f"{star}.{full_name}" for star in module.star_imports)):
            module_name, _, name = place.rpartition(".")
            home = self._modules.get(module_name)
            if home is not None and name in home.constants:
                return self.value(home.constants[name], home, {})
        raise UnreadableError


def _computed(op: ast.operator, left: object, right: object) -> object:
    is_text = isinstance(left, str) and isinstance(right, str) and isinstance(op, ast.Add)
    if not is_text:
        for value in (left, right):
            if not isinstance(value, (int, float)) or abs(value) > _LARGEST:
                raise UnreadableError
    value = _ARITHMETIC[type(op)](left, right)
    if isinstance(value, str) and len(value) > _LONGEST:
        raise UnreadableError
    return value
