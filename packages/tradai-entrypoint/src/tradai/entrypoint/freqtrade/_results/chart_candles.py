"""Choose and pack the candles of the report's charts: all around trades, longer ones elsewhere."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradai.entrypoint._report.model import PairCandles, TradeRow
from tradai.entrypoint.freqtrade._results.candle_table import CandleTable

# About 20 bytes a candle in the page.
_MOST_CANDLES: Final = 120_000
_MOST_LONG_CANDLES: Final = 40_000
_LONG_PER_PAIR: Final = 800
# Candles that are shown before an entry and after an exit.
_MARGIN: Final = 24
_MINUTE_S: Final = 60
# Lengths that a reader knows: minutes, hours, days.
_USUAL_S: Final = tuple(
    _MINUTE_S * each for each in (5, 15, 30, 60, 120, 240, 480, 720, 1440, 4320, 10080)
)


def chart_candles(
    tables: Sequence[CandleTable], trades: Sequence[TradeRow], *, most: int = _MOST_CANDLES
) -> tuple[PairCandles, ...]:
    """Return the candles to draw for each of `tables`.

    Each trade has the original candles from before its entry until after its exit. Where these
    are more than `most` in all, candles are joined in twos, fours and so on until they fit.
    """
    per_pair = max(1, min(_LONG_PER_PAIR, _MOST_LONG_CANDLES // max(len(tables), 1)))
    spans = [_spans([trade for trade in trades if trade.pair == table.pair]) for table in tables]
    joined = 1
    while True:
        starts = [
            _starts(table, span, joined=joined, long=_long(table, per_pair, joined))
            for table, span in zip(tables, spans, strict=True)
        ]
        if sum(map(len, starts)) <= most or joined >= _LONG_PER_PAIR:
            break
        joined *= 2
    return tuple(
        _packed(table, start, joined=joined, long=_long(table, per_pair, joined))
        for table, start in zip(tables, starts, strict=True)
    )


def _spans(trades: Sequence[TradeRow]) -> NDArray[np.int64]:
    """Return entry and exit times in seconds, one row for each of `trades`."""
    times = [(trade.opened_at.timestamp(), trade.closed_at.timestamp()) for trade in trades]
    return np.array(times, dtype=np.int64).reshape(-1, 2)


def _long(table: CandleTable, per_pair: int, joined: int) -> int:
    """Return the number of candles that a long one joins, a multiple of `joined`."""
    short_s = table.candle_s * joined
    least_s = (table.opened[-1] - table.opened[0]) / per_pair
    usual = (length for length in _USUAL_S if length >= least_s and length % short_s == 0)
    length_s = next(usual, short_s * max(1, math.ceil(least_s / short_s)))
    return max(length_s // table.candle_s, joined)


def _starts(
    table: CandleTable, spans: NDArray[np.int64], *, joined: int, long: int
) -> NDArray[np.intp]:
    """Return the positions at which a drawn candle begins."""
    block = table.opened // (table.candle_s * long)
    piece = table.opened // (table.candle_s * joined)
    is_first = _changes(block)
    is_near = _near(table, block, spans, length_s=table.candle_s * long)
    return np.flatnonzero(is_first | (is_near & _changes(piece)))


def _near(
    table: CandleTable, block: NDArray[np.int64], spans: NDArray[np.int64], *, length_s: int
) -> NDArray[np.bool_]:
    """Return whether each candle's block of long candles touches a trade or its margin."""
    depth = np.zeros(int(block[-1] - block[0]) + 2, dtype=np.int64)
    margin = _MARGIN * table.candle_s
    last = len(depth) - 1
    begins = np.clip((spans[:, 0] - margin) // length_s - block[0], 0, last)
    ends = np.clip((spans[:, 1] + margin) // length_s - block[0] + 1, 0, last)
    np.add.at(depth, begins, 1)
    np.add.at(depth, ends, -1)
    near: NDArray[np.bool_] = (np.cumsum(depth) > 0)[block - block[0]]
    return near


def _changes(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.concatenate(([True], keys[1:] != keys[:-1]))


def _packed(table: CandleTable, starts: NDArray[np.intp], *, joined: int, long: int) -> PairCandles:
    values, ends = table.values, np.append(starts[1:], len(table.opened)) - 1
    opened = table.opened[starts]
    lengths = table.opened[ends] + table.candle_s - opened
    times = (np.diff(opened, prepend=0), lengths)
    prices = (
        values["open"][starts],
        np.maximum.reduceat(values["high"], starts),
        np.minimum.reduceat(values["low"], starts),
        values["close"][ends],
        np.add.reduceat(values["volume"], starts),
    )
    columns = [*(each.astype("<u4") for each in times), *(each.astype("<f4") for each in prices)]
    return PairCandles(
        pair=table.pair,
        short_s=table.candle_s * joined,
        long_s=table.candle_s * long,
        count=len(starts),
        data=b"".join(column.tobytes() for column in columns),
    )
