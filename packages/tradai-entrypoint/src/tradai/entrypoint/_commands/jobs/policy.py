"""Policies of a job by the mode of its run: job runners do not know modes."""

from dataclasses import dataclass
from typing import Final, Self, final

from tradai.core import Capacity, LogDelivery, TradingMode

# A run that is stopped sends its folder to the run store before it ends.
_BATCH_GRACE_S: Final = 60
# The longest that Fargate gives.
_BOT_GRACE_S: Final = 120


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobPolicy:
    """Policies of a job.

    Attributes:
        log_delivery: A bot never waits for its log; the log of any other run loses no line.
        capacity: A bot is never on capacity that may be taken back.
        may_be_reaped: Whether it may be stopped when its time has expired; never in LIVE.
        stop_grace_s: Seconds that it has to end in good order.
    """

    log_delivery: LogDelivery
    capacity: tuple[Capacity, ...]
    may_be_reaped: bool
    stop_grace_s: int

    @classmethod
    def of(cls, mode: TradingMode) -> Self:
        """Return the policies of `mode`."""
        is_bot = mode.holds_positions
        return cls(
            log_delivery=LogDelivery.NON_BLOCKING if is_bot else LogDelivery.BLOCKING,
            capacity=(Capacity.ON_DEMAND,) if is_bot else (Capacity.SPOT, Capacity.ON_DEMAND),
            may_be_reaped=mode is not TradingMode.LIVE,
            stop_grace_s=_BOT_GRACE_S if is_bot else _BATCH_GRACE_S,
        )
