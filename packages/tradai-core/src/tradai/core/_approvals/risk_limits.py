"""Limits of risks: the value of a measure from which trading pauses, drains or halts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import ClassVar, Final, TypeAlias, final

from pydantic import ConfigDict

from tradai.core._numbers.decimals import Amount
from tradai.core.exceptions import ValidationError

_EXPECTED: Final = (
    "finite numbers with 0 <= release < pause <= drain <= halt, at least one of the last three, "
    "and release exactly where there is pause"
)


@final
class RiskAction(IntEnum):
    """Answer to a risk; the larger number is the stricter action.

    Attributes:
        NONE: Trading goes on.
        PAUSE: No position is opened until the measure has come back.
        DRAIN: The session is stopped without losing an order.
        HALT: The session is drained, and a person must clear the halt before the next one.
    """

    NONE = 0
    PAUSE = 1
    DRAIN = 2
    HALT = 3


@final
class RiskMeasure(StrEnum):
    """Measure of a risk; the larger number is the worse one.

    Attributes:
        DRAWDOWN: Loss since the highest equity, as a share of it.
        DAILY_LOSS: Loss since the end of the last UTC day, as a share of the equity then.
        ORDER_RATE: Orders in the last minute.
        REJECTED_ORDERS: Orders that the exchange rejected in the last hour.
        CALLBACK_ERRORS: Exceptions in callbacks of the strategy in the last hour.
    """

    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily-loss"
    ORDER_RATE = "order-rate"
    REJECTED_ORDERS = "rejected-orders"
    CALLBACK_ERRORS = "callback-errors"


RiskReadings: TypeAlias = Mapping[RiskMeasure, Decimal]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimit:
    """Limit of one measure: the values from which the actions are taken.

    Attributes:
        release: Value at or below which a pause ends, smaller than `pause`: a measure that swings
            around its limit does not switch trading on and off.
        pause: Value from which trading pauses; None for no pause.
        drain: Value from which the session is drained.
        halt: Value from which it is halted.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    release: Amount | None = None
    pause: Amount | None = None
    drain: Amount | None = None
    halt: Amount | None = None

    def __post_init__(self) -> None:
        """Refuse values that contradict each other.

        Raises:
            ValidationError: A value is not finite or negative, the order is not that of the
                actions, no action is limited, or `release` is not beside `pause`.
        """
        values = [
            value for value in (self.release, *self._thresholds.values()) if value is not None
        ]
        is_usable = (
            all(value.is_finite() and value >= 0 for value in values)
            and values == sorted(values)
            and any(value is not None for value in self._thresholds.values())
            and (self.release is None) == (self.pause is None)
            and (self.release is None or self.release != self.pause)
        )
        if not is_usable:
            message = f"a limit of a risk is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="limit", expected=_EXPECTED)

    def action(self, reading: Decimal, *, held: RiskAction = RiskAction.NONE) -> RiskAction:
        """Return the action for `reading`, after `held` was the one before.

        A reading that is NaN or infinite is worse than every number: it has the strictest action
        of this limit. Draining and halting never soften; a pause ends at `release`.
        """
        reached = self._reached(reading)
        if held >= RiskAction.DRAIN:
            return max(held, reached)
        if held is RiskAction.PAUSE and reached is RiskAction.NONE and not self._releases(reading):
            return RiskAction.PAUSE
        return reached

    @property
    def _thresholds(self) -> dict[RiskAction, Decimal | None]:
        return {
            RiskAction.PAUSE: self.pause,
            RiskAction.DRAIN: self.drain,
            RiskAction.HALT: self.halt,
        }

    def _reached(self, reading: Decimal) -> RiskAction:
        actions = [
            action
            for action, value in self._thresholds.items()
            if value is not None and (not reading.is_finite() or reading >= value)
        ]
        return max(actions, default=RiskAction.NONE)

    def _releases(self, reading: Decimal) -> bool:
        return self.release is not None and reading.is_finite() and reading <= self.release


def check_risk_limits(limits: Mapping[RiskMeasure, RiskLimit]) -> None:
    """Refuse `limits` that leave a measure out: a risk without a limit would not be watched.

    Raises:
        ValidationError: A measure has no limit.
    """
    missing = ", ".join(measure for measure in RiskMeasure if measure not in limits)
    if missing:
        message = f"the limits of the risks are not whole: expected one for {missing} too"
        raise ValidationError(message, field="limits", expected=f"a limit for {missing}")
