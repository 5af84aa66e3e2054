"""Translate a configuration of Freqtrade, key by key; none is dropped without a word."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Final, final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tradai.core import (
    JsonValue,
    StrategyConfig,
    TradingMode,
    did_you_mean,
    error_sentence,
)
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._engine_keys.block import block_problems
from tradai.entrypoint.freqtrade._engine_keys.ownership import (
    ALLOWED,
    EXCHANGE,
    SECRETS as MESSAGE_BLOCKS,
)
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import FUTURES_EXCHANGE
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import has_path, set_path, take_path
from tradai.entrypoint.freqtrade._new_folder.key_notes import (
    ARGUMENTS,
    BLOCKS,
    IN_BLOCKS,
    MESSAGES,
    PRIVATE,
    SECRETS,
    UNNEEDED,
    UNSUPPORTED,
)
from tradai.entrypoint.freqtrade._new_folder.moved_key import KeyStatus, MovedKey
from tradai.entrypoint.freqtrade._new_folder.secret_guard import OWN_KEYS, without_secrets
from tradai.entrypoint.freqtrade._new_folder.secret_leaves import (
    MASK,
    is_secret_text,
    secret_leaves,
)
from tradai.entrypoint.freqtrade._new_folder.special_keys import (
    SPECIAL,
    Config,
    Fate,
    block_of,
    mapped,
    unneeded,
    unsupported,
)
from tradai.entrypoint.freqtrade._preparation.engine_settings import (
    AT_RUN_TIME,
    IN_FILE,
    place_of,
)

_PRICING: Final = ("entry_pricing", "exit_pricing")
_BOOK: Final = "use_order_book"
# Freqtrade's: an unset one is true here.
_BOOK_DEFAULT: Final = False
# Similarity at which a name is more likely a typing mistake than a name of one's own.
_TYPO: Final = 0.9
# Where a value cannot be named, its block moves as a whole.
_WHOLE: Final = ("freqai",)
# Blocks whose truth values turn something on.
_SWITCHES: Final = ("exchange", "internals")
_ENGINE: Final = (ALLOWED - MESSAGE_BLOCKS.keys() - {"exchange"}) | {
    f"exchange.{name}" for name in EXCHANGE
}


@final
@dataclass(slots=True, kw_only=True)
class Translation:
    """A translated configuration.

    Attributes:
        keys: The fate of each key.
        document: The strategy configuration, with its ``run`` block.
    """

    keys: list[MovedKey] = field(default_factory=list)
    document: dict[str, JsonValue] = field(default_factory=dict)

    def add(self, fate: Fate) -> None:
        """Take over a key and its value."""
        moved, value = fate
        if not _is_finite(value):
            moved, value = unsupported(moved.key, "has a number that is not finite")
        self.keys.append(moved)
        if moved.place and value is not None:
            set_path(self.document, moved.place, value)

    def refuse(self, place: str, note: str) -> None:
        """Take the key whose value is at `place` out again, as one that is not supported."""
        for at, moved in enumerate(self.keys):
            if moved.place and f"{place}.".startswith(f"{moved.place}."):
                take_path(self.document, moved.place)
                self.keys[at] = replace(
                    moved, status=KeyStatus.UNSUPPORTED, place="", note=f"{moved.place} {note}"
                )

    def note(self, place: str, status: KeyStatus, note: str) -> None:
        """Give the key whose place is `place` another status and note."""
        self.keys = [
            replace(moved, status=status, note=note) if moved.place == place else moved
            for moved in self.keys
        ]

    def other_market(self) -> Iterator[str]:
        """Yield the notice that another market is traded, where the old one has no place."""
        for moved in self.keys:
            if moved.key == "trading_mode" and moved.status is KeyStatus.UNSUPPORTED:
                yield (
                    "the new folder trades the spot market, without leverage and short trades, and "
                    f"so not what the old configuration traded: trading_mode {moved.note}"
                )


def translate(config: Config) -> Translation:
    """Return the translation of `config`, without name, version and strategy.

    A value that its new place does not take is listed with the reason, and not written.
    """
    translation = Translation()
    for block, name, value in _keys(config):
        key = f"{block}{name}"
        translation.add(_without_name(block, name) or _fate(key, value, config))
    for name in _PRICING:
        if _BOOK not in (block_of(config, name) or _BOOK):
            note = "Freqtrade's default, where it is not set"
            place = f"{name}.{_BOOK}"
            translation.add(mapped(place, f"execution.{place}", _BOOK_DEFAULT, note=note))
    return translation


def missing_values(translation: Translation) -> Iterator[str]:
    """Yield a sentence for each value that every run needs and the configuration lacks."""
    if not translation.document.get("pairs"):
        yield "no pairs: write those to trade to `pairs` before the first run"
    if "stake_amount" not in block_of(translation.document, "execution"):
        yield "no stake: write that of a trade to `execution.stake_amount` before the first run"


def drop_unusable(translation: Translation) -> None:
    """Take out each value that no configuration may have.

    Raises:
        ConfigurationError: One is left, which came from none of the keys.
    """
    for _ in translation.keys:
        problems = _problems(translation.document)
        if not problems:
            return
        for place, note in problems:
            translation.refuse(place, note)
    for place, note in _problems(translation.document):
        raise ConfigurationError(f"{place} {note}", key=place)


def _is_finite(value: JsonValue) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _keys(config: Config) -> Iterator[tuple[str, str, JsonValue]]:
    """Yield each key: its block with a dot, where it is in one, its name and its value."""
    for key, value in config.items():
        if key in BLOCKS and isinstance(value, dict) and value:
            yield from ((f"{key}.", name, each) for name, each in value.items())
        else:
            yield "", key, value


def _without_name(block: str, name: str) -> Fate | None:
    """Return the fate of a key whose name no file may have; None for any other."""
    if is_secret_text(name):
        note = "its name looks like a secret, so neither name nor value is copied"
        return MovedKey(key=f"{block}{MASK}", status=KeyStatus.PRIVATE, note=note), None
    if "." in name:
        return unsupported(f"{block}{name}", "no setting takes a name with a dot: rename it")
    return None


def _fate(key: str, value: JsonValue, config: Config) -> Fate:
    if value is None or (value == "" and key not in SPECIAL):
        return unneeded(key, "is empty")
    if key in SPECIAL and (fate := SPECIAL[key](key, value, config)) is not None:
        return fate
    if _is_secret(key, value):
        return _secret(key, config)
    fate = _without_place(key, value, config) or _with_place(key, value)
    return without_secrets(fate, value)


def _secret(key: str, config: Config) -> Fate:
    block = key.partition(".")[0]
    place, note = SECRETS.get(key, ("", ""))
    if key in MESSAGES and block_of(config, block).get("enabled") is not True:
        place, note = "", f"its value is not copied: {block} is off"
    if not note:
        note = f"its value is not copied: {UNSUPPORTED.get(block, 'no setting takes it')}"
    moved = MovedKey(key=key, status=KeyStatus.PRIVATE, place=place, note=note)
    return moved, MESSAGES.get(key) if place else None


def _is_secret(key: str, value: JsonValue) -> bool:
    return key in PRIVATE or any(path == key for path, _ in secret_leaves(key, value))


def _without_place(key: str, value: JsonValue, config: Config) -> Fate | None:
    block = key.partition(".")[0]
    if block_of(config, block).get("enabled") is False and block not in _WHOLE:
        return unneeded(key, f"{block} is off")
    if key in ARGUMENTS:
        place, note = ARGUMENTS[key]
        return MovedKey(key=key, status=KeyStatus.MAPPED, place=place, note=note), None
    # An empty setting of the class, such as minimal_roi, goes over the one that the class has.
    if value == {} and not (place_of(key) or "").startswith("execution."):
        return unneeded(key, "is empty")
    if key in UNNEEDED:
        return unneeded(key, UNNEEDED[key])
    reason = UNSUPPORTED.get(key) or UNSUPPORTED.get(block)
    if reason and value is False and block in _SWITCHES:
        return unneeded(key, "is off")
    return unsupported(key, reason) if reason else None


def _with_place(key: str, value: JsonValue) -> Fate:
    block = key.partition(".")[0]
    if block in _PRICING and "." in key:
        return mapped(key, f"execution.{key}", value)
    if key in _ENGINE or (block in MESSAGE_BLOCKS and "." in key):
        return mapped(key, f"engine.{key}", value)
    # A name of ours that Freqtrade does not know, such as version, is a key of the strategy's own.
    is_known = key in IN_FILE | AT_RUN_TIME
    if is_known and (place := place_of(key)):
        return mapped(key, place, value)
    if "." in key or is_known:
        return unsupported(key, "this version does not pass it on to the engine")
    return _own_key(key, value)


def _own_key(key: str, value: JsonValue) -> Fate:
    """Return that the strategy gets `key`; one that resembles a key of Freqtrade is doubted."""
    place, note = f"{OWN_KEYS}.{key}", "a key of the strategy's own"
    hint = did_you_mean(key, (name for name in IN_FILE if _resembles(key, name)))
    if key in IN_BLOCKS:
        hint = f": Freqtrade reads {IN_BLOCKS[key]} alone"
    if hint:
        moved = MovedKey(key=key, status=KeyStatus.DOUBTFUL, place=place, note=f"{note}{hint}")
        return moved, value
    return mapped(key, place, value, note=note)


def _resembles(key: str, name: str) -> bool:
    return SequenceMatcher(None, key, name).ratio() >= _TYPO


def _problems(document: Config) -> list[tuple[str, str]]:
    """Return the places of values that are not valid, each with a sentence."""
    config = dict(document)
    run = config.pop("run", {})
    is_futures = config.get("exchange") == FUTURES_EXCHANGE
    found = block_problems(
        block_of(config, "engine"), TradingMode.DRY_RUN, is_futures=is_futures, place_of=place_of
    )
    return [
        *_problems_of(StrategyConfig, config, prefix=""),
        *_problems_of(RunParameters, run, prefix="run."),
        # `check` asks for a secret that the old configuration lacks, too.
        *((place, note) for place, note in found if has_path(document, place)),
    ]


def _problems_of(
    model: type[BaseModel], values: JsonValue, *, prefix: str
) -> Iterator[tuple[str, str]]:
    try:
        model.model_validate(values)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            yield f"{prefix}{_place(error)}", error_sentence(error)


def _place(error: ErrorDetails) -> str:
    # Of a value that looks like a secret, the key is in the context.
    named = error.get("ctx", {}).get("key")
    steps = [step for step in error["loc"] if isinstance(step, str)]
    return str(named) if named and not steps else ".".join(steps)
