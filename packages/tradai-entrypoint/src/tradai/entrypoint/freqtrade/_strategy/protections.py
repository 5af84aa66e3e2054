"""Find options of protections that the engine does not know, and would replace by its defaults."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, final

from tradai.core import did_you_mean
from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, mentioning

_OF_EACH: Final = frozenset(
    {
        "lookback_period",
        "lookback_period_candles",
        "method",
        "stop_duration",
        "stop_duration_candles",
        "unlock_at",
    }
)
# Options of the engine's protections (freqtrade 2026.9); it has no others, and loads none.
PROTECTIONS: Final = {
    "CooldownPeriod": _OF_EACH,
    "LowProfitPairs": _OF_EACH | {"only_per_side", "required_profit", "trade_limit"},
    "MaxDrawdown": _OF_EACH | {"calculation_mode", "max_allowed_drawdown", "trade_limit"},
    "StoplossGuard": _OF_EACH
    | {"only_per_pair", "only_per_side", "required_profit", "trade_limit"},
}
_ALL: Final = frozenset().union(*PROTECTIONS.values())
_WORDS: Final = (b'"method"', b"'method'", *(name.encode() for name in PROTECTIONS))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedOption:
    """An option of a protection that has no effect on it.

    Attributes:
        place: Its line, as ``wave.py:12``.
        method: The protection.
        name: The option; ``method`` when there is no such protection.
    """

    place: str
    method: str
    name: str

    @property
    def is_of_another(self) -> bool:
        """Whether another protection has this option."""
        return self.name in _ALL and self.method in PROTECTIONS

    def __str__(self) -> str:
        """Say that it has no effect, and which one may be meant."""
        if self.method not in PROTECTIONS:
            hint = did_you_mean(self.method, PROTECTIONS) or f"; it has {', '.join(PROTECTIONS)}"
            return f"{self.place}: the engine has no protection {self.method}{hint}"
        if self.is_of_another:
            effect = f"has no effect on {self.method}"
            return f"{self.place}: {self.name} is an option of other protections, and {effect}"
        known = PROTECTIONS[self.method]
        hint = did_you_mean(self.name, known) or f"; it has {', '.join(sorted(known))}"
        return f"{self.place}: {self.name} is not an option of {self.method}{hint}"


def unused_options(
    module: PythonModule, others: Mapping[str, PythonModule]
) -> Iterator[UnusedOption]:
    """Yield each such option in `module` and in those of `others` that it imports."""
    for each in mentioning(module, others, _WORDS):
        for node in ast.walk(each.tree):
            yield from _unused_in(each, dict(_entries(node)))


def _unused_in(module: PythonModule, options: dict[str, ast.expr]) -> Iterator[UnusedOption]:
    written = options.get("method")
    method = getattr(written, "value", None)
    if written is None or not isinstance(method, str):
        return
    if method not in PROTECTIONS:
        # Other mappings may have a key of that name.
        if len(options) > 1 and options.keys() <= _ALL:
            yield UnusedOption(place=module.place(written), method=method, name="method")
        return
    for name, value in options.items():
        if name not in PROTECTIONS[method]:
            yield UnusedOption(place=module.place(value), method=method, name=name)


def _entries(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the keys and values of a mapping whose keys are written out."""
    match node:
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value
        case ast.Call(func=ast.Name(id="dict"), keywords=words):
            yield from ((word.arg, word.value) for word in words if word.arg)
