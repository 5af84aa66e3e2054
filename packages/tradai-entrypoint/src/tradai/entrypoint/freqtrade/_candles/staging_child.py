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

from tradai.core import (
    DataRepository,
    OpenTimeRange,
    TimeRange,
    backend_for,
    digest,
    from_epoch_ms,
)
from tradai.core.exceptions import NotFoundError, TradAIError, ValidationError
from tradai.entrypoint.freqtrade._candles.contract_data import (
    FundingRates,
    contract_candles,
    contract_folder,
    read_rates,
    stage_rates,
)
from tradai.entrypoint.freqtrade._candles.gap_moves import moves_over
from tradai.entrypoint.freqtrade._candles.missing_candles import missing_error
from tradai.entrypoint.freqtrade._candles.staged_data import (
    NeededSeries,
    StagedData,
    StagedGap,
    StagedSeries,
    StagingRequest,
)

if TYPE_CHECKING:
    from tradai.core.frames import CandleColumns

_COLUMNS: Final = ("open", "high", "low", "close", "volume")


def main() -> int:
    """Answer one request; return 0 when there is an answer, even if it is an error of ours.

    Return 2 when standard input holds no request.
    """
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as reply:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            request = StagingRequest.from_json(sys.stdin.buffer.read())
        except (ValueError, LookupError, TypeError):
            sys.stderr.write("standard input holds no request for candles: only a run sends one\n")
            return 2
        try:
            answer = stage_series(request).to_json()
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
    found = {series: _read(repository, series, request) for series in request.series}
    columns = {series: candles for series, candles in found.items() if candles is not None}
    if len(columns) < len(found):
        raise missing_error(
            [series for series in found if series not in columns], request, repository
        )
    staged = tuple(_stage_columns(series, candles, request) for series, candles in columns.items())
    return StagedData(
        timerange=_settled_range(request, staged),
        series=staged,
        digest=digest(
            sorted(
                [want.pair, want.label, each.digest]
                for want, each in zip(columns, staged, strict=True)
            )
        ),
    )


def candles_digest(candles: "CandleColumns") -> str:
    """Return the SHA-256 over `candles`.

    It covers opening times in milliseconds and the five values as little-endian doubles, so it
    does not depend on the file format, the unit of the times or the machine.
    """
    import numpy as np

    content = hashlib.sha256()
    content.update(candles.opened.astype("<i8").tobytes())
    # Adding zero turns a negative zero into zero, which it equals.
    table = np.column_stack([candles.cells[name] for name in _COLUMNS]) + 0.0
    content.update(table.astype("<f8").tobytes())
    return content.hexdigest()


def error_answer(error: TradAIError) -> bytes:
    """Return `error` as JSON: its code, its message and its fields."""
    fields = {name: value for name, value in vars(error).items() if name != "__notes__"}
    values = {"code": error.code, "message": str(error), "fields": fields}
    return json.dumps({"error": values}).encode()


def _read(
    repository: DataRepository, series: NeededSeries, request: StagingRequest
) -> "CandleColumns | FundingRates | None":
    if series.kind == "spot":
        return _candles(repository, series, request.timerange)
    folder = contract_folder(request.data)
    if series.kind == "funding_rate":
        return read_rates(folder, series, request.timerange)
    return _candles(contract_candles(folder, series), series, request.timerange)


def _candles(
    repository: DataRepository, series: NeededSeries, timerange: TimeRange | OpenTimeRange | None
) -> "CandleColumns | None":
    """Return the candles of `series` for `timerange` and its warm-up; None when there are none."""
    from tradai.core.frames import read_columns

    market = series.pair.partition(":")[0]
    start = timerange and timerange.start and timerange.start - series.warmup * series.candle
    end = timerange and timerange.stop
    try:
        candles = read_columns(repository, market, series.timeframe, start=start, end=end)
    except NotFoundError:
        return None
    return candles if len(candles) else None


def _stage_columns(
    series: NeededSeries, candles: "CandleColumns | FundingRates", request: StagingRequest
) -> StagedSeries:
    from tradai.core.frames import FlatDataRepository, gaps, jumps

    if isinstance(candles, FundingRates):
        return stage_rates(series, candles, request.folder)
    target = (
        FlatDataRepository(request.folder, file_format="feather")
        if series.kind == "spot"
        else contract_candles(request.folder, series)
    )
    target.save_columns(series.pair.partition(":")[0], series.timeframe, candles)
    found = gaps(candles, series.timeframe)
    return StagedSeries(
        pair=series.pair,
        timeframe=series.timeframe,
        rows=len(candles),
        first=from_epoch_ms(int(candles.opened[0])),
        last=from_epoch_ms(int(candles.opened[-1])),
        gaps=tuple(
            StagedGap(start=gap.start, stop=gap.end, missing=gap.missing, move=move)
            for gap, move in zip(found, moves_over(found, candles), strict=True)
        ),
        jumps=tuple(map(str, jumps(candles, series.timeframe))),
        digest=candles_digest(candles),
        lowest=float(candles.cells["low"].min()),
    )


def _settled_range(request: StagingRequest, staged: Sequence[StagedSeries]) -> TimeRange:
    """Return the range to trade on; an open end is the furthest that the candles allow.

    The first candles of a series are its warm-up.
    """
    given = request.timerange
    traded = [pair for pair in zip(request.series, staged, strict=True) if pair[0].is_traded]
    latest = max(series.last + want.candle for want, series in traded)
    if given is not None and given.start is not None and given.start >= latest:
        message = (
            f"there are no candles from {given.start:%Y-%m-%d %H:%M} on: the last one closes at "
            f"{latest:%Y-%m-%d %H:%M}; add later ones, or let the time range begin earlier"
        )
        raise NotFoundError(message, kind="candles", key=traded[0][0].name)
    _check_some_are_left(traded)
    if isinstance(given, TimeRange):
        return given
    earliest = min(series.first + want.warmup * want.candle for want, series in traded)
    start = given.start if given else None
    stop = given.stop if given else None
    return TimeRange(start=start or earliest, stop=stop or latest)


def _check_some_are_left(traded: Sequence[tuple[NeededSeries, StagedSeries]]) -> None:
    """Check that a series has more candles than its warm-up, which the engine does not trade on.

    The engine fills gaps, so that a series has a candle for each moment from its first to its last.
    """
    most = max((series.last - series.first) // want.candle + 1 for want, series in traded)
    warmup = traded[0][0].warmup
    if most <= warmup:
        message = (
            f"there are {most} candles and the strategy needs {warmup} before it trades: add "
            "earlier candles, let the time range end later, or lower run.startup_candles"
        )
        raise ValidationError(message, field="candles", expected=f"more than {warmup}")
