"""Columns of a strategy that have other values without the candles after a trade.

The engine (freqtrade 2026.9) compares each number exactly, so that the last digits of a Fourier
transform, which depend on the number of candles, look like the future. It fails where a column can
be empty (`Int64`, `boolean`), and where only one of both frames has it.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

# As shares: of the number itself, and of the largest one in the column.
_OF_NUMBER: Final = 1e-9
_OF_LARGEST: Final = 1e-12


def changed_columns(whole: "pd.DataFrame", cut: "pd.DataFrame") -> list[str]:
    """Return the names of the columns that differ in the rows of `cut`.

    A column that a frame does not have is empty there.

    Args:
        whole: Columns of the whole time range.
        cut: Columns without the candles after a trade.
    """
    rows = whole.loc[cut.index]
    names = dict.fromkeys([*cut.columns, *rows.columns])
    return [str(name) for name in names if not _is_same(_column(rows, name), _column(cut, name))]


def _column(frame: "pd.DataFrame", name: object) -> "pd.DataFrame":
    """Return the column as a frame: two may have one name."""
    import pandas as pd

    if name in frame:
        return frame.loc[:, frame.columns == name]
    return pd.DataFrame(None, index=frame.index, columns=[name], dtype=object)


def _is_same(one: "pd.DataFrame", other: "pd.DataFrame") -> bool:
    import numpy as np

    if one.equals(other):
        return True
    empty = one.isna().to_numpy()
    if not np.array_equal(empty, other.isna().to_numpy()):
        return False
    if all(kind.kind == "f" for kind in (*one.dtypes, *other.dtypes)):
        first, second = (
            each.to_numpy(dtype=float, na_value=np.nan)[~empty] for each in (one, other)
        )
        largest = np.abs(first[np.isfinite(first)]).max(initial=0.0)
        return bool(np.allclose(first, second, rtol=_OF_NUMBER, atol=_OF_LARGEST * largest))
    first, second = (each.astype(object).to_numpy()[~empty].tolist() for each in (one, other))
    return bool(first == second)
