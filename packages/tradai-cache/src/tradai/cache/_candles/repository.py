"""Candles of another repository, cached in parts.

The *tail* of a series begins with the step of the last candle that the source has: it grows, and
is kept until a candle closes. What is before it grows no more, and is kept long.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, final

from tradai.cache._candles.chunks import Chunks, Span, floor_ms, opening_ms
from tradai.cache._options.freshness import candle
from tradai.core import Clock, Coverage, DataRepository, SystemClock, Timeframe, from_epoch_ms
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    import pandas as pd

    from tradai.cache._decorator.cached_function import Cached
    from tradai.cache._decorator.namespace import Namespace

__all__ = ["CachedDataRepository"]

_Series: TypeAlias = tuple[str, Timeframe]

_MOST: Final = 512  # parts of one answer, and parts that one write makes invalid
_FIRST: Final = "tradai_first_ms"


@final
class CachedDataRepository(DataRepository):
    """Candles of another repository, kept in a cache; every promise of `DataRepository` holds.

    Reading again what was read costs the source next to nothing, and a window that moves on with
    the last candles pulls little more than the new ones. What is written goes to the source, and
    then makes invalid what it touched, in the whole fleet.

    What somebody else writes to the source is seen, too: candles after the last one at once, all
    others within `keep_s`. A range of very many candles is left to the source.
    """

    def __init__(
        self,
        source: DataRepository,
        namespace: "Namespace",
        *,
        keep_s: float = 86_400.0,
        clock: Clock | None = None,
    ) -> None:
        """Cache the candles of `source`.

        Args:
            source: Where the candles are.
            namespace: Where they are cached, and nothing else is: one for each source and named
                after it, since one namespace means the same candles in the whole fleet.
            keep_s: Seconds for which candles are kept that have others after them.
            clock: Tells which candles have closed; None means the clock of this machine.

        Raises:
            ValidationError: `keep_s` is not above zero, or the candles of another source are
                cached in `namespace`.
        """
        self._source = source
        self._namespace = namespace
        self._clock = clock or SystemClock()
        self._part = _part_of(source, namespace, keep_s)
        self._tails: dict[Timeframe, Cached[[str, str], pd.DataFrame]] = {}

    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> "pd.DataFrame":
        """Return the closed candles that open in ``start <= t < end``; see `DataRepository`.

        Raises:
            CacheUnavailableError: What the namespace does while the shared tier is away.
        """
        span, now = Span.between(start, end), self._clock.now()
        is_aware = closed_by is None or closed_by.utcoffset() is not None
        if span is not None and is_aware:
            by = now if closed_by is None else min(now, closed_by)
            found = self._found((pair, Timeframe(timeframe)), span, by)
            if found is not None:
                # Named at the door, also where there is no pandas.
                from tradai.core.frames import closed

                return closed(found, timeframe, by=by)
        return self._source.get_ohlcv(pair, timeframe, start=start, end=end, closed_by=closed_by)

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Say what the series holds, as the source does."""
        return self._source.coverage(pair, timeframe)

    def save_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Keep `frame` as the whole series; see `DataRepository`. Clears the namespace."""
        try:
            self._source.save_ohlcv(pair, timeframe, frame)
        finally:
            self._namespace.clear()

    def upsert_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Add the candles of `frame` to the series; see `DataRepository`."""
        try:
            self._source.upsert_ohlcv(pair, timeframe, frame)
        except ValidationError:
            raise  # before anything was written
        except BaseException:
            self._namespace.clear()  # nobody knows how far it came
            raise
        self._forget((pair, Timeframe(timeframe)), frame)

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, as the source does."""
        return self._source.series()

    def _found(self, series: _Series, span: Span, by: datetime) -> "pd.DataFrame | None":
        """Return the candles in `span`; None when the source is to tell."""
        tail, chunks = self._tail(series[1])(*_plain(series)), Chunks.of(series[1])
        if tail.empty:
            return None
        opened = opening_ms(tail)
        begin, first = chunks.step_of(int(opened[0])), tail.attrs[_FIRST]
        all_places = chunks.parts(max(span.start, first), min(span.stop, begin), before=begin)
        places = [*islice(all_places, _MOST + 1)]
        if len(places) > _MOST:
            return None
        parts = [self._part(*_plain(series), *place) for place in places]
        if span.stop > begin or not parts:
            parts += [tail, *self._late(series, int(opened[-1]), span, by)]
        return _joined(map(span.of, parts))

    def _late(
        self, series: _Series, last: int, span: Span, by: datetime
    ) -> "Iterator[pd.DataFrame]":
        """Yield the candles that have come since the tail was read, if there should be any."""
        length, now = series[1], floor_ms(by)
        due = length.next_close(length.next_close(last))
        # A series that has ended is not asked about for ever.
        is_live = now - last <= Chunks.of(length).step
        if not (is_live and due <= now and last + 1 < span.stop):
            return
        late = self._source.get_ohlcv(*series, start=from_epoch_ms(last + 1))
        if not late.empty:
            self._tail(length).invalidate(*_plain(series))
            yield late

    def _forget(self, series: _Series, frame: "pd.DataFrame") -> None:
        """Make invalid what the candles of `frame` are in."""
        chunks = Chunks.of(series[1])
        steps = set((opening_ms(frame) // chunks.step).tolist())
        places = {place for step in steps for place in chunks.around(step * chunks.step)}
        if len(places) > _MOST:
            self._namespace.clear()
            return
        for place in places:
            self._part.invalidate(*_plain(series), *place)
        self._tail(series[1]).invalidate(*_plain(series))

    def _tail(self, timeframe: Timeframe) -> "Cached[[str, str], pd.DataFrame]":
        known = self._tails.get(timeframe)
        return known or self._tails.setdefault(
            timeframe, _tail_of(self._source, self._namespace, timeframe)
        )


def _tail_of(
    source: DataRepository, namespace: "Namespace", length: Timeframe
) -> "Cached[[str, str], pd.DataFrame]":
    """Return the function that reads the tail of a series; its notes tell the first candle."""
    import pandas as pd

    @namespace.cached(ttl=candle(length))
    def tail(pair: str, timeframe: str) -> pd.DataFrame:
        coverage = source.coverage(pair, timeframe)
        if coverage is None:
            return source.get_ohlcv(pair, timeframe)
        begin = Chunks.of(Timeframe(timeframe)).step_of(floor_ms(coverage.last))
        frame = source.get_ohlcv(pair, timeframe, start=from_epoch_ms(begin))
        frame.attrs = {_FIRST: floor_ms(coverage.first)}
        return frame

    return tail


def _part_of(
    source: DataRepository, namespace: "Namespace", keep_s: float
) -> "Cached[[str, str, int, int], pd.DataFrame]":
    """Return the function that reads a part of a series that has candles after it."""
    import pandas as pd

    @namespace.cached(ttl=keep_s, jitter=0.1)
    def part(pair: str, timeframe: str, start_ms: int, stop_ms: int) -> pd.DataFrame:
        start, end = from_epoch_ms(start_ms), from_epoch_ms(stop_ms)
        return source.get_ohlcv(pair, timeframe, start=start, end=end)

    return part


def _plain(series: _Series) -> tuple[str, str]:
    return str(series[0]), str(series[1])


def _joined(parts: "Iterable[pd.DataFrame]") -> "pd.DataFrame":
    """Return the candles of `parts` as one frame, without the notes of a tail."""
    import pandas as pd

    joined = pd.concat([*parts])
    joined.attrs = {}
    return joined
