"""The data of a perpetual contract in the engine's layout: candles, mark candles, funding."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from tradai.core import (
    FileKind,
    OpenTimeRange,
    TimeRange,
    file_errors,
    from_epoch_ms,
    read_regular_file,
)
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint.freqtrade._candles.dataset import candle_files, data_folder
from tradai.entrypoint.freqtrade._candles.staged_data import (
    LONGEST_FUNDING_INTERVAL,
    NeededSeries,
    StagedGap,
    StagedSeries,
)

if TYPE_CHECKING:
    import numpy as np

    from tradai.core.frames import FlatDataRepository

# Half an hour: a rate that came later than that after its full hour is missing.
_LONGEST_DELAY_MS: Final = 30 * 60 * 1000
# Whole numbers and floats, in the words of NumPy.
_NUMBER_KINDS: Final = "iuf"
_SHORTEST_INTERVAL_MS: Final = 60 * 60 * 1000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRates:
    """Funding rates of one contract.

    Attributes:
        opened: When each is charged, in milliseconds since the epoch.
        rates: Part of the position's value that is charged; a negative one is paid to longs.
    """

    opened: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    rates: "np.ndarray[tuple[int], np.dtype[np.float64]]"


def contract_folder(data: str) -> Path:
    """Return the folder of the candles `data`.

    Raises:
        ConfigurationError: It is not a flat folder.
    """
    folder = None if data.startswith(("parquet:", "arctic:")) else data_folder(data)
    if folder is None:
        message = (
            f"{data} cannot hold the data of futures: name a folder in Freqtrade's layout, with "
            "files such as futures/BTC_USDT_USDT-1h-mark.feather"
        )
        raise ConfigurationError(message, key="TRADAI_RUN_DATA")
    return folder


def contract_candles(folder: Path, series: NeededSeries) -> "FlatDataRepository":
    """Return the candles of the kind of `series` in `folder`."""
    from tradai.core.frames import FlatDataRepository

    return FlatDataRepository(folder, file_format="feather", candle_type=series.kind)


def read_rates(
    folder: Path, series: NeededSeries, timerange: TimeRange | OpenTimeRange | None
) -> FundingRates | None:
    """Return the funding rates of `series` in `timerange`; None when there are none.

    Raises:
        ValidationError: The file is not one of funding rates, or a rate is not a number.
        StorageError: It cannot be read.
    """
    paths = [path for name in candle_files(series) if os.path.lexists(path := folder / name)]
    if not paths:
        return None
    rates = _load(paths[0])
    import numpy as np

    kept = np.ones(len(rates.opened), dtype=bool)
    if timerange is not None and timerange.start is not None:
        kept &= rates.opened >= timerange.start.timestamp() * 1000
    if timerange is not None and timerange.stop is not None:
        kept &= rates.opened < timerange.stop.timestamp() * 1000
    return FundingRates(opened=rates.opened[kept], rates=rates.rates[kept]) if kept.any() else None


def stage_rates(series: NeededSeries, rates: FundingRates, folder: Path) -> StagedSeries:
    """Write `rates` into `folder` for the engine; the digest is over times and rates.

    Raises:
        StorageError: The file cannot be written.
    """
    import pandas as pd

    path = folder / candle_files(series)[1]
    opened = pd.to_datetime(rates.opened, unit="ms", utc=True)
    frame = pd.DataFrame({"date": opened, "funding_rate": rates.rates})
    with file_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_feather(path)
    content = hashlib.sha256(rates.opened.astype("<i8").tobytes())
    # Adding zero turns a negative zero into zero, which it equals.
    content.update((rates.rates + 0.0).astype("<f8").tobytes())
    return StagedSeries(
        pair=series.pair,
        timeframe=series.timeframe,
        rows=len(rates.opened),
        first=from_epoch_ms(int(rates.opened[0])),
        last=from_epoch_ms(int(rates.opened[-1])),
        gaps=tuple(rate_gaps(rates.opened)),
        jumps=(),
        digest=content.hexdigest(),
    )


def rate_gaps(opened: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Iterator[StagedGap]:
    """Yield where funding rates, whose times rise, are further apart than those around them.

    They are charged at full hours, so one that was sent late is still there. Their interval may
    change, so a step is a gap when it is longer than both of its neighbours, or than the longest
    interval of any contract. Two gaps side by side, with one rate between them, look like such a
    change, and so does a gap in the first or the last step: those are not found.
    """
    import numpy as np

    longest_ms = int(LONGEST_FUNDING_INTERVAL.total_seconds() * 1000)
    steps = np.pad(np.diff(opened), 1, constant_values=longest_ms)
    expected = np.maximum(steps[:-2], steps[2:]).clip(_SHORTEST_INTERVAL_MS, longest_ms)
    for index in np.flatnonzero(steps[1:-1] > expected + _LONGEST_DELAY_MS):
        before, after = (int(each) for each in opened[index : index + 2])
        interval_ms = int(expected[index])
        yield StagedGap(
            start=from_epoch_ms(before + interval_ms),
            stop=from_epoch_ms(after),
            missing=(after - before - _LONGEST_DELAY_MS) // interval_ms,
        )


def _load(path: Path) -> FundingRates:
    import numpy as np
    import pandas as pd

    read = pd.read_parquet if path.suffix == ".parquet" else pd.read_feather
    with file_errors("read", path):
        data = BytesIO(read_regular_file(path, FileKind.CANDLES))
    try:
        frame = read(data)
        # The engine wrote them as the opening price before 2026.
        column = frame["funding_rate" if "funding_rate" in frame else "open"]
        if column.dtype.kind not in _NUMBER_KINDS:
            raise _not_rates(path, "rates as numbers")
        rates = column.to_numpy(float)
        opened = frame["date"].dt.as_unit("ms").astype("int64").to_numpy()
    except ValidationError:
        # A `ValueError` too.
        raise
    except (AttributeError, LookupError, OSError, TypeError, ValueError) as exc:
        raise _not_rates(path, "dates and rates") from exc
    # The exchange sends some a few milliseconds late.
    opened = opened // 1000 * 1000
    if not np.isfinite(rates).all() or (np.diff(opened) <= 0).any():
        raise _not_rates(path, "numbers in order of time")
    return FundingRates(opened=opened, rates=rates)


def _not_rates(path: Path, expected: str) -> ValidationError:
    message = f"{path} is not usable as funding rates: expected {expected}; fetch them again"
    return ValidationError(message, field=str(path), expected=expected)
