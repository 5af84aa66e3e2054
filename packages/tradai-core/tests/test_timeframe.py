"""Timeframes: a strict grammar on an ordinary string."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError

ODD = ["", "5", "m", "0m", "05m", "-5m", "+5m", " 5m", "5m ", "5m\n", "1_0m", "1.5m", "5M5", "5y"]
NOT_ASCII = ["\u0663m", "\uff15m", "5\uff4d"]


class Candles(BaseModel):
    timeframe: Timeframe


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("5m", 300), ("90m", 5_400), ("4h", 14_400), ("1d", 86_400), ("2w", 1_209_600)],
)
def test_a_timeframe_knows_its_length(text: str, seconds: int) -> None:
    assert Timeframe(text).seconds == seconds
    assert Timeframe(text).milliseconds == seconds * 1_000


@pytest.mark.parametrize("text", [*ODD, *NOT_ASCII])
def test_anything_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="such as 5m"):
        Timeframe(text)


@given(st.integers(1, 999_999), st.sampled_from("smhdwM"))
def test_everything_inside_the_grammar_is_kept_as_text(count: int, unit: str) -> None:
    assert Timeframe(f"{count}{unit}") == f"{count}{unit}"


def test_a_month_has_no_length_in_seconds() -> None:
    month = Timeframe("1M")

    with pytest.raises(ValidationError, match="months differ"):
        _ = month.seconds


def test_it_is_a_string_that_survives_copying() -> None:
    timeframe = copy.deepcopy(Timeframe("5m"))

    assert isinstance(timeframe, Timeframe)
    assert timeframe == "5m"
    assert hash(timeframe) == hash("5m")


def test_pydantic_makes_timeframes_and_dumps_text() -> None:
    candles = Candles.model_validate({"timeframe": "5m"})

    assert isinstance(candles.timeframe, Timeframe)
    assert candles.model_dump_json() == '{"timeframe":"5m"}'
    assert Candles.model_validate_json(candles.model_dump_json()) == candles


@pytest.mark.parametrize("value", [5, None, b"5m", "0m"])
def test_pydantic_refuses_what_is_no_timeframe(value: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        TypeAdapter(Timeframe).validate_python(value)
