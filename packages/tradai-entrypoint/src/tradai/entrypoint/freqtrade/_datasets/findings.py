"""Faults in the rows of a series, each with its effect on a backtest."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, unique
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from tradai.core import Timeframe, from_epoch_ms, to_epoch_ms, utc_now
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint.freqtrade._candles.data_file import FUNDING_RATE, READ_KINDS, SPOT, DataFile
from tradai.entrypoint.freqtrade._candles.gap_moves import is_far, moves_over
from tradai.entrypoint.freqtrade._datasets.copied_rows import FEWEST_COPIED, copied_rows
from tradai.entrypoint.freqtrade._datasets.gaps import SECOND_MS, missing_rows, off_grid
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_PRICES: Final = ("open", "high", "low", "close")
_UTC: Final = ("UTC", "+00:00")
_PREMIUM: Final = "premiumIndex"
_WITH_VOLUME: Final = (SPOT, "futures")
# A price that trades leave for so many candles in a row; stablecoins stand still for shorter.
_LONG_STILL: Final = 500


@final
@unique
class Effect(Enum):
    """The use that a backtest makes of a series with a finding."""

    REFUSED = "a backtest refuses the series"
    CONVERTIBLE = "a backtest refuses the series, and `data convert` mends it"
    TRADED = "a backtest trades on it as it is"
    FILLED = "a backtest fills it with flat candles without volume"
    UNCHARGED = "a backtest charges no funding fee there"
    LEFT_OUT = "a backtest leaves it out"
    ONCE = "`data convert` takes them once"
    TWICE = "one file of a series is enough: remove the stale one"
    MENDED = "no run reads this series, and `data convert` mends it"
    UNREAD = "no run reads this series; `data convert` refuses it, or keeps the fault"
    DOUBTFUL = "a backtest trades on it; look whether it is the market's"
    ASIDE = "no run reads this series"
    NOT_READ = "a backtest does not read this file: convert it with `data convert`"

    @property
    def is_fault(self) -> bool:
        """Whether the series has to be mended; the other effects are notes."""
        return self in {Effect.REFUSED, Effect.CONVERTIBLE, Effect.TRADED, Effect.UNREAD}


# Effects on a backtest, and those where no run reads the series.
_EFFECTS_UNREAD: Final = {
    Effect.TRADED: Effect.UNREAD,
    Effect.FILLED: Effect.ASIDE,
    Effect.LEFT_OUT: Effect.ASIDE,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding in one file.

    Attributes:
        series: Name of the series.
        path: Its file or folder.
        problem: Description of the rows at fault, with their number.
        first: Time of the first of them; None when it has none.
        effect: Effect on a backtest.
    """

    series: str
    path: Path
    problem: str
    first: datetime | None = None
    effect: Effect


def refusal(file: DataFile, *, is_mended: bool = False) -> Effect:
    """Return the effect of a fault for which a run refuses a series that it reads.

    Args:
        file: The series.
        is_mended: Whether `data convert` mends it.
    """
    if file.kind in READ_KINDS:
        return Effect.CONVERTIBLE if is_mended else Effect.REFUSED
    return Effect.MENDED if is_mended else Effect.UNREAD


