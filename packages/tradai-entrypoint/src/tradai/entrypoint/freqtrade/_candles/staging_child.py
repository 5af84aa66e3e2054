"""The child process that stages candles; `staging` starts it.

It reads a request from standard input and answers on standard output. Anything else that is
printed, by a data backend for instance, goes to standard error.
"""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tradai.core import DataRepository, TimeRange, backend_for, digest
from tradai.core.exceptions import NotFoundError, TradAIError, ValidationError
from tradai.entrypoint.freqtrade._candles.staged_data import (
    NeededSeries,
    StagedData,
    StagedGap,
    StagedSeries,
    StagingRequest,
)

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = ["open", "high", "low", "close", "volume"]


def main() -> int:
    """Answer one request; return 0 when there is an answer, even if it is an error of ours."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as reply:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            request = StagingRequest.model_validate_json(sys.stdin.buffer.read())
            answer = stage_series(request).model_dump_json().encode()
        except TradAIError as exc:
            answer = error_answer(exc)
        reply.write(answer)
    return 0


def stage_series(request: StagingRequest) -> StagedData:
    """Write the candles of `request` into its folder, in the engine's layout.

    Nothing is written unless every series has candles.

    Raises:
        NotFoundError: A series has no candles in the range.
        ValidationError: The stored data is not a frame of candles, has candles that cannot be, or
            is too short to trade on.
        StorageError: A file cannot be read or written.
        ConfigurationError: No backend for the URI is installed.
        ExternalServiceError: The service behind the URI failed.
    """
    repository: DataRepository = backend_for("tradai.data", request.data)
    found = {series: _candles(repository, series, request.timerange) for series in request.series}
    frames = {series: frame for series, frame in found.items() if frame is not None}
    if len(frames) < len(found):
        raise _not_found([series for series in found if series not in frames], request, repository)
    staged = tuple(_stage_frame(series, frame, request) for series, frame in frames.items())
    return StagedData(
        timerange=request.timerange or _whole_range(request.series, staged),
        series=staged,
        digest=digest(sorted([each.pair, each.timeframe, each.digest] for each in staged)),
    )


def frame_digest(frame: "pd.DataFrame") -> str:
    """Return the SHA-256 over the candles of `frame`.

    It covers opening times in milliseconds and the five values as little-endian doubles, so it
    does not depend on the file format, the unit of the index or the machine.
    """
    content = hashlib.sha256()
    content.update(frame.index.to_numpy("datetime64[ms]").astype("<i8").tobytes())
    # Adding zero turns a negative zero into zero, which it equals.
    content.update((frame[_COLUMNS].to_numpy("<f8") + 0.0).tobytes())
    return content.hexdigest()


def error_answer(error: TradAIError) -> bytes:
    """Return `error` as JSON: its code, its message and its fields."""
    fields = {name: value for name, value in vars(error).items() if name != "__notes__"}
    values = {"code": error.code, "message": str(error), "fields": fields}
    return json.dumps({"error": values}).encode()


def _candles(
    repository: DataRepository, series: NeededSeries, timerange: TimeRange | None
) -> "pd.DataFrame | None":
    """Return the candles of `series` for `timerange` and its warm-up; None when there are none."""
    start = timerange and timerange.start - series.warmup * series.candle
    end = timerange and timerange.stop
    try:
        frame = repository.get_ohlcv(series.pair, series.timeframe, start=start, end=end)
    except NotFoundError:
        return None
    return None if frame.empty else frame


def _not_found(
    missing: Sequence[NeededSeries], request: StagingRequest, repository: DataRepository
) -> NotFoundError:
    names = ", ".join(series.name for series in missing)
    when = f" for {request.timerange}" if request.timerange else ""
    known = repository.coverage(missing[0].pair, missing[0].timeframe)
    there = f" (there are {known.first:%Y-%m-%d} to {known.last:%Y-%m-%d})" if known else ""
    message = (
        f"{request.data} has no candles{when} of {names}{there}: add them, choose a range that has "
        "them, or drop what asks for them (pairs, run.informative, @informative)"
    )
    return NotFoundError(message, kind="candles", key=missing[0].name)


def _stage_frame(
    series: NeededSeries, frame: "pd.DataFrame", request: StagingRequest
) -> StagedSeries:
    from tradai.core.frames import FlatDataRepository, gaps, jumps

    target = FlatDataRepository(request.folder, file_format="feather")
    target.save_ohlcv(series.pair, series.timeframe, frame)
    return StagedSeries(
        pair=series.pair,
        timeframe=series.timeframe,
        rows=len(frame),
        first=frame.index[0].to_pydatetime(),
        last=frame.index[-1].to_pydatetime(),
        gaps=tuple(
            StagedGap(start=gap.start, stop=gap.end, missing=gap.missing)
            for gap in gaps(frame, series.timeframe)
        ),
        jumps=tuple(map(str, jumps(frame, series.timeframe))),
        digest=frame_digest(frame),
    )


def _whole_range(needed: Sequence[NeededSeries], staged: Sequence[StagedSeries]) -> TimeRange:
    """Return the longest range that the candles allow, after the warm-up of a traded series."""
    traded = [pair for pair in zip(needed, staged, strict=True) if pair[0].is_traded]
    start = min(series.first + want.warmup * want.candle for want, series in traded)
    stop = max(series.last + want.candle for want, series in traded)
    if start < stop:
        return TimeRange(start=start, stop=stop)
    rows, warmup = max(series.rows for _, series in traded), traded[0][0].warmup
    message = (
        f"there are {rows} candles and the strategy needs {warmup} before it trades: add earlier "
        "candles, or lower run.startup_candles"
    )
    raise ValidationError(message, field="candles", expected=f"more than {warmup}")
