"""Measure the risks of a session from samples of its equity and its counters."""

from collections import deque
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, final

from tradai.core import Utc
from tradai.core.live import RiskMeasure

_UNKNOWN: Final = Decimal("NaN")
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSample:
    """Facts about a session at one instant.

    Attributes:
        at: Instant of the sample; it names the UTC day.
        at_s: Seconds by a monotonic clock; they measure the windows.
        equity: Funds of the strategy in the stake currency; NaN when they cannot be read, and None
            before they were read for the first time.
        orders: Orders that the session has sent; counted from 0 again after a restart.
        rejected_orders: Orders of the session that the exchange has rejected.
        callback_errors: Exceptions in callbacks of the strategy.
    """

    at: Utc
    at_s: float
    equity: Decimal | None
    orders: int
    rejected_orders: int
    callback_errors: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EquityMarks:
    """Equities that losses are measured from; a session that restarts goes on with them.

    Attributes:
        peak: Highest equity so far.
        day: UTC day of the last sample.
        opening: Equity at the end of the day before; on the first day the first one.
        last: Equity of the last sample that had one.
    """

    peak: Decimal
    day: date
    opening: Decimal
    last: Decimal

    def after(self, equity: Decimal, day: date) -> "EquityMarks":
        """Return the marks after `equity`, a finite number, was read on `day`."""
        opening, newest = (self.last, day) if day > self.day else (self.opening, self.day)
        return EquityMarks(peak=max(self.peak, equity), day=newest, opening=opening, last=equity)


@final
class RiskMeter:
    """Turns samples into readings; not for use from several threads."""

    def __init__(self, marks: EquityMarks | None = None) -> None:
        """Go on from `marks`, or start with the first sample."""
        self._marks = marks
        self._orders = _Window(_MINUTE_S)
        self._rejected = _Window(_HOUR_S)
        self._errors = _Window(_HOUR_S)

    @property
    def marks(self) -> EquityMarks | None:
        """Equities to keep over a restart; None before the first equity was read."""
        return self._marks

    def read(self, sample: RiskSample) -> dict[RiskMeasure, Decimal]:
        """Return the reading of every measure after `sample`.

        The losses are NaN while the equity cannot be read, and where there is no equity above zero
        to measure them from. There is none before the first equity.
        """
        at_s = sample.at_s
        drawdown, daily_loss = self._losses(sample.equity, sample.at.date())
        return {
            RiskMeasure.DRAWDOWN: drawdown,
            RiskMeasure.DAILY_LOSS: daily_loss,
            RiskMeasure.ORDER_RATE: self._orders.count(sample.orders, at_s),
            RiskMeasure.REJECTED_ORDERS: self._rejected.count(sample.rejected_orders, at_s),
            RiskMeasure.CALLBACK_ERRORS: self._errors.count(sample.callback_errors, at_s),
        }

    def _losses(self, equity: Decimal | None, day: date) -> tuple[Decimal, Decimal]:
        if equity is None:
            return Decimal(0), Decimal(0)
        if not equity.is_finite():
            return _UNKNOWN, _UNKNOWN
        first = EquityMarks(peak=equity, day=day, opening=equity, last=equity)
        marks = self._marks.after(equity, day) if self._marks else first
        self._marks = marks
        return _loss(marks.peak, equity), _loss(marks.opening, equity)


class _Window:
    """Counts the events of the last seconds from a counter that may start again."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._total = 0
        self._events: deque[tuple[float, int]] = deque()

    def count(self, total: int, at_s: float) -> Decimal:
        """Return the number of events in the window that ends at `at_s`."""
        # A counter that is smaller than before was started again with its process.
        new = total - self._total if total >= self._total else total
        self._total = total
        self._events.append((at_s, new))
        while self._events[0][0] <= at_s - self._length_s:
            self._events.popleft()
        return Decimal(sum(number for _, number in self._events))


def _loss(start: Decimal, equity: Decimal) -> Decimal:
    """Return the loss from `start` to `equity` as a share of `start`; a gain is no loss."""
    return max(Decimal(0), (start - equity) / start) if start > 0 else _UNKNOWN
