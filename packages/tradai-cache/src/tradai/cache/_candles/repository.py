"""`CachedDataRepository`: the candles of another repository, cached in parts.

The *tail* of a series begins with the small block of the source's last candle: it grows, and is
kept until a candle closes. Earlier blocks do not grow, and are kept for long.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, final

from tradai.cache._candles.blocks import Blocks, Span, floor_ms, opening_ms
from tradai.cache._options.freshness import candle
from tradai.core import Clock, Coverage, DataRepository, SystemClock, Timeframe, from_epoch_ms
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    import pandas as pd

    from tradai.cache._decorator.cached_function import Cached
    from tradai.cache._decorator.namespace import Namespace

_Series: TypeAlias = tuple[str, Timeframe]

_MAX_PARTS: Final = 512  # of one answer, and invalidated by one write
_FIRST_ATTR: Final = "tradai_first_ms"


@final
class CachedDataRepository(DataRepository):
    """Cache the candles of another repository; every promise of `DataRepository` holds.

    Reading a range again costs the source next to nothing, and a window that moves with the last
    candles reads little more than the new ones. A write goes to the source, and then invalidates
    the parts it touched, in the whole fleet.

    Writes of others to the source are seen, too: candles after the last one at once, all others
    within `keep_s`. A range of very many candles is read from the source.
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
            source: The repository of the candles.
            namespace: A namespace for these candles only: one for each source and named after
                it, since a namespace means the same candles in the whole fleet.
            keep_s: Seconds for which candles before the tail are kept.
            clock: Decides which candles have closed; None means the clock of this machine.

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
            CacheUnavailableError: The shared tier is away, and the policy allows no value.
        """
        span, now = Span.between(start, end), self._clock.now()
        is_aware = closed_by is None or closed_by.utcoffset() is not None
        if span is not None and is_aware:
            by = now if closed_by is None else min(now, closed_by)
            cached = self._cached((pair, Timeframe(timeframe)), span, by)
            if cached is not None:
                # Imported here, because this class must be importable without pandas.
                from tradai.core.frames import closed

                return closed(cached, timeframe, by=by)
        return self._source.get_ohlcv(pair, timeframe, start=start, end=end, closed_by=closed_by)

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Return the coverage of the series in the source."""
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
            self._namespace.clear()  # an unknown part was written
            raise
        self._invalidate((pair, Timeframe(timeframe)), frame)

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series in the source."""
        return self._source.series()

    def _cached(self, series: _Series, span: Span, by: datetime) -> "pd.DataFrame | None":
        """Return the candles in `span`; None when they must be read from the source."""
        tail, blocks = self._tail(series[1])(*_as_text(series)), Blocks.of(series[1])
        if tail.empty:
            return None
        opened = opening_ms(tail)
        begin, first = blocks.small_block_start(int(opened[0])), tail.attrs[_FIRST_ATTR]
        all_ranges = blocks.parts(max(span.start, first), min(span.stop, begin), before=begin)
        ranges = [*islice(all_ranges, _MAX_PARTS + 1)]
        if len(ranges) > _MAX_PARTS:
            return None
        parts = [self._part(*_as_text(series), *part) for part in ranges]
        if span.stop > begin or not parts:
            parts += [tail, *self._newer(series, int(opened[-1]), span, by)]
        return _concatenated(map(span.select, parts))

    def _newer(
        self, series: _Series, last: int, span: Span, by: datetime
    ) -> "Iterator[pd.DataFrame]":
        """Yield the candles that came after the tail was read, when some are due."""
        length, now = series[1], floor_ms(by)
        due = length.next_close(length.next_close(last))
        # The source is not asked again and again about a series that has ended.
        is_live = now - last <= Blocks.of(length).small_block
        if not (is_live and due <= now and last + 1 < span.stop):
            return
        newer = self._source.get_ohlcv(*series, start=from_epoch_ms(last + 1))
        if not newer.empty:
            self._tail(length).invalidate(*_as_text(series))
            yield newer

    def _invalidate(self, series: _Series, frame: "pd.DataFrame") -> None:
        """Invalidate the tail, and the parts that contain candles of `frame`."""
        blocks = Blocks.of(series[1])
        numbers = set((opening_ms(frame) // blocks.small_block).tolist())
        parts = {
            part for number in numbers for part in blocks.parts_at(number * blocks.small_block)
        }
        if len(parts) > _MAX_PARTS:
            self._namespace.clear()
            return
        for part in parts:
            self._part.invalidate(*_as_text(series), *part)
        self._tail(series[1]).invalidate(*_as_text(series))

    def _tail(self, timeframe: Timeframe) -> "Cached[[str, str], pd.DataFrame]":
        known = self._tails.get(timeframe)
        return known or self._tails.setdefault(
            timeframe, _tail_of(self._source, self._namespace, timeframe)
        )


def _tail_of(
    source: DataRepository, namespace: "Namespace", length: Timeframe
) -> "Cached[[str, str], pd.DataFrame]":
    """Return the cached function that reads the tail; its `attrs` hold the first candle."""
    import pandas as pd

    def tail(pair: str, timeframe: str) -> pd.DataFrame:
        coverage = source.coverage(pair, timeframe)
        if coverage is None:
            return source.get_ohlcv(pair, timeframe)
        begin = Blocks.of(Timeframe(timeframe)).small_block_start(floor_ms(coverage.last))
        frame = source.get_ohlcv(pair, timeframe, start=from_epoch_ms(begin))
        frame.attrs = {_FIRST_ATTR: floor_ms(coverage.first)}
        return frame

    _name(tail)
    return namespace.cached(ttl=candle(length))(tail)


def _part_of(
    source: DataRepository, namespace: "Namespace", keep_s: float
) -> "Cached[[str, str, int, int], pd.DataFrame]":
    """Return the cached function that reads a part of a series before its tail."""
    import pandas as pd

    def part(pair: str, timeframe: str, start_ms: int, stop_ms: int) -> pd.DataFrame:
        start, end = from_epoch_ms(start_ms), from_epoch_ms(stop_ms)
        return source.get_ohlcv(pair, timeframe, start=start, end=end)

    _name(part)
    return namespace.cached(ttl=keep_s, jitter=0.1)(part)


def _name(function: Callable[..., object]) -> None:
    """Name `function` in the keys independently of this private module, which may be renamed."""
    function.__module__ = "tradai.cache"
    function.__qualname__ = f"CachedDataRepository.{function.__name__}"


def _as_text(series: _Series) -> tuple[str, str]:
    return str(series[0]), str(series[1])


def _concatenated(parts: "Iterable[pd.DataFrame]") -> "pd.DataFrame":
    """Return the candles of `parts` as one frame, without the `attrs` of a tail."""
    import pandas as pd

    joined = pd.concat([*parts])
    joined.attrs = {}
    return joined
