"""The runs of the engine's download that bring files of candles to a range, and their result.

The engine goes on at one end of a file at a time. Each time it leaves out the last candle of the
file, which may have been open, and reads it again only where it goes on there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from tradai.core import OpenTimeRange, TimeRange
from tradai.entrypoint.freqtrade._candles.stored_range import StoredRange

# The files of each pair; None stands for one that is not there, or cannot be read.
Stored = Mapping[str, Sequence[StoredRange | None]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadPass:
    """One run of the engine's download.

    Attributes:
        pairs: The pairs that it is for.
        timerange: Range that it is given.
        is_older: Whether it goes on before the first candle, and not after the last one.
    """

    pairs: tuple[str, ...]
    timerange: TimeRange | OpenTimeRange
    is_older: bool


def download_passes(
    stored: Stored, timerange: TimeRange | OpenTimeRange
) -> tuple[DownloadPass, ...]:
    """Return the runs that are needed, in their order; none where everything is there."""
    older = tuple(pair for pair, files in stored.items() if _lacks_first(files, timerange))
    newer = tuple(
        pair
        for pair, files in stored.items()
        if any(files) and (pair in older or _lacks_last(files, timerange))
    )
    by_range: dict[TimeRange | OpenTimeRange, list[str]] = {}
    for pair in newer:
        by_range.setdefault(_to_last(stored[pair], timerange), []).append(pair)
    passes = [
        DownloadPass(pairs=older, timerange=timerange, is_older=True),
        *(
            DownloadPass(pairs=tuple(pairs), timerange=each, is_older=False)
            for each, pairs in by_range.items()
        ),
    ]
    return tuple(each for each in passes if each.pairs)


def _lacks_first(files: Sequence[StoredRange | None], timerange: TimeRange | OpenTimeRange) -> bool:
    start = timerange.start
    return any(file is None or (start is not None and start <= file.before) for file in files)


def _lacks_last(files: Sequence[StoredRange | None], timerange: TimeRange | OpenTimeRange) -> bool:
    stop = timerange.stop
    return any(file is not None and (stop is None or file.stop < stop) for file in files)


def _to_last(
    files: Sequence[StoredRange | None], timerange: TimeRange | OpenTimeRange
) -> TimeRange | OpenTimeRange:
    """Return the range, continued to the last candle in `files`, which the engine leaves out."""
    start, stop = timerange.start, timerange.stop
    if start is None or stop is None:
        return timerange
    ends = [file.after for file in files if file is not None]
    return TimeRange(start=start, stop=max([stop, *ends]))


def outside_of(stored: Stored, timerange: TimeRange | OpenTimeRange) -> list[str]:
    """Return each pair whose candles have nothing of `timerange`, with what they have."""
    return [
        f"{pair} has {_shown(file)}"
        for pair, (file, *_) in stored.items()
        if file is None
        or (timerange.start is not None and file.stop <= timerange.start)
        or (timerange.stop is not None and timerange.stop <= file.first)
    ]


def lost_ends(before: Stored, now: Stored) -> str:
    """Return a clause on the pairs of which a file ends earlier than `before`; empty without any.

    The next run of the engine would have read the last candle again, or the exchange has it no
    longer.
    """
    ends = [
        f"{pair} to {max(file.stop for file in files if file is not None):%Y-%m-%d %H:%M} UTC"
        for pair, files in before.items()
        if any(map(_is_shorter, now[pair], files))
    ]
    if not ends:
        return ""
    return f"; candles at the end of files are lost: download {', '.join(ends)} again"


def _is_shorter(now: StoredRange | None, before: StoredRange | None) -> bool:
    return before is not None and (now is None or now.stop < before.stop)


def _shown(file: StoredRange | None) -> str:
    if file is None:
        return "none that can be read"
    return f"{file.first:%Y-%m-%d %H:%M} to {file.stop:%Y-%m-%d %H:%M} UTC"
