"""Keys of Freqtrade's configuration whose fate depends on their value."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from tradai.core import JsonValue, Pair
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    DEFAULT_EXCHANGE,
    FUTURES_EXCHANGE,
    RECORDED_NAMES,
)
from tradai.entrypoint.freqtrade._new_folder.moved_key import KeyStatus, MovedKey

# The fate of a key, and its value at its place: none where it is not written.
Fate: TypeAlias = tuple[MovedKey, JsonValue]
Config: TypeAlias = Mapping[str, JsonValue]

_DEFAULT_STAKE: Final = "USDT"
# The name of each bot in Freqtrade's examples, and of one without a name.
_DEFAULT_BOT: Final = "freqtrade"
_PROVEN_FUTURES: Final = f"futures are proven on {DEFAULT_EXCHANGE} with margin_mode isolated alone"
# Name in ccxt of the exchange where it trades contracts alone, settled in dollars.
_FUTURES_NAME: Final = f"{DEFAULT_EXCHANGE}usdm"
_PAIR: Final = TypeAdapter[str](Pair)


def mapped(key: str, place: str, value: JsonValue, *, note: str = "") -> Fate:
    """Return that `key` has its place at `place`, with `value`."""
    return MovedKey(key=key, status=KeyStatus.MAPPED, place=place, note=note), value


def partial(key: str, place: str, value: JsonValue, note: str) -> Fate:
    """Return that a part of `key` has its place at `place`, with `value`; `note` has the rest."""
    return MovedKey(key=key, status=KeyStatus.PARTIAL, place=place, note=note), value


def unneeded(key: str, note: str, *, place: str = "") -> Fate:
    """Return that a run does the same without `key`."""
    return MovedKey(key=key, status=KeyStatus.UNNEEDED, place=place, note=note), None


def unsupported(key: str, note: str) -> Fate:
    """Return that `key` is not carried over, for the reason `note`."""
    return MovedKey(key=key, status=KeyStatus.UNSUPPORTED, note=note), None


def block_of(config: Config, name: str) -> Config:
    """Return the block `name`; an empty one where there is none."""
    block = config.get(name)
    return block if isinstance(block, dict) else {}


def _is_proven_futures(config: Config) -> bool:
    """Return whether `config` trades contracts in the only way that a run here does."""
    name = block_of(config, "exchange").get("name")
    modes = (config.get("trading_mode"), config.get("margin_mode"))
    return modes == ("futures", "isolated") and name in (DEFAULT_EXCHANGE, _FUTURES_NAME)


def _whitelist(key: str, value: JsonValue, config: Config) -> Fate:
    stake = config.get("stake_currency", _DEFAULT_STAKE)
    is_futures = _is_proven_futures(config)
    wanted = f"{stake}:{stake}" if is_futures else stake
    other = f"is not a contract settled in {stake}" if is_futures else f"is not bought with {stake}"
    blocked = list(_patterns(block_of(config, "exchange").get("pair_blacklist")))
    names = [str(name) for name in value] if isinstance(value, list) else []
    problems: dict[str, str] = {}
    for name in names:
        if not _is_pair(name):
            problems[name] = "is not the name of one pair: name each pair that it stands for"
        elif ":" in name and not is_futures:
            problems[name] = f"is a futures pair: {_PROVEN_FUTURES}"
        elif name.partition("/")[2] != wanted:
            problems[name] = other
        elif any(pattern.fullmatch(name) for pattern in blocked):
            problems[name] = "is on the blacklist"
    pairs: list[JsonValue] = [name for name in dict.fromkeys(names) if name not in problems]
    note = "; ".join(f"{name} {problem}" for name, problem in problems.items())
    if not pairs:
        return unsupported(key, f"no pair is left: write them to `pairs`; {note}".rstrip("; "))
    if note:
        return partial(key, "pairs", pairs, f"without: {note}")
    return mapped(key, "pairs", pairs)


def _is_pair(name: str) -> bool:
    try:
        return _PAIR.validate_python(name) == name
    except ValidationError:
        return False


def _patterns(value: JsonValue) -> Iterator[re.Pattern[str]]:
    for text in value if isinstance(value, list) else []:
        try:
            yield re.compile(str(text), re.IGNORECASE)
        except re.error:
            continue


def _blacklist(key: str, value: JsonValue, config: Config) -> Fate:
    names = value if isinstance(value, list) else []
    if len(list(_patterns(names))) < len(names):
        return unsupported(key, "one of its entries is not a regular expression")
    del config
    return unneeded(key, "the pairs that it names are left out of `pairs`", place="pairs")


def _exchange(key: str, value: JsonValue, config: Config) -> Fate:
    if _is_proven_futures(config):
        return mapped(
            key, "exchange", FUTURES_EXCHANGE, note=f"isolated futures of {DEFAULT_EXCHANGE}"
        )
    if value in RECORDED_NAMES:
        note = "in backtests only; `markets capture` fetches its market rules"
        return mapped(key, "exchange", value, note=note)
    note = "" if value == DEFAULT_EXCHANGE else "a run refuses it: it is not supported"
    moved, kept = mapped(key, "exchange", value, note=note)
    return (moved if not note else _refused(moved)), kept


def _refused(moved: MovedKey) -> MovedKey:
    """Return the same, as a key that is written although no run takes it."""
    return MovedKey(key=moved.key, status=KeyStatus.UNSUPPORTED, place=moved.place, note=moved.note)


def _trading_mode(key: str, value: JsonValue, config: Config) -> Fate:
    if _is_proven_futures(config):
        return unneeded(key, f"{FUTURES_EXCHANGE} trades isolated futures", place="exchange")
    if value in ("spot", "", None):
        return unneeded(key, "is the default")
    return unsupported(key, f"is {value}: {_PROVEN_FUTURES}")


def _futures_setting(key: str, value: JsonValue, config: Config) -> Fate:
    if _is_proven_futures(config):
        return mapped(key, f"engine.{key}", value)
    return unsupported(key, f"is a setting of futures: {_PROVEN_FUTURES}")


def _pairlists(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    lists = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    methods = [str(each.get("method")) for each in lists]
    others = [method for method in methods if method != "StaticPairList"]
    if others:
        note = f"{', '.join(others)}: a run trades the pairs that `pairs` names, and no others"
        return unsupported(key, note)
    return unneeded(key, "every run trades the pairs that `pairs` names")


def _wallet(key: str, value: JsonValue, config: Config) -> Fate:
    if not isinstance(value, dict):
        return mapped(key, "execution.starting_balance", value)
    stake = str(config.get("stake_currency", _DEFAULT_STAKE))
    place, others = "execution.starting_balance", ", ".join(name for name in value if name != stake)
    if stake not in value:
        return unsupported(key, f"a run starts with {stake} alone: set {place}")
    if others:
        return partial(
            key, place, value[stake], f"without {others}: a run starts with {stake} alone"
        )
    return mapped(key, place, value[stake])


def _whole(key: str, value: JsonValue, config: Config) -> Fate | None:
    del config
    if isinstance(value, float) and value.is_integer():
        return mapped(key, f"execution.{key}", int(value))
    return None


def _dry_run(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    mode = "dry-run" if value is not False else "live"
    moved, _ = mapped(key, f"--mode {mode}", None, note="the mode is an argument of `run`")
    return moved, None


def _depth(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    if isinstance(value, dict) and value.get("enabled"):
        if key.startswith("entry_pricing."):
            return mapped(key, f"execution.{key}", value)
        return unsupported(key, "the depth of the market is checked before an entry alone")
    return unneeded(key, "is off")


def _old_row(key: str, value: JsonValue, config: Config) -> Fate | None:
    pricing = block_of(config, "exit_pricing")
    rows = (pricing.get("order_book_min"), pricing.get("order_book_max"))
    if not pricing.get("use_order_book") or rows != (value, value):
        return None
    if key.endswith("max"):
        return unneeded(key, "order_book_min is the same row of the book")
    note = "is order_book_top now, the row of the book that is read"
    return mapped(key, "execution.exit_pricing.order_book_top", value, note=note)


def _throttle(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    return mapped(key, "execution.process_throttle_s", value)


def _cancel_on_exit(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    if value is True:
        return mapped(key, f"parameters.{key}", value, note="LIVE refuses it: its approval decides")
    return unneeded(key, "is the default")


def _force_entry(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    if value is True:
        return unsupported(key, "only the strategy opens positions")
    return unneeded(key, "only the strategy opens positions")


def _initial_state(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    if value == "running":
        return unneeded(key, "a dry-run starts at once")
    return unsupported(key, f"is {value}: a dry-run starts at once")


def _formats(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    if value in ("feather", "parquet"):
        return unneeded(key, "candles are found in feather and in Parquet")
    return unsupported(key, f"candles in {value} are not read: convert them to feather")


def _name(key: str, value: JsonValue, config: Config) -> Fate:
    del config
    if value in ("", _DEFAULT_BOT):
        default = "Freqtrade's default" if value else "empty"
        return unneeded(key, f"is {default}: the name is that of the class")
    if isinstance(value, str) and not value.isprintable():
        return unsupported(key, "has characters that are not shown: the name is that of the class")
    return mapped(key, "name", value)


def _database(key: str, value: JsonValue, config: Config) -> Fate | None:
    del config
    if str(value).startswith("sqlite:"):
        return unneeded(key, "each run has a database of its own")
    return None


SPECIAL: Final[Mapping[str, Callable[[str, JsonValue, Config], Fate | None]]] = MappingProxyType(
    {
        "bot_name": _name,
        "cancel_open_orders_on_exit": _cancel_on_exit,
        "dataformat_ohlcv": _formats,
        "db_url": _database,
        "dry_run": _dry_run,
        "dry_run_wallet": _wallet,
        "entry_pricing.check_depth_of_market": _depth,
        "exchange.name": _exchange,
        "exchange.pair_blacklist": _blacklist,
        "exchange.pair_whitelist": _whitelist,
        "exit_pricing.check_depth_of_market": _depth,
        "exit_pricing.order_book_max": _old_row,
        "exit_pricing.order_book_min": _old_row,
        "force_entry_enable": _force_entry,
        "futures_funding_rate": _futures_setting,
        "initial_state": _initial_state,
        "internals.process_throttle_secs": _throttle,
        "liquidation_buffer": _futures_setting,
        "margin_mode": _trading_mode,
        "max_entry_position_adjustment": _whole,
        "max_open_trades": _whole,
        "pairlists": _pairlists,
        "trading_mode": _trading_mode,
    }
)
