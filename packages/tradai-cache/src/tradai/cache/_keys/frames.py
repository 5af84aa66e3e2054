"""pandas frames, series and indexes in a digest: shape, types, labels and every byte.

Imported with the first frame that is part of a key, when pandas is loaded anyway.
"""

from typing import Any, Final

import numpy as np

# The caller has imported pandas already: it passes one of its objects.
import pandas as pd  # noqa: TID253

from tradai.cache._keys.arrays import Writer, WriteValue, write_array, write_items, write_number
from tradai.cache._keys.scalars import Write, not_keyable, write_tagged, write_zone


def write_frame(write: Write, value: object, write_value: WriteValue) -> None:
    """Write a pandas object; items of object columns go to `write_value`.

    Raises:
        TypeError: Its type, or that of a column, has no exact encoding.
    """
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise not_keyable(type(value))
    write_tagged(write, b"P", type(value).__name__.encode())
    writer(write, value, write_value)


def _frame(write: Write, value: pd.DataFrame, write_value: WriteValue) -> None:
    _metadata(write, value, write_value)
    write_frame(write, value.columns, write_value)
    write_frame(write, value.index, write_value)
    for position in range(value.shape[1]):
        _column(write, value.iloc[:, position], write_value)


def _series(write: Write, value: "pd.Series[Any]", write_value: WriteValue) -> None:
    _metadata(write, value, write_value)
    write_value(write, value.name)
    write_frame(write, value.index, write_value)
    _column(write, value, write_value)


def _metadata(
    write: Write, value: "pd.DataFrame | pd.Series[Any]", write_value: WriteValue
) -> None:
    write_value(write, value.shape)
    write_value(write, value.attrs)
    write_value(write, value.flags.allows_duplicate_labels)


def _index(write: Write, value: "pd.Index[Any]", write_value: WriteValue) -> None:
    write_value(write, value.name)
    write_value(write, getattr(value, "freqstr", None))
    _column(write, value, write_value)


def _range_index(write: Write, value: pd.RangeIndex, write_value: WriteValue) -> None:
    write_value(write, value.name)
    write_value(write, range(value.start, value.stop, value.step))


def _multi_index(write: Write, value: pd.MultiIndex, write_value: WriteValue) -> None:
    write_value(write, value.nlevels)
    for level in range(value.nlevels):
        write_frame(write, value.get_level_values(level), write_value)


def _column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401 - no common type
    """Write one column or index, by the type of its values."""
    write_tagged(write, b"P", type(value.dtype).__name__.encode())
    write_value(write, len(value))
    writer = _column_writer(value.dtype)
    writer(write, value if writer is _numpy_column else value.array, write_value)


def _column_writer(dtype: object) -> Writer:
    if isinstance(dtype, np.dtype):
        return _numpy_column
    for dtype_class, writer in _COLUMNS.items():
        if isinstance(dtype, dtype_class):
            return writer
    raise not_keyable(type(dtype), "columns of this type are not supported")


def _numpy_column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401
    write_array(write, value.to_numpy(), write_value)


def _zoned_column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401
    _text(write, value.dtype.unit)
    write_zone(write, value.dtype.tz)
    write_array(write, value.asi8, write_value)


def _period_column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401
    _text(write, value.dtype.freq.freqstr)
    write_array(write, value.asi8, write_value)


def _categorical_column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401
    write_value(write, value.ordered)
    write_frame(write, value.categories, write_value)
    write_array(write, value.codes, write_value)


def _interval_column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401
    _text(write, value.closed)
    write_frame(write, value.left, write_value)
    write_frame(write, value.right, write_value)


def _string_column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401
    _text(write, value.dtype.storage)
    write_value(write, value.dtype.na_value is pd.NA)
    texts = value.to_numpy(dtype=object, na_value=None)
    write_items(write, texts.shape, texts.tolist(), write_value)


def _masked_column(write: Write, value: Any, write_value: WriteValue) -> None:  # noqa: ANN401
    dtype = value.dtype.numpy_dtype
    write_array(write, value.isna(), write_value)
    write_array(write, value.to_numpy(dtype=dtype, na_value=dtype.type(0)), write_value)


def _timestamp(write: Write, value: pd.Timestamp, write_value: WriteValue) -> None:
    write_number(write, value.to_datetime64(), write_value)
    write_value(write, value.fold)
    write_zone(write, value.tzinfo)


def _timedelta(write: Write, value: pd.Timedelta, write_value: WriteValue) -> None:
    write_number(write, value.to_timedelta64(), write_value)


def _period(write: Write, value: pd.Period, write_value: WriteValue) -> None:
    _text(write, value.freqstr)
    write_value(write, value.ordinal)


def _interval(write: Write, value: "pd.Interval[Any]", write_value: WriteValue) -> None:
    for part in (value.closed, value.left, value.right):
        write_value(write, part)


def _type_only(write: Write, value: object, write_value: WriteValue) -> None:
    """Write nothing: the type name has been written."""


def _text(write: Write, text: str) -> None:
    write_tagged(write, b"x", text.encode())


_WRITERS: Final[dict[type, Writer]] = {
    pd.DataFrame: _frame,
    pd.Series: _series,
    pd.Index: _index,
    pd.DatetimeIndex: _index,
    pd.TimedeltaIndex: _index,
    pd.PeriodIndex: _index,
    pd.CategoricalIndex: _index,
    pd.IntervalIndex: _index,
    pd.RangeIndex: _range_index,
    pd.MultiIndex: _multi_index,
    pd.Timestamp: _timestamp,
    pd.Timedelta: _timedelta,
    pd.Period: _period,
    pd.Interval: _interval,
    type(pd.NaT): _type_only,
    type(pd.NA): _type_only,
}
_COLUMNS: Final[dict[type, Writer]] = {
    pd.DatetimeTZDtype: _zoned_column,
    pd.PeriodDtype: _period_column,
    pd.CategoricalDtype: _categorical_column,
    pd.IntervalDtype: _interval_column,
    pd.StringDtype: _string_column,
    pd.BooleanDtype: _masked_column,
    **dict.fromkeys(
        [
            *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype),
            *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
            *(pd.Float32Dtype, pd.Float64Dtype),
        ],
        _masked_column,
    ),
}
