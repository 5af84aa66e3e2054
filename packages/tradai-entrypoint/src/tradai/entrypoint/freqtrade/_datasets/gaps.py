"""Rows that are missing between the first and the last one of a series."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, final

from tradai.core import Timeframe
from tradai.entrypoint.freqtrade._datasets.data_file import FUNDING_RATE, DataFile

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
        from tradai.entrypoint.freqtrade._candles.contract_data import rate_gaps

        # A rate may come a few milliseconds late.
        rates = list(rate_gaps(np.unique(opened // SECOND_MS * SECOND_MS)))
        first = rates[0].start if rates else None
        return MissingRows(len(rates), sum(gap.missing for gap in rates), first)

    from tradai.core.frames import CandleColumns, gaps

    found = gaps(CandleColumns(np.unique(opened), {}), timeframe)
    first = found[0].start if found else None
    return MissingRows(len(found), sum(gap.missing for gap in found), first)
