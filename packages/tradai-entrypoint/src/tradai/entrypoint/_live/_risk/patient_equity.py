"""Equity of a strategy, where the last one counts for a while when no new one can be read."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, final

# Seconds for which the last equity counts. A turn of the engine's loop may keep it from answering,
# and a venue that is away for a minute is common.
PATIENCE_S: Final = 120.0
_UNKNOWN: Final = Decimal("NaN")


@final
class PatientEquity:
    """Capital and profit, as far as the profit can be read."""

    def __init__(
        self,
        profit: Callable[[], Decimal | None],
        *,
        capital: Decimal,
        last: Decimal | None,
        seconds: Callable[[], float],
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Go on from the equity of the session before.

        Args:
            profit: Returns the profit; None or NaN when it cannot be read.
            capital: The equity before any profit.
            last: The last equity; None before the first.
            seconds: A clock for durations.
            patience_s: Seconds for which the last equity counts.
        """
        self._profit = profit
        self._capital = capital
        self._last = last
        self._seconds = seconds
        self._patience_s = patience_s
        self._read_s = seconds()

    def read(self) -> Decimal | None:
        """Return the equity, NaN when none was read for too long; None before the first one."""
        profit = self._profit()
        if profit is not None and profit.is_finite():
            self._read_s, self._last = self._seconds(), self._capital + profit
        elif self._seconds() - self._read_s >= self._patience_s:
            return _UNKNOWN
        return self._last

    def wait(self) -> Decimal | None:
        """Return the last equity while the engine starts, when there is no profit to read."""
        self._read_s = self._seconds()
        return self._last
