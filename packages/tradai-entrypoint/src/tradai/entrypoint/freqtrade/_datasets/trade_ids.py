"""Trades that a file has twice, as after two downloads that overlap."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


def repeated_trades(
    opened: "npt.NDArray[np.int64]",
    ids: "Sequence[str | None] | pa.ChunkedArray",
    cells: "Mapping[str, npt.NDArray[np.float64]]",
) -> "npt.NDArray[np.bool_]":
    """Return of each trade whether one before it has its time, its id and its `cells`.

    Trades without an id, as in the files that Kraken publishes, repeat none.
    """
    import numpy as np

    numbers = _numbers(ids)
    keys: list[npt.NDArray[Any]] = [*cells.values(), numbers, opened]
    # It is stable, so the first of equal trades stays the first.
    order = np.lexsort(keys)
    is_same = numbers[order][1:] > 0
    for key in keys:
        is_same &= key[order][1:] == key[order][:-1]
    again = np.zeros(len(opened), dtype=bool)
    again[order[1:][is_same]] = True
    return again


def _numbers(ids: "Sequence[str | None] | pa.ChunkedArray") -> "npt.NDArray[np.int32]":
    """Return a number for each id, the same one for equal ids; 0 without one."""
    import numpy as np
    import pyarrow as pa

    given = ids if isinstance(ids, pa.ChunkedArray) else pa.chunked_array([pa.array(ids)])
    texts = given.cast(pa.large_string()).fill_null("").combine_chunks()
    # The first number is that of the first text.
    first = pa.array([""], pa.large_string())
    codes = pa.concat_arrays([first, texts]).dictionary_encode().indices
    return np.frombuffer(codes.buffers()[1], np.int32, len(codes), codes.offset * 4)[1:]
