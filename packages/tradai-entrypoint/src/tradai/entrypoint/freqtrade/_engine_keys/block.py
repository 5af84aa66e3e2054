"""The block `engine`: its own rules, and what the engine gets of it in a mode."""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeGuard, cast

from tradai.core import JsonValue, Origin, SecretReference, TradingMode, did_you_mean
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint.freqtrade._engine_keys.ownership import (
    ALLOWED,
    EXCHANGE,
    FUTURES,
    NOT_IN_SCHEMA,
    OWNED,
    OWNED_WITHIN,
    SECRETS,
)

Block = Mapping[str, JsonValue]
# A key of the block by its path, and the sentence about it.
Problem = tuple[str, str]
# A message is sent between two looks at the market, so waiting for its answer holds up trading.
_ANSWER_TIMEOUT_S: Final = 3
_IN_LIVE: Final = "LIVE sends webhook and Discord messages, and alerts by TRADAI_LIVE_ALERTS"
_MOST_RETRIES: Final = 2
_LONGEST_DELAY_S: Final = 1
# The engine's schema has no upper bound for it; a year is far beyond any use.
_OFFSET: Final = "outdated_offset"
_LONGEST_OFFSET_MIN: Final = 525_600


def block_problems(
    block: Block,
    mode: TradingMode,
    *,
    is_futures: bool,
    place_of: Callable[[str], str | None],
) -> Iterator[Problem]:
    """Yield the keys of `block` that it may not have, each with what to use instead.

    Args:
        block: The block ``engine`` of a strategy configuration.
        mode: Mode of the run.
        is_futures: Whether its exchange trades contracts.
        place_of: Returns the place of a setting that has one in the strategy configuration.
    """
    allowed = ALLOWED | FUTURES if is_futures else ALLOWED
    for name, value in block.items():
        if name not in allowed:
            yield f"engine.{name}", _refusal(name, place_of(name), allowed)
        elif name in NOT_IN_SCHEMA and not _is_number(value):
            yield f"engine.{name}", "must be a number"
        elif name == "exchange" or name in SECRETS:
            yield from _block_problems(name, value, mode)


def check_block(
    block: Block,
    mode: TradingMode,
    *,
    is_futures: bool,
    place_of: Callable[[str], str | None],
    provenance: Mapping[str, Origin] | None = None,
) -> None:
    """Check that `block` has none of the keys that tradai decides.

    Raises:
        ConfigurationError: It has one; all are listed, each with its place where `provenance` has
            it.
    """
    problems = block_problems(block, mode, is_futures=is_futures, place_of=place_of)
    refuse(problems, provenance or {})


def refuse(problems: Iterator[Problem], provenance: Mapping[str, Origin]) -> None:
    """Refuse the configuration where there are `problems`.

    Raises:
        ConfigurationError: There is one; each has the place that `provenance` knows.
    """
    found = list(problems)
    if found:
        sentences = (f"{_place(path, provenance)}{path} {text}" for path, text in found)
        raise ConfigurationError("; ".join(sentences), key=found[0][0])


def for_engine(block: Block, mode: TradingMode) -> dict[str, JsonValue]:
    """Return what the engine gets of `block`, but for ``exchange``: secrets are references.

    Messages that are off are left out, and so are all of them where nothing trades.
    """
    given = {name: value for name, value in block.items() if name not in {"exchange", *SECRETS}}
    if mode.holds_positions:
        given |= {name: _messages(name, block) for name in SECRETS if _is_on(block.get(name))}
    return given


def for_exchange(block: Block) -> Block:
    """Return the keys of `block` for the engine's section of the exchange."""
    return cast("Block", block.get("exchange") or {})


def _refusal(name: str, place: str | None, allowed: Collection[str]) -> str:
    if name in OWNED:
        return f"is decided by tradai: {OWNED[name]}"
    if place is not None:
        return f"has a place of its own: {place}"
    return "is not a setting of the engine that may be set" + (
        did_you_mean(name, allowed) or f"; there are {', '.join(sorted(allowed))}"
    )


def _block_problems(name: str, value: JsonValue, mode: TradingMode) -> Iterator[Problem]:
    path = f"engine.{name}"
    if not isinstance(value, Mapping):
        yield path, "must be a mapping"
        return
    for key in value:
        if reason := OWNED_WITHIN.get(f"{name}.{key}"):
            yield f"{path}.{key}", f"is decided by tradai: {reason}"
        elif name == "exchange" and key not in EXCHANGE:
            hint = did_you_mean(key, EXCHANGE) or f"; it has {', '.join(sorted(EXCHANGE))}"
            yield f"{path}.{key}", f"is decided by tradai, or is no setting{hint}"
    if name == "exchange" and not _is_from_zero_to(_LONGEST_OFFSET_MIN, value.get(_OFFSET, 0)):
        yield (
            f"{path}.{_OFFSET}",
            f"must be from 1 to {_LONGEST_OFFSET_MIN} minutes: the engine's dates have an end",
        )
    if name in SECRETS:
        yield from _message_problems(name, value, mode)


def _message_problems(name: str, value: Block, mode: TradingMode) -> Iterator[Problem]:
    path = f"engine.{name}"
    if name == "telegram" and mode is TradingMode.LIVE and _is_on(value):
        yield path, f"could steer the session by its buttons: {_IN_LIVE}"
    for key in SECRETS[name]:
        if key not in value:
            if _is_on(value):
                yield f"{path}.{key}", "is missing: name the secret, such as env:NAME"
        elif not _is_reference(value[key]):
            yield f"{path}.{key}", "must be a reference to a secret, such as env:NAME"
    for key, most in (("retries", _MOST_RETRIES), ("retry_delay", _LONGEST_DELAY_S)):
        if name == "webhook" and not _is_from_zero_to(most, value.get(key, 0)):
            yield (
                f"{path}.{key}",
                f"must be from 0 to {most}: the bot does not trade meanwhile",
            )


def _is_from_zero_to(most: int, value: object) -> bool:
    return _is_number(value) and 0 <= value <= most


def _is_number(value: object) -> TypeGuard[int | float | Decimal]:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _is_on(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("enabled") is True


def _is_reference(value: object) -> bool:
    try:
        return bool(SecretReference(str(value))) and isinstance(value, str)
    except TradAIError:
        return False


def _messages(name: str, block: Block) -> JsonValue:
    given = dict(cast("Block", block[name]))
    if name == "telegram":
        # Not one sender of a command is authorized.
        return {**given, "authorized_users": []}
    return {**given, "timeout": _ANSWER_TIMEOUT_S}


def _place(path: str, provenance: Mapping[str, Origin]) -> str:
    # A block has the origin of its first key, an entry of a list that of the list.
    near = (
        origin
        for known, origin in provenance.items()
        if f"{known}.".startswith(f"{path}.") or f"{path}.".startswith(f"{known}.")
    )
    return next((f"{origin}: " for origin in near), "")
