"""Judge the risks of a session: readings in, the strictest action out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final, final

from tradai.core.live import (
    RiskAction,
    RiskLimit,
    RiskMeasure,
    RiskReadings,
    check_risk_limits,
)

_UNKNOWN: Final = Decimal("NaN")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMonitor:
    """Actions that the readings of a session have led to so far.

    It is a value: `after` returns the next one. Worse readings never lead to a softer action, and
    a reading that is missing or NaN is the worst.

    Attributes:
        limits: Limit of every measure: a risk without a limit would not be watched.
        held: Action of each measure.
    """

    limits: Mapping[RiskMeasure, RiskLimit]
    held: Mapping[RiskMeasure, RiskAction] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse limits that leave a measure out.

        Raises:
            ValidationError: A measure has no limit.
        """
        check_risk_limits(self.limits)

    @property
    def action(self) -> RiskAction:
        """The strictest action of all measures."""
        return max(self.held.values(), default=RiskAction.NONE)

    @property
    def causes(self) -> tuple[RiskMeasure, ...]:
        """Measures that have the strictest action; none when trading goes on."""
        if self.action is RiskAction.NONE:
            return ()
        return tuple(measure for measure, held in self.held.items() if held is self.action)

    def after(self, readings: RiskReadings) -> "RiskMonitor":
        """Return the monitor after these readings; a measure that is missing counts as NaN."""
        held = {measure: self._held_after(measure, readings) for measure in RiskMeasure}
        return replace(self, held=MappingProxyType(held))

    def _held_after(self, measure: RiskMeasure, readings: RiskReadings) -> RiskAction:
        held = self.held.get(measure, RiskAction.NONE)
        return self.limits[measure].action(readings.get(measure, _UNKNOWN), held=held)
