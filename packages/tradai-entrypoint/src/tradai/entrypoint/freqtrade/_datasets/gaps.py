"""Rows that are missing between the first and the last one of a series."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, final

from tradai.core import Timeframe
from tradai.entrypoint.freqtrade._candles.data_file import FUNDING_RATE, DataFile
from tradai.entrypoint.freqtrade._candles.stored_range import row_gaps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SECOND_MS: Final = 1000


@final
@dataclass(frozen=True, slots=True)
class MissingRows:
    """The gaps of a series.

    Attributes:
        gaps: Number of gaps.
        missing: Number of rows that are missing in them; of funding rates, the least there can be.
        first: Start of the first gap; None without any.
    """

    gaps: int
    missing: int
    first: datetime | None


def missing_rows(
    opened: "npt.NDArray[np.int64]", file: DataFile, timeframe: Timeframe
) -> MissingRows:
    """Return the gaps between rows of `file` at the times `opened`, whatever their order.

    Funding rates come every one, four or eight hours, whatever the name of the file says; see
    `rate_gaps`.
    """
    import numpy as np

    if file.kind == FUNDING_RATE:
        # A rate may come a few milliseconds late.
        opened = opened // SECOND_MS * SECOND_MS
    found = list(row_gaps(np.unique(opened), kind=file.kind, timeframe=timeframe))
    first = found[0][0] if found else None
    return MissingRows(len(found), sum(missing for _, _, missing in found), first)


def off_grid(opened: "npt.NDArray[np.int64]", timeframe: Timeframe) -> "npt.NDArray[np.bool_]":
    """Return of each time whether no candle of `timeframe` opens at it; there is at least one."""
    import numpy as np

    if timeframe.endswith("M"):
        return np.array([timeframe.floor(at) != at for at in opened.tolist()], dtype=bool)
    off: npt.NDArray[np.bool_] = (
        opened - timeframe.floor(int(opened[0]))
    ) % timeframe.milliseconds != 0
    return off
