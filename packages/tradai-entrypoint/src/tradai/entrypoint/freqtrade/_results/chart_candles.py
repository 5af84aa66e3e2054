"""Choose and pack the candles of the report's charts: all around trades, longer ones elsewhere."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradai.entrypoint._report.model import PairCandles, TradeRow
from tradai.entrypoint.freqtrade._results.candle_table import CandleTable

# A candle takes about 26 bytes in the page, a trade as much as some 15 of them.
_MOST_CANDLES: Final = 150_000
_LEAST_CANDLES: Final = 40_000
_CANDLES_PER_TRADE: Final = 15
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
    tables: Sequence[CandleTable], trades: Sequence[TradeRow], *, most: int | None = None
) -> tuple[PairCandles, ...]:
    """Return the candles to draw for each of `tables`.

    Each trade has the original candles from before its entry until after its exit. Where these
    are more than `most` in all, candles are joined in twos, fours and so on until they fit. By
    default, `most` is what leaves a page of less than 5 MB.
    """
    if most is None:
        most = max(_MOST_CANDLES - _CANDLES_PER_TRADE * len(trades), _LEAST_CANDLES)
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
    is_near = _near(table, spans)
    piece = table.opened // (table.candle_s * joined)
    block = table.opened // (table.candle_s * long)
    return np.flatnonzero(_changes(block) | _changes(is_near) | (is_near & _changes(piece)))


def _near(table: CandleTable, spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each candle is part of a trade or of its margin."""
    margin = _MARGIN * table.candle_s
    depth = np.zeros(len(table.opened) + 1, dtype=np.int64)
    np.add.at(depth, np.searchsorted(table.opened, spans[:, 0] - margin), 1)
    np.add.at(depth, np.searchsorted(table.opened, spans[:, 1] + margin), -1)
    return np.cumsum(depth[:-1]) > 0


def _changes(keys: NDArray[np.generic]) -> NDArray[np.bool_]:
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
