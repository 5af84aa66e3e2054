"""Settings that Freqtrade has renamed, and still takes by their old names."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import has_path, set_path, take_path
from tradai.entrypoint.freqtrade._new_folder.moved_key import MovedKey
from tradai.entrypoint.freqtrade._strategy.order_types import OLD_ORDERS

_SIDES: Final = {"buy": "entry", "sell": "exit"}
_MESSAGES: Final = {
    f"{old}{end}": f"{new}{end}" for old, new in _SIDES.items() for end in ("", "_fill", "_cancel")
}
_WEBHOOK: Final = {
    f"webhook{word}{end}": f"{side}{suffix}"
    for side, words in (("entry", ("buy", "entry")), ("exit", ("sell", "exit")))
    for word in words
    for end, suffix in (("", ""), ("fill", "_fill"), ("cancel", "_cancel"))
}
_PRICING: Final = (
    ("bid_strategy", "entry_pricing", "ask_last_balance"),
    ("ask_strategy", "exit_pricing", "bid_last_balance"),
)
_SAME_PRICING: Final = (
    *("check_depth_of_market", "order_book_max", "order_book_min", "order_book_top"),
    *("price_side", "use_order_book"),
)
# The old path of each setting, and its present one.
OLD_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "forcebuy_enable": "force_entry_enable",
        "ignore_roi_if_buy_signal": "ignore_roi_if_entry_signal",
        "sell_profit_offset": "exit_profit_offset",
        "sell_profit_only": "exit_profit_only",
        "use_sell_signal": "use_exit_signal",
        "ask_strategy.ignore_buying_expired_candle_after": "ignore_buying_expired_candle_after",
        **{f"order_types.{old}": f"order_types.{new}" for old, new in OLD_ORDERS.items()},
        **{
            f"{block}.{old}": f"{block}.{new}"
            for block in ("order_time_in_force", "unfilledtimeout")
            for old, new in _SIDES.items()
        },
        **{
            f"telegram.notification_settings.{old}": f"telegram.notification_settings.{new}"
            for old, new in _MESSAGES.items()
        },
        **{f"webhook.{old}": f"webhook.{new}" for old, new in _WEBHOOK.items()},
        **{f"{old}.{last}": f"{new}.price_last_balance" for old, new, last in _PRICING},
        **{f"{old}.{name}": f"{new}.{name}" for old, new, _ in _PRICING for name in _SAME_PRICING},
    }
)


def with_present_names(
    config: Mapping[str, JsonValue],
) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Return `config` with the present names of its settings, and the renamed paths: old to new.

    Raises:
        ConfigurationError: A setting has two names, which Freqtrade refuses, too, or its present
            name is in a block whose place another value has.
    """
    named = deepcopy(dict(config))
    renamed: dict[str, str] = {}
    for old, new in OLD_NAMES.items():
        if not has_path(named, old):
            continue
        _check_place(named, old, new, renamed)
        set_path(named, new, take_path(named, old))
        renamed[old] = new
    return named, renamed


def _check_place(
    named: Mapping[str, JsonValue], old: str, new: str, renamed: Mapping[str, str]
) -> None:
    others = [other for other, place in renamed.items() if place == new]
    if others:
        message = f"{others[0]} and {old} are both old names of {new}: leave one"
        raise ConfigurationError(message, key=old)
    if has_path(named, new):
        message = f"{old} and {new} are one setting, the first by its old name: leave one"
        raise ConfigurationError(message, key=old)
    block = new.partition(".")[0]
    if block != new and not isinstance(named.get(block, {}), Mapping):
        message = f"{old} is {new} now, and {block} is not a block: write one there"
        raise ConfigurationError(message, key=block)


def with_old_names(keys: Sequence[MovedKey], renamed: Mapping[str, str]) -> list[MovedKey]:
    """Return `keys` under the names that the file has, each with its present name in the note."""
    olds = {new: old for old, new in renamed.items()}
    return [_with_old_name(moved, olds) for moved in keys]


def _with_old_name(moved: MovedKey, olds: Mapping[str, str]) -> MovedKey:
    inner = {new: old for new, old in olds.items() if new.startswith(f"{moved.key}.")}
    names = [f"{_last(old)} is {_last(new)} now" for new, old in inner.items()]
    old = olds.get(moved.key)
    if old is not None:
        names = [f"is {moved.key} now"]
    note = "; ".join(filter(None, [*names, moved.note]))
    return replace(moved, key=old or moved.key, note=note)


def _last(path: str) -> str:
    return path.rpartition(".")[2]
