"""Find names that are close to one of the engine's strategy interface, and that nothing uses.

The engine calls a callback and reads a column by its name alone: one that is misspelt is ignored
without an error. A name counts as misspelt only when it is one letter away, the right one is not
defined, and nothing in the source mentions it: public strategies have many methods of their own.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, reachable

# The names of freqtrade 2026.9 that a class may define; `docs/reference/strategy-interface.md`
# says what becomes of each.
_ATTRIBUTES: Final = """
    INTERFACE_VERSION can_short disable_dataframe_checks dp exit_profit_offset exit_profit_only
    ignore_buying_expired_candle_after ignore_roi_if_entry_signal market_direction
    max_entry_position_adjustment max_open_trades minimal_roi order_time_in_force order_types
    plot_config position_adjustment_enable process_only_new_candles protections stake_amount
    stake_currency startup_candle_count stoploss timeframe trailing_only_offset_is_reached
    trailing_stop trailing_stop_positive trailing_stop_positive_offset unfilledtimeout
    use_custom_roi use_custom_stoploss use_exit_signal wallets
"""
_CALLBACKS: Final = """
    adjust_entry_price adjust_exit_price adjust_order_price adjust_trade_position bot_loop_start
    bot_start check_buy_timeout check_entry_timeout check_exit_timeout check_sell_timeout
    confirm_trade_entry confirm_trade_exit custom_entry_price custom_exit custom_exit_price
    custom_roi custom_sell custom_stake_amount custom_stoploss feature_engineering_expand_all
    feature_engineering_expand_basic feature_engineering_standard informative_pairs leverage
    order_filled plot_annotations populate_any_indicators populate_buy_trend populate_entry_trend
    populate_exit_trend populate_indicators populate_sell_trend set_freqai_targets version
"""
INTERFACE: Final = frozenset((_ATTRIBUTES + _CALLBACKS).split())
SIGNALS: Final = frozenset(
    {"enter_long", "enter_short", "enter_tag", "exit_long", "exit_short", "exit_tag"}
)
# Columns of the interface before version 3; the engine renames `buy_tag` beside `buy`, and nothing
# else.
_FORMER: Final = {"buy_tag": "enter_tag", "sell_tag": "exit_tag"}
# Short names, and plain words that a strategy may well use for itself.
_COMMON: Final = frozenset({"dp", "leverage", "market_direction", "version", "wallets"})
_TEXT: Final = re.compile(rb"""['"]([a-z_]{7,12})['"]""")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Misspelling:
    """A name that the engine does not know.

    Attributes:
        place: Its first line, as ``wave.py:12``.
        name: The name.
        meant: The name of the engine that it is close to.
        kind: ``callback or attribute``, or ``signal column``.
    """

    place: str
    name: str
    meant: str
    kind: str

    def __str__(self) -> str:
        """Say that nothing uses it, and which name may be meant."""
        return (
            f"{self.place} sets {self.name}, a {self.kind} that neither the engine nor the "
            f"strategy uses; did you mean {self.meant!r}?"
        )


def misspellings(
    names: Collection[str], module: PythonModule, others: Mapping[str, PythonModule]
) -> Iterator[Misspelling]:
    """Yield the misspelt names of a strategy.

    Args:
        names: All names that the bodies of its class and base classes set.
        module: The file of the class.
        others: Files that it may import, by import name.
    """
    absent = INTERFACE - _COMMON - set(names)
    close = {name: meant for name in set(names) - INTERFACE if (meant := _meant(name, absent))}
    modules = reachable(module, others) if close else []
    for name, meant in sorted(close.items()):
        yield from _unused_name(name, meant, modules)
    yield from _unread_columns(module, others)


def _unused_name(name: str, meant: str, modules: Sequence[PythonModule]) -> Iterator[Misspelling]:
    definition = re.compile(
        rb"\bdef\s+%b\b|^[ \t]+%b[ \t]*(?::|=(?!=))" % ((name.encode(),) * 2), re.MULTILINE
    )
    mention = re.compile(rb"\b%b\b" % name.encode())
    defined = [(each, found) for each in modules for found in definition.finditer(each.data)]
    if defined and len(defined) == sum(len(mention.findall(each.data)) for each in modules):
        home, first = defined[0]
        place = home.line(home.data.count(b"\n", 0, first.end()) + 1)
        yield Misspelling(place=place, name=name, meant=meant, kind="callback or attribute")


def _unread_columns(
    module: PythonModule, others: Mapping[str, PythonModule]
) -> Iterator[Misspelling]:
    texts = {text for each in (module, *others.values()) for text in _TEXT.findall(each.data)}
    close = {name: meant for name in map(bytes.decode, texts) if (meant := _signal_meant(name))}
    if b"enter_long" not in texts:
        close.pop("buy_tag", None)
    modules = reachable(module, others) if close else []
    for name, meant in sorted(close.items()):
        places = [place for each in modules for place in _places_set(name, each)]
        if places and len(places) == sum(_mentions(name, each) for each in modules):
            yield Misspelling(place=places[0], name=name, meant=meant, kind="signal column")


def _mentions(name: str, module: PythonModule) -> int:
    nodes = ast.walk(module.tree)
    return sum(isinstance(node, ast.Constant) and node.value == name for node in nodes)


def _places_set(name: str, module: PythonModule) -> list[str]:
    """Return the places that assign to the column `name` of a table."""
    columns = (column for node in ast.walk(module.tree) for column in _columns_set(node))
    return [module.place(column) for column in columns if column.value == name]


def _columns_set(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the columns of a table that `node` assigns to."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Store):
        return
    columns = node.slice
    # After a comma, as in df.loc[rows, columns], or alone.
    if isinstance(columns, ast.Tuple) and columns.elts:
        columns = columns.elts[-1]
    for column in columns.elts if isinstance(columns, (ast.List, ast.Tuple)) else [columns]:
        if isinstance(column, ast.Constant):
            yield column


def _signal_meant(name: str) -> str | None:
    if name in SIGNALS:
        return None
    verb, _, rest = name.partition("_")
    same_verb = f"enter_{rest}" if verb == "entry" else name
    return same_verb if same_verb in SIGNALS else _FORMER.get(name) or _meant(name, SIGNALS)


def _meant(name: str, known: Collection[str]) -> str | None:
    """Return the one of `known` that is one letter away from `name`."""
    if name.startswith("_") or any(map(str.isdigit, name)):
        return None
    return next((each for each in sorted(known) if _is_one_letter_off(name.lower(), each)), None)


def _is_one_letter_off(left: str, right: str) -> bool:
    """Tell whether one letter more, less, other, or two swapped make `right` of `left`."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    left, right = left[start:], right[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )
