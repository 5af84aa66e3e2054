"""Blocks of candles that a broken download or merge wrote a second time, at another time."""

from typing import TYPE_CHECKING, Final

from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Fewer rows may be equal by chance in a market with few prices and amounts.
FEWEST_COPIED: Final = 20
_NAMES: Final = ("open", "high", "low", "close", "volume")
# Spreads the bits of a number over all places.
_ODD: Final = 0x9E3779B97F4A7C15


def copied_rows(raw: RawSeries) -> "npt.NDArray[np.bool_]":
    """Return of each row whether it is in a block that is equal to an earlier one.

    Each row of such a block is as many rows after its last equal as the others, and no fewer than
    the block has at least. Rows without volume, or with one price, say nothing and are passed over.
    """
    import numpy as np

    copied = np.zeros(len(raw.opened), dtype=bool)
    told = np.flatnonzero((raw.cells["volume"] > 0) & (raw.cells["high"] > raw.cells["low"]))
    if len(told) < FEWEST_COPIED:
        return copied
    key = np.zeros(len(told), dtype=np.uint64)
    for name in _NAMES:
        key = (key ^ raw.cells[name][told].view(np.uint64)) * np.uint64(_ODD)
        key ^= key >> np.uint64(32)
    order = key.argsort(kind="stable")
    before, after = order[:-1], order[1:]
    distance = np.zeros(len(told), dtype=np.int64)
    distance[after] = np.where(key[after] == key[before], after - before, 0)
    goes_on = (distance[1:] == distance[:-1]) & (distance[1:] >= FEWEST_COPIED)
    # Rows of one block share a number.
    block = np.cumsum(np.append(np.False_, ~goes_on))
    copied[told[np.bincount(block)[block] >= FEWEST_COPIED]] = True
    return copied
