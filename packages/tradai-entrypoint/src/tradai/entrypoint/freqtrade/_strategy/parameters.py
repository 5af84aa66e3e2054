"""Read the hyper-parameters that a strategy class declares, and check values against them.

The engine takes any value: out of range, of the wrong type, under an unknown name. Therefore the
values are checked before it starts. The class is read from its syntax and never run.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, final

_NUMERIC: Final = frozenset({"IntParameter", "RealParameter", "DecimalParameter"})
PARAMETER_KINDS: Final = _NUMERIC | {"CategoricalParameter", "BooleanParameter"}
# A parameter without `space=` belongs to the space its name starts with.
_NAMED_SPACES: Final = ("buy", "sell", "enter", "exit", "protection")
_DEFAULT_DECIMALS: Final = 3


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredParameter:
    """One declared hyper-parameter; None stands for a fact that only running the code could give.

    Attributes:
        kind: Name of the engine's class, such as ``IntParameter``.
        space: Parameter space, such as ``buy``.
        low: Smallest value, inclusive.
        high: Largest value, inclusive.
        decimals: Places the engine rounds the value to.
        options: All values that it can have.
        is_loaded: Whether the engine takes a value from outside.
        is_searched: Whether a hyperopt of its space searches it.
    """

    kind: str
    space: str | None = None
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    options: tuple[object, ...] | None = None
    is_loaded: bool = True
    is_searched: bool = True

    def problem_with(self, value: object) -> str | None:
        """Return the problem with `value`; None when there is none."""
        if not self.is_loaded:
            return "is declared with load=False, so the engine would ignore it"
        if self.kind in _NUMERIC:
            return self._number_problem(value)
        if self.options is None or any(_is_same(value, option) for option in self.options):
            return None
        return f"must be one of {', '.join(map(repr, self.options))}, not {value!r}"

    def _number_problem(self, value: object) -> str | None:
        number = _number(value)
        if number is None or (self.kind == "IntParameter" and isinstance(number, float)):
            expected = "a whole number" if self.kind == "IntParameter" else "a number"
            return f"must be {expected}, not {value!r}"
        if self.low is not None and number < self.low:
            return f"must be at least {self.low}, not {number}"
        if self.high is not None and number > self.high:
            return f"must be at most {self.high}, not {number}"
        if self.decimals is not None and _places(number) > self.decimals:
            return f"has more than {self.decimals} decimals, so the engine would round {number}"
        return None


def declared_parameter(name: str, call: ast.Call, *, kind: str) -> DeclaredParameter:
    """Return the parameter that `call`, of the engine's class `kind`, declares as `name`."""
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if len(given) < len(call.keywords):
        return DeclaredParameter(kind=kind)
    low, high = _bounds(call, given) if kind in _NUMERIC else (None, None)
    return DeclaredParameter(
        kind=kind,
        space=_space(name, given),
        low=low,
        high=high,
        decimals=_decimals(given) if kind == "DecimalParameter" else None,
        options=_options(call, given, kind=kind),
        is_loaded=literal(given.get("load")) is not False,
        is_searched=literal(given.get("optimize")) is not False,
    )


def literal(node: ast.expr | None) -> object:
    """Return the value of the literal `node`; None when it is not a literal."""
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None


def _space(name: str, given: Mapping[str, ast.expr]) -> str | None:
    if "space" in given:
        space = literal(given["space"])
        return space if isinstance(space, str) else None
    return next((space for space in _NAMED_SPACES if name.startswith(f"{space}_")), None)


def _bounds(call: ast.Call, given: Mapping[str, ast.expr]) -> tuple[float | None, float | None]:
    positional = [*call.args, None, None]
    low = literal(given.get("low", positional[0]))
    if isinstance(low, (list, tuple)) and len(low) == len(("low", "high")):
        return _number(low[0]), _number(low[1])
    return _number(low), _number(literal(given.get("high", positional[1])))


def _options(
    call: ast.Call, given: Mapping[str, ast.expr], *, kind: str
) -> tuple[object, ...] | None:
    if kind == "BooleanParameter":
        return (True, False)
    if kind != "CategoricalParameter":
        return None
    options = literal(given.get("categories", call.args[0] if call.args else None))
    return tuple(options) if isinstance(options, (list, tuple)) else None


def _decimals(given: Mapping[str, ast.expr]) -> int | None:
    if "decimals" not in given:
        return _DEFAULT_DECIMALS
    decimals = literal(given["decimals"])
    return decimals if isinstance(decimals, int) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _places(number: float) -> int:
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _is_same(value: object, option: object) -> bool:
    """Tell whether `value`, whose lists are tuples, is the `option` of a class."""
    if isinstance(value, (list, tuple)) and isinstance(option, (list, tuple)):
        return len(value) == len(option) and all(map(_is_same, value, option))
    if isinstance(value, Mapping) and isinstance(option, Mapping):
        return value.keys() == option.keys() and all(
            _is_same(item, option[key]) for key, item in value.items()
        )
    # To Python True equals 1; to the engine they are different options.
    return value == option and isinstance(value, bool) == isinstance(option, bool)
