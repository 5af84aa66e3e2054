"""Fill order types that a configuration or a strategy class leaves open.

The engine takes a table with four keys or more, and refuses any other.
"""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

# Of the engine's base class (freqtrade 2026.9).
DEFAULTS: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "limit",
        "stoploss_on_exchange": False,
        "stoploss_on_exchange_interval": 60,
    }
)
# All keys that the engine's table may have.
ORDERS: Final = (
    "emergency_exit",
    "entry",
    "exit",
    "force_entry",
    "force_exit",
    "stoploss",
    "stoploss_on_exchange",
    "stoploss_on_exchange_interval",
    "stoploss_on_exchange_limit_ratio",
    "stoploss_price_type",
)
# Names that the engine still takes for some of them.
OLD_ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "buy": "entry",
        "sell": "exit",
        **{f"emergency{side}": "emergency_exit" for side in ("sell", "exit")},
        **{f"force{side}": "force_exit" for side in ("sell", "exit")},
        **{f"force{side}": "force_entry" for side in ("buy", "entry")},
    }
)
# Numbers among them: the largest, and the sentence on what is meant; the smallest is 0.
_NUMBERS: Final[Mapping[str, tuple[float, str]]] = MappingProxyType(
    {
        "stoploss_on_exchange_interval": (math.inf, "0 or more seconds"),
        "stoploss_on_exchange_limit_ratio": (1, "a ratio from 0 to 1, such as 0.99"),
    }
)
_REQUIRED: Final = frozenset({"entry", "exit", "stoploss", "stoploss_on_exchange"})
_NAME: Final = "order_types"


def filled_order_types(
    given: Mapping[str, JsonValue] | None, facts: SourceFacts, *, must_be_known: bool
) -> Mapping[str, object] | None:
    """Return the order types to give to the engine; None leaves them to the class.

    A table with all that the engine needs stays as it is. Keys that a shorter one leaves open come
    from the class, then from the engine's defaults.

    Args:
        given: The table of the configuration; None when it has none.
        facts: The strategy.
        must_be_known: Whether they may not be left to a class that computes them.

    Raises:
        ConfigurationError: They are needed, and only running the class could show them.
    """
    if given is not None and given.keys() >= _REQUIRED:
        return given
    if not _is_readable(facts):
        if given is not None or must_be_known:
            raise _computed(given, facts)
        return None
    own = facts.constants.get(_NAME, {})
    of_class = _with_present_names(own) if isinstance(own, Mapping) else {}
    if given is None and (_NAME not in facts.constants or of_class.keys() >= _REQUIRED):
        return None
    return {**DEFAULTS, **of_class, **(given or {})}


def class_order_types(
    given: Mapping[str, JsonValue] | None, facts: SourceFacts
) -> dict[str, JsonValue]:
    """Return the order types that the class decides beside the `given` ones of a configuration.

    Those that only running the class could show are left out, and so are keys that the engine
    does not have, which it ignores there.
    """
    own = facts.constants.get(_NAME)
    if (given is not None and given.keys() >= _REQUIRED) or not _is_readable(facts):
        return {}
    left = _with_present_names(own) if isinstance(own, Mapping) else {}
    return {
        name: value if isinstance(value, str | bool | int | float) else str(value)
        for name, value in left.items()
        if name in ORDERS and name not in (given or {})
    }


def order_type_problems(table: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Yield the order types whose number makes no sense, whatever the schema of the engine says."""
    for name, (most, meant) in _NUMBERS.items():
        value = table.get(name)
        if isinstance(value, int | float | Decimal) and not 0 <= value <= most:
            yield f"{_NAME}.{name}", f"is {value}: write {meant}"


def filling_notice(given: Mapping[str, JsonValue] | None, facts: SourceFacts) -> str | None:
    """Return a sentence on what a part of the order types was filled to; None when it is whole.

    A key that the engine does not have is left out: it is refused elsewhere.

    Raises:
        ConfigurationError: As `filled_order_types`.
    """
    filled = filled_order_types(given, facts, must_be_known=False)
    if filled is None or filled is given:
        return None
    place = f"{_NAME} of class {facts.class_name}" if given is None else f"execution.{_NAME}"
    shown = ", ".join(f"{name}: {_text(value)}" for name, value in filled.items() if name in ORDERS)
    return f"{place} lacks some order types, so the engine gets {shown}"


def _with_present_names(table: Mapping[str, object]) -> Mapping[str, object]:
    """Return `table` as the engine reads it; one with both names of a key is left to it."""
    named = {OLD_ORDERS.get(name, name): value for name, value in table.items()}
    return named if len(named) == len(table) else table


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_readable(facts: SourceFacts) -> bool:
    if _NAME in facts.assigned:
        return False
    if _NAME in facts.constants:
        return isinstance(facts.constants[_NAME], Mapping)
    return _NAME not in facts.names and facts.is_resolved


def _computed(given: Mapping[str, JsonValue] | None, facts: SourceFacts) -> ConfigurationError:
    needed = sorted(_REQUIRED - (given or {}).keys())
    problem = (
        f"execution.{_NAME} leaves {', '.join(needed)} to class {facts.class_name}, and only "
        f"running it would show its {_NAME}: write them to execution.{_NAME}"
    )
    return ConfigurationError(problem, key=f"execution.{_NAME}.{needed[0]}", source=str(facts.file))
