"""Longer candles from shorter ones, and candles from trades."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@final
@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Candles that were made.

    Attributes:
        series: The candles.
        partial: Candles at the two ends that were left out, since rows of them are missing.
        thin: Candles that were made of fewer rows than fit, because of gaps.
    """

    series: RawSeries
    partial: int = 0
    thin: int = 0


def check_longer(source: Timeframe, target: Timeframe) -> None:
    """Require that whole candles of `source` make one of `target`.

    Raises:
        ValidationError: They do not.
    """
    if not source.makes_whole(target):
        expected = f"a longer timeframe that holds whole candles of {source}"
        message = f"candles of {target} cannot be made of candles of {source}: expected {expected}"
        raise ValidationError(message, field="timeframe", expected=expected)


def longer_candles(rows: RawSeries, source: Timeframe, target: Timeframe) -> Resampled:
    """Return the candles of `target` that the rising candles `rows` of `source` make."""
    import numpy as np

    starts, firsts = _buckets(rows.opened, target)
    cells = rows.cells
    made = {
        "open": cells["open"][firsts],
        "high": np.maximum.reduceat(cells["high"], firsts),
        "low": np.minimum.reduceat(cells["low"], firsts),
        "close": cells["close"][np.append(firsts[1:], len(rows.opened)) - 1],
        "volume": np.add.reduceat(cells["volume"], firsts),
    }
    ends = [target.next_close(at) for at in starts.tolist()]
    kept = np.ones(len(starts), dtype=bool)
    kept[0] = rows.opened[0] == starts[0]
    kept[-1] &= int(rows.opened[-1]) + source.milliseconds == ends[-1]
    found = np.diff(np.append(firsts, len(rows.opened)))
    thin = found < (np.array(ends) - starts) // source.milliseconds
    series = RawSeries(starts[kept], {name: column[kept] for name, column in made.items()})
    return Resampled(series, partial=int((~kept).sum()), thin=int((thin & kept).sum()))


def candles_of_trades(rows: RawSeries, target: Timeframe) -> Resampled:
    """Return the candles of `target` that the rising trades `rows` make; none without a trade."""
    import numpy as np

    starts, firsts = _buckets(rows.opened, target)
    prices = rows.cells["price"]
    made = {
        "open": prices[firsts],
        "high": np.maximum.reduceat(prices, firsts),
        "low": np.minimum.reduceat(prices, firsts),
        "close": prices[np.append(firsts[1:], len(prices)) - 1],
        "volume": np.add.reduceat(rows.cells["amount"], firsts),
    }
    return Resampled(RawSeries(starts, made))


def _buckets(
    opened: "npt.NDArray[np.int64]", target: Timeframe
) -> "tuple[npt.NDArray[np.int64], npt.NDArray[np.intp]]":
    """Return the opening times of the candles of `target`, and the place of the first row of each.

    There is at least one row.
    """
    import numpy as np

    if target.endswith("M"):
        floors = np.array([target.floor(at) for at in opened.tolist()], dtype=np.int64)
    else:
        anchor = target.floor(int(opened[0]))
        floors = opened - (opened - anchor) % target.milliseconds
    starts, firsts = np.unique(floors, return_index=True)
    return starts, firsts
