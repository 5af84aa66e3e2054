"""Walk-forward windows of a backtest: as asked for, or as its range and its trades allow."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self, final

from tradai.core import OpenTimeRange, TimeRange
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._robust.findings import FEWEST_TRADES
from tradai.entrypoint._sweep.walk_forward import WalkForward, Window

AUTO: Final = "auto"
NONE: Final = "none"
# By default a test range is this part of the time range, in whole days, and there are three.
_PARTS: Final = 6
_WINDOWS: Final = 3
_DAY: Final = timedelta(days=1)
# So that the test ranges, which are half of the time range, have enough together on average.
_FEWEST_TRADES: Final = 2 * FEWEST_TRADES
_ADVICE: Final = "write --walk-forward with two lengths, such as 90d/30d, to have one"


@final
@dataclass(frozen=True, slots=True)
class WindowChoice:
    """The windows of a walk-forward, or the reason for which there is none."""

    windows: tuple[Window, ...] = ()
    reason: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WalkWish:
    """A wish for a walk-forward.

    Attributes:
        timerange: Range of the backtest; None when it has not both ends.
        lengths: Lengths of the windows; None leaves them to the range.
        is_wanted: Whether there is to be one.
    """

    timerange: TimeRange | None
    lengths: WalkForward | None = None
    is_wanted: bool = True

    @classmethod
    def parse(cls, text: str, timerange: TimeRange | OpenTimeRange | None) -> Self:
        """Read ``auto``, ``none``, or two lengths such as ``90d/30d``.

        Raises:
            ConfigurationError: `text` has another form, or no window of these lengths fits.
        """
        closed = timerange if isinstance(timerange, TimeRange) else None
        if text in {AUTO, NONE}:
            return cls(timerange=closed, is_wanted=text == AUTO)
        lengths = WalkForward.parse(text)
        if closed is None:
            message = "--walk-forward needs a time range with both ends: give --timerange"
            raise ConfigurationError(message, key="run.timerange")
        lengths.windows(closed)
        return cls(timerange=closed, lengths=lengths)

    def choice(self, trades: int) -> WindowChoice:
        """Return the windows; by default, only those with enough trades on average.

        Args:
            trades: Number of trades in the range.
        """
        if not self.is_wanted:
            return WindowChoice(reason="--walk-forward none was given.")
        if self.timerange is None:
            return WindowChoice(reason="the time range has not both ends: give --timerange.")
        if self.lengths is None:
            return _by_default(self.timerange, trades)
        return WindowChoice(self.lengths.windows(self.timerange))


def _by_default(timerange: TimeRange, trades: int) -> WindowChoice:
    length = timerange.stop - timerange.start
    test = length // _PARTS // _DAY * _DAY
    if not test:
        problem = f"{timerange} is shorter than {_PARTS} days"
        return WindowChoice(reason=f"{problem}: {_ADVICE}.")
    if trades < _FEWEST_TRADES:
        problem = f"the backtest has {counted(trades, 'trade')}, and {_FEWEST_TRADES} are needed"
        return WindowChoice(reason=f"{problem}: {_ADVICE}.")
    lengths = WalkForward(length - _WINDOWS * test, test)
    return WindowChoice(lengths.windows(timerange))
