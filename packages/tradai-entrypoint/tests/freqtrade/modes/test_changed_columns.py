"""Columns of the look-ahead analysis: which of them count as changed by later candles."""

from typing import Any, TypeAlias

import pandas as pd  # noqa: TID253 - a test needs no fast start
import pytest

# Not public: a child process calls it, which runs on the real engine elsewhere.
from tradai.entrypoint.freqtrade._modes._bias.changed_columns import changed_columns

CLOSES = pd.Series([100.0, 101.0, 102.0, 103.0, 104.0, 105.0])
CUT = 4
# The stubs of pandas name each kind.
Kind: TypeAlias = Any


def _frames(whole: pd.Series, cut: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.DataFrame({"column": whole}), pd.DataFrame({"column": cut.iloc[:CUT]})


def test_a_column_of_earlier_candles_is_the_same() -> None:
    assert changed_columns(*_frames(CLOSES.shift(1), CLOSES[:CUT].shift(1))) == []


@pytest.mark.parametrize("kind", ["float64", "Int64", "Float64", "string", "object", "category"])
def test_a_column_of_later_candles_is_changed(kind: Kind) -> None:
    whole, cut = (each.shift(-1).astype(kind) for each in (CLOSES, CLOSES[:CUT]))

    assert changed_columns(*_frames(whole, cut)) == ["column"]


@pytest.mark.parametrize("kind", ["boolean", "bool", "object"])
def test_an_answer_that_later_candles_change_is_changed(kind: Kind) -> None:
    whole, cut = (each.gt(each.shift(-1)).eq(other=False) for each in (CLOSES, CLOSES[:CUT]))
    cut.iloc[-1] = False

    assert changed_columns(*_frames(whole.astype(kind), cut.astype(kind))) == ["column"]


@pytest.mark.parametrize("kind", ["Int64", "boolean", "string"])
def test_a_column_that_can_be_empty_is_the_same_where_both_are(kind: Kind) -> None:
    values = pd.Series([None, 1, 0, None, 1, 0], dtype="object").astype(kind)

    assert changed_columns(*_frames(values, values)) == []


def test_the_last_digits_of_a_sum_are_no_change() -> None:
    whole, cut = _frames(CLOSES - 100, (CLOSES - 100) * (1 + 1e-15) + 1e-13)

    assert changed_columns(whole, cut) == []


def test_a_difference_that_can_be_traded_on_is_a_change() -> None:
    assert changed_columns(*_frames(CLOSES, CLOSES * (1 + 1e-6))) == ["column"]


def test_numbers_without_an_end_are_compared_as_they_are() -> None:
    whole = pd.Series([float("inf"), 1.0, 2.0, 3.0])

    assert changed_columns(*_frames(whole, whole)) == []
    assert changed_columns(*_frames(whole, whole + 1)) == ["column"]


def test_a_column_that_one_frame_lacks_is_empty_there() -> None:
    whole = pd.DataFrame({"close": CLOSES, "late": CLOSES.rolling(CUT + 1).mean(), "all": CLOSES})

    assert changed_columns(whole, whole[["close"]].iloc[:CUT]) == ["all"]


def test_columns_of_one_name_are_compared_together() -> None:
    whole = pd.concat([CLOSES, CLOSES.shift(-1)], axis=1, keys=["twice", "twice"])
    cut = pd.concat([CLOSES[:CUT], CLOSES[:CUT].shift(-1)], axis=1, keys=["twice", "twice"])

    assert changed_columns(whole, whole.iloc[:CUT]) == []
    assert changed_columns(whole, cut) == ["twice"]
