"""Small random changes of the numbers of a configuration."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, final

from tradai.core import Execution, StrategyConfig
from tradai.entrypoint.freqtrade import DeclaredParameter

_NUMERIC: Final = frozenset({"IntParameter", "DecimalParameter", "RealParameter"})
# Step of values that the engine does not round itself.
_FINE: Final = Decimal("0.000001")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ShakenGroup:
    """Numbers of a configuration that are multiplied by one factor.

    Attributes:
        values: The numbers, by their dotted keys.
        step: The shaken numbers are multiples of it.
        low: Smallest value of each; None without a limit.
        high: Largest value of each; None without a limit.
        is_moved_by_a_step: Whether a change smaller than `step` becomes one step.
    """

    values: Mapping[str, Decimal]
    step: Decimal = _FINE
    low: Decimal | None = None
    high: Decimal | None = None
    is_moved_by_a_step: bool = False

    def drawn(self, source: random.Random, share: float) -> dict[str, Decimal]:
        """Return each number changed at random by up to `share` of itself, within its limits.

        The change is drawn from those that the limits allow, so that it seldom ends at one.
        """
        least, most = (min(share, self._room(sign)) for sign in (-1, 1))
        return self.shaken(source.uniform(-least, most))

    def _room(self, sign: int) -> float:
        """Return the share by which the numbers can change in this direction."""
        rooms = [math.inf]
        for value in self.values.values():
            limit = self.high if sign * value > 0 else self.low
            if value and limit is not None:
                rooms.append(float(abs((limit - value) / value)))
        return min(rooms)

    def shaken(self, share: float) -> dict[str, Decimal]:
        """Return each number changed by about `share` of itself, within its limits."""
        return {key: self._moved(value, share) for key, value in self.values.items()}

    def _moved(self, value: Decimal, share: float) -> Decimal:
        moved = self._stepped(value, share)
        # At a limit the only way is back.
        return self._stepped(value, -share) if moved == value else moved

    def _stepped(self, value: Decimal, share: float) -> Decimal:
        change = (value * _decimal(share)).quantize(self.step)
        if not change and self.is_moved_by_a_step:
            change = self.step.copy_sign(_decimal(share))
        moved = value + change
        moved = moved if self.low is None else max(moved, self.low)
        return moved if self.high is None else min(moved, self.high)


def shaken_groups(
    config: StrategyConfig, declared: Mapping[str, DeclaredParameter]
) -> tuple[ShakenGroup, ...]:
    """Return all numbers of `config` to shake: hyper-parameters, stop, ROI table, trailing stop.

    Args:
        config: The configuration; a number that only the strategy class has is not shaken.
        declared: Hyper-parameters that the class declares, by name.
    """
    return (*_parameters(config, declared), *_settings(config.execution))


def unshaken_parameters(
    config: StrategyConfig, declared: Mapping[str, DeclaredParameter]
) -> tuple[str, ...]:
    """Return the numeric hyper-parameters whose values stand in the strategy class alone."""
    given = {name for table in config.params_by_space.values() for name in table}
    numeric = (name for name, each in declared.items() if each.kind in _NUMERIC)
    return tuple(name for name in numeric if name not in given)


def shaken_sets(
    groups: Sequence[ShakenGroup], *, share: float, count: int, seed: int
) -> tuple[dict[str, str], ...]:
    """Return up to `count` sets of shaken values, as text by dotted key; each is there once.

    A number that stays as it is, such as a zero, is left out.

    Args:
        groups: The numbers to shake; without any there are no sets.
        share: Largest change, as a share of each number.
        count: Number of sets.
        seed: Seed of the random numbers; the same one gives the same sets.
    """
    # Reproducible draws, and no secrets (S311).
    source = random.Random(seed)  # noqa: S311
    unchanged = {key: value for group in groups for key, value in group.values.items()}
    sets = (_shaken_set(groups, share, source) for _ in range(count))
    changed = ({key: each[key] for key in each if each[key] != unchanged[key]} for each in sets)
    texts = ({key: f"{value:f}" for key, value in each.items()} for each in changed if each)
    return tuple({tuple(each.items()): each for each in texts}.values())


def _shaken_set(
    groups: Sequence[ShakenGroup], share: float, source: random.Random
) -> dict[str, Decimal]:
    return {key: value for group in groups for key, value in group.drawn(source, share).items()}


def _parameters(
    config: StrategyConfig, declared: Mapping[str, DeclaredParameter]
) -> Iterator[ShakenGroup]:
    for space, table in config.params_by_space.items():
        for name, value in table.items():
            parameter = declared.get(name)
            if parameter and parameter.is_loaded and parameter.kind in _NUMERIC:
                yield _parameter_group(f"{space}_params.{name}", _decimal(value), parameter)


def _parameter_group(key: str, value: Decimal, parameter: DeclaredParameter) -> ShakenGroup:
    is_whole = parameter.kind == "IntParameter"
    places = 0 if is_whole else parameter.decimals
    step = _FINE if places is None else Decimal(1).scaleb(-places)
    return ShakenGroup(
        values={key: value},
        step=step,
        low=_limit(parameter.low, step, ROUND_CEILING),
        high=_limit(parameter.high, step, ROUND_FLOOR),
        is_moved_by_a_step=places is not None,
    )


def _limit(limit: float | None, step: Decimal, rounding: str) -> Decimal | None:
    return None if limit is None else _decimal(limit).quantize(step, rounding=rounding)


def _settings(execution: Execution) -> Iterator[ShakenGroup]:
    if execution.stoploss is not None:
        yield ShakenGroup(values={"execution.stoploss": execution.stoploss}, low=Decimal(-1))
    if execution.minimal_roi:
        table = execution.minimal_roi.items()
        yield ShakenGroup(values={f"execution.minimal_roi.{key}": each for key, each in table})
    trailing = {
        f"execution.{name}": value
        for name in ("trailing_stop_positive", "trailing_stop_positive_offset")
        if (value := getattr(execution, name)) is not None
    }
    if trailing:
        yield ShakenGroup(values=trailing, high=Decimal(1))


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))
