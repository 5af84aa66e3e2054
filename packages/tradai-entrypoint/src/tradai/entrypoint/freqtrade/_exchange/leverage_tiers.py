"""The file leverage_tiers.json: the leverage tiers of contracts, which decide over liquidations.

A tier gives the largest leverage and the maintenance margin of positions whose value is in its
range. The file is in the form of ccxt's ``fetch_leverage_tiers``, as the engine's own is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, final

import pydantic
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tradai.core import FileKind, digest, error_sentence, file_errors, read_regular_file
from tradai.core.exceptions import NotFoundError, ValidationError

TIERS_NAME: Final = "leverage_tiers.json"

_FORM: Final = "a JSON object with a list of tiers by pair, as ccxt's fetch_leverage_tiers returns"
# Largest difference of a maintenance amount from the one that the rates give, which is rounded.
_ROUNDED: Final = 1.0
_ROUNDED_SHARE: Final = 0.001


@final
class _TierInfo(BaseModel):
    """The exchange's own words on a tier; `cum` is the maintenance amount."""

    model_config = ConfigDict(frozen=True)

    cum: float = Field(ge=0, allow_inf_nan=False)


@final
class LeverageTier(BaseModel):
    """One tier: its range of position values, its maintenance margin rate and largest leverage.

    The rate and the maintenance amount of the highest tier that begins below a position's value
    decide where it is liquidated.
    """

    model_config = ConfigDict(frozen=True)

    floor: float = Field(alias="minNotional", ge=0, allow_inf_nan=False)
    cap: float = Field(alias="maxNotional", gt=0, allow_inf_nan=False)
    rate: float = Field(alias="maintenanceMarginRate", gt=0, lt=1)
    leverage: float = Field(alias="maxLeverage", ge=1, allow_inf_nan=False)
    info: _TierInfo


class _RepeatedKeyError(ValueError):
    """An object of JSON has this key twice."""


_TIERS: Final = TypeAdapter(tuple[LeverageTier, ...])


@final
@dataclass(frozen=True, slots=True)
class LeverageTiers:
    """The tiers of some pairs, the smallest positions first."""

    by_pair: Mapping[str, Sequence[LeverageTier]]

    @property
    def digest(self) -> str:
        """SHA-256 over the tiers; what the file says besides does not matter."""
        return digest(self._values())

    def to_json(self) -> bytes:
        """Return the tiers as the engine reads them."""
        return json.dumps(self._values()).encode()

    def _values(self) -> dict[str, Any]:
        return {
            pair: [tier.model_dump(by_alias=True) for tier in tiers]
            for pair, tiers in sorted(self.by_pair.items())
        }


def load_tiers(path: Path, pairs: Iterable[str]) -> LeverageTiers:
    """Read the tiers of `pairs`; those of other pairs are not looked at.

    Raises:
        NotFoundError: There is no file at `path`, or a pair is not in it; all of them are named.
        ValidationError: It is not a file of tiers, or those of a pair cannot be.
        StorageError: The disk refused.
    """
    with file_errors("read", path):
        text = read_regular_file(path, FileKind.MARKET_RULES)
    try:
        values = json.loads(text, object_pairs_hook=_object)
    except _RepeatedKeyError as exc:
        message = f"{path} has {exc} twice: leave one"
        raise ValidationError(message, field=str(path), expected="each name once") from None
    # Deep nesting is a RecursionError.
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        message = f"{path} is not a file of leverage tiers: expected {_FORM}"
        raise ValidationError(message, field=str(path), expected=_FORM)
    wanted = sorted(set(pairs))
    missing = [pair for pair in wanted if not values.get(pair)]
    if missing:
        message = (
            f"{path} has no leverage tiers of {', '.join(missing)}: give them in a file "
            f"{TIERS_NAME} beside the candles ({_FORM}), or remove the pairs"
        )
        raise NotFoundError(message, kind="leverage tiers", key=missing[0])
    return LeverageTiers({pair: _read(values[pair], pair, path) for pair in wanted})


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise _RepeatedKeyError(name)
        found[name] = value
    return found


def _read(values: object, pair: str, path: Path) -> tuple[LeverageTier, ...]:
    try:
        tiers = _TIERS.validate_python(values)
    except pydantic.ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        raise _unusable(pair, path, f"{_place(first['loc'])} {error_sentence(first)}") from None
    for problem in _problems(tiers):
        raise _unusable(pair, path, problem)
    return tiers


def _place(location: Sequence[int | str]) -> str:
    """Return the place of an error, such as ``info.cum of tier 2``."""
    number, names = location[:1], ".".join(map(str, location[1:]))
    if not number:
        return "their list"
    tier = f"tier {int(number[0]) + 1}"
    return f"{names} of {tier}" if names else tier


def _problems(tiers: Sequence[LeverageTier]) -> Iterator[str]:
    """Yield the ways in which `tiers` are not those of one contract."""
    if tiers[0].floor != 0:
        yield f"minNotional of tier 1 is {tiers[0].floor:g}, and must be 0"
    for number, tier in enumerate(tiers, start=1):
        if tier.cap <= tier.floor:
            yield f"maxNotional of tier {number} is not above its minNotional"
    for number, (below, tier) in enumerate(pairwise(tiers), start=2):
        yield from _breaks(number, below, tier)


def _breaks(number: int, below: LeverageTier, tier: LeverageTier) -> Iterator[str]:
    """Yield the ways in which the tier `number` does not follow the one below it."""
    if tier.floor != below.cap:
        yield (
            f"minNotional of tier {number} is {tier.floor:g}, and must be the maxNotional of the "
            f"tier before it, {below.cap:g}"
        )
    if tier.rate < below.rate or tier.leverage > below.leverage:
        yield (
            f"tier {number} has a lower maintenanceMarginRate or a higher maxLeverage than the "
            "tier before it"
        )
    amount = below.info.cum + tier.floor * (tier.rate - below.rate)
    if abs(amount - tier.info.cum) > max(_ROUNDED, _ROUNDED_SHARE * amount):
        yield (
            f"info.cum of tier {number} is {tier.info.cum:g}, and must be {amount:g}, so that the "
            "maintenance margin does not jump where the tier begins"
        )


def _unusable(pair: str, path: Path, problem: str) -> ValidationError:
    return ValidationError(
        f"the leverage tiers of {pair} in {path} are not usable: {problem}",
        field=pair,
        expected="tiers that follow each other, the smallest positions first",
    )