def findings_in(raw: RawSeries, file: DataFile, *, written: datetime) -> Iterator[Finding]:
    """Yield the findings in the rows of `file`, which was last written at `written`."""
    if file.kind == FUNDING_RATE:
        # A run takes the second of a rate, which may come a few milliseconds late.
        raw = replace(raw, opened=raw.opened // SECOND_MS * SECOND_MS)
    rows = _Rows(raw, file)
    if not len(raw.opened):
        yield rows.finding("it has no rows", refusal(file))
        return
    if raw.undated:
        without_time = f"{counted(raw.undated, 'row')} without a time"
        yield rows.finding(without_time, refusal(file, is_mended=True))
    yield from _in_order(rows)
    yield from _in_numbers(rows)
    if file.has_candles:
        if raw.zone not in _UTC:
            zone = raw.zone or "no time zone"
            problem = f"the dates are in {zone}, not in UTC"
            yield rows.finding(problem, refusal(file, is_mended=True))
        yield from _in_prices(rows)
        yield from _unlike_a_market(rows)
        if file.timeframe is not None:
            yield from _in_times(rows, file.timeframe, written)
    elif file.kind == FUNDING_RATE and file.timeframe is not None:
        # They have no grid: the hours between two of them may change.
        yield from _missing(rows, raw.opened, file.timeframe, Effect.UNCHARGED)


@final
@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a file."""

    raw: RawSeries
    file: DataFile

    @property
    def may_be_negative(self) -> bool:
        """Whether the rows are premiums, which are below zero as often as above."""
        return self.file.kind == _PREMIUM

    @property
    def rise(self) -> bool:
        """Whether each row is later than the one before."""
        return bool((self.raw.opened[1:] > self.raw.opened[:-1]).all())

    def finding(self, problem: str, effect: Effect, first_ms: int | None = None) -> Finding:
        first = None if first_ms is None else from_epoch_ms(first_ms)
        if self.file.kind not in READ_KINDS:
            effect = _EFFECTS_UNREAD.get(effect, effect)
        return Finding(
            series=self.file.series,
            path=self.file.path,
            problem=problem,
            first=first,
            effect=effect,
        )

    def where(
        self, broken: "npt.NDArray[np.bool_]", problem: str, effect: Effect
    ) -> Iterator[Finding]:
        """Yield the finding for the rows that are `broken`, if any are."""
        if broken.any():
            number = counted(int(broken.sum()), "row")
            first = int(self.raw.opened[broken.argmax()])
            yield self.finding(f"{number} {problem}", effect, first)


def _in_order(rows: _Rows) -> Iterator[Finding]:
    """Yield the rows that come too late or a second time; trades may share an instant."""
    import numpy as np

    opened, refused = rows.raw.opened, refusal(rows.file, is_mended=True)
    falls = np.append(np.False_, opened[1:] < opened[:-1])
    yield from rows.where(falls, "older than the one before", refused)
    if rows.raw.again is not None:
        problem = "equal to another one, which has its id"
        yield from rows.where(rows.raw.again, problem, Effect.ONCE)
    elif rows.file.timeframe is not None:
        again = np.ones(len(opened), dtype=bool)
        again[np.unique(opened, return_index=True)[1]] = False
        # A conversion merges rows of one millisecond; rates of one second may differ in that.
        refused = refusal(rows.file, is_mended=rows.file.kind != FUNDING_RATE)
        yield from rows.where(again, "with a time that another one has", refused)


def _in_numbers(rows: _Rows) -> Iterator[Finding]:
    import numpy as np

    refused, texts = refusal(rows.file), rows.raw.texts
    if texts:
        names = f"{', '.join(texts)} {'is' if len(texts) == 1 else 'are'}"
        problem = f"{names} of text, not of numbers"
        yield rows.finding(problem, refusal(rows.file, is_mended=True))
    for name, cells in rows.raw.cells.items():
        # An exchange reports one of the two columns of open interest, or both.
        if rows.file.kind != "open_interest":
            yield from rows.where(~np.isfinite(cells), f"where {name} is not a number", refused)


def _in_prices(rows: _Rows) -> Iterator[Finding]:
    import numpy as np

    cells, refused = rows.raw.cells, refusal(rows.file)
    with np.errstate(invalid="ignore"):
        if not rows.may_be_negative:
            lowest = np.minimum.reduce([cells[name] for name in _PRICES])
            yield from rows.where(lowest < 0, "with a negative price", refused)
            yield from rows.where(lowest == 0, "with a price of zero", Effect.TRADED)
        yield from rows.where(cells["volume"] < 0, "with a negative volume", refused)
        is_upside_down = cells["high"] < cells["low"]
        yield from rows.where(is_upside_down, "with a high below the low", refused)
        tops = np.maximum(cells["open"], cells["close"])
        bottoms = np.minimum(cells["open"], cells["close"])
        outside = ((tops > cells["high"]) | (bottoms < cells["low"])) & ~is_upside_down
        yield from rows.where(outside, "with open or close outside of low to high", refused)


def _unlike_a_market(rows: _Rows) -> Iterator[Finding]:
    """Yield what a market hardly makes: no volume, trades at one price for long, a copied block."""
    import numpy as np

    if rows.file.kind not in _WITH_VOLUME:
        return
    cells, volume = rows.raw.cells, rows.raw.cells["volume"]
    if not volume.any():
        yield rows.finding("no row has a volume", Effect.DOUBTFUL)
    is_flat = (volume > 0) & (cells["high"] == cells["low"])
    is_same = is_flat[1:] & is_flat[:-1] & (cells["close"][1:] == cells["close"][:-1])
    # Rows of one price in a row share a number.
    number = np.cumsum(np.append(np.False_, ~is_same))
    is_long = np.bincount(number)[number] >= _LONG_STILL
    problem = f"with a volume and one price, {_LONG_STILL} or more in a row"
    yield from rows.where(is_long, problem, Effect.DOUBTFUL)
    if rows.rise:
        problem = f"equal to earlier ones in all numbers, {FEWEST_COPIED} or more in a row"
        yield from rows.where(copied_rows(rows.raw), problem, Effect.DOUBTFUL)


def _in_times(rows: _Rows, timeframe: Timeframe, written: datetime) -> Iterator[Finding]:
    opened = rows.raw.opened
    yield from _jumps(rows, timeframe)
    off = off_grid(opened, timeframe)
    yield from rows.where(off, f"off the grid of {timeframe}", refusal(rows.file))
    yield from _leaps(rows, opened[~off], timeframe)
    yield from _missing(rows, opened[~off], timeframe, Effect.FILLED)
    yield from _open_candle(rows, timeframe, written)


def _missing(
    rows: _Rows, opened: "npt.NDArray[np.int64]", timeframe: Timeframe, effect: Effect
) -> Iterator[Finding]:
    """Yield the finding for rows that are missing between those at the times `opened`."""
    found = missing_rows(opened, rows.file, timeframe)
    if found.first is not None:
        noun = "missing rate" if rows.file.kind == FUNDING_RATE else "missing candle"
        problem = f"{counted(found.gaps, 'gap')} with {counted(found.missing, noun)}"
        yield rows.finding(problem, effect, to_epoch_ms(found.first))


def _jumps(rows: _Rows, timeframe: Timeframe) -> Iterator[Finding]:
    """Yield the finding for prices that a market does not reach from one candle to the next."""
    from tradai.core.frames import CandleColumns, jumps

    if rows.may_be_negative or not rows.rise:
        return
    if found := jumps(CandleColumns(rows.raw.opened, rows.raw.cells), timeframe):
        phrase = str(found[0]).rpartition(" at ")[0]
        problem = f"{counted(len(found), 'jump')} that no market makes: {phrase}"
        yield rows.finding(problem, Effect.TRADED, to_epoch_ms(found[0].at))


def _leaps(rows: _Rows, opened: "npt.NDArray[np.int64]", timeframe: Timeframe) -> Iterator[Finding]:
    """Yield a finding for each gap after which the price is far from the one before."""
    import numpy as np

    from tradai.core.frames import CandleColumns, gaps

    if rows.may_be_negative or not rows.rise:
        return
    found = gaps(CandleColumns(np.unique(opened), {}), timeframe)
    candles = CandleColumns(rows.raw.opened, rows.raw.cells)
    for gap, move in zip(found, moves_over(found, candles), strict=True):
        if is_far(move):
            problem = f"the price after a gap is {move:.3g} times the one before"
            yield rows.finding(problem, Effect.TRADED, to_epoch_ms(gap.end))


def _open_candle(rows: _Rows, timeframe: Timeframe, written: datetime) -> Iterator[Finding]:
    """Yield the last candle when it was open at the moment that its file was written."""
    last = int(rows.raw.opened.max())
    closes = from_epoch_ms(timeframe.next_close(last))
    if closes <= written:
        return
    effect = Effect.TRADED if closes <= utc_now() else Effect.LEFT_OUT
    problem = f"the last candle was written before it closed at {closes:%Y-%m-%d %H:%M}"
    yield rows.finding(problem, effect, last)
