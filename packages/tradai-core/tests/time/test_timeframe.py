"""Timeframes: a strict grammar on an ordinary string, one object for each text, in order."""

import copy
import operator
import pickle
import threading
import weakref
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, TypeAdapter

from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError

ODD = ["", "5", "m", "0m", "05m", "-5m", "+5m", " 5m", "5m ", "5m\n", "5M ", "1_0m", "1.5m", "5M5"]
NO_UNIT = ["5y", "1H", "1D", "5min", "1S", "1W", "5\u03bc"]
NOT_ASCII = ["\u0663m", "\uff15m", "5\uff4d", "1\u0663m", "\u06631m", "5m\u0301"]
NOT_TEXT = [5, True, 5.0, None, b"5m", ["5m"], ("5m",), {"5m": 1}, object()]
IN_ORDER = ["1s", "60s", "1m", "5m", "60m", "1h", "24h", "1d", "7d", "1w", "28d", "4w", "30d"]
IN_ORDER += ["1M", "31d", "5w", "3M", "365d", "12M", "366d", "20871w", "4800M"]

texts = st.builds("{}{}".format, st.integers(1, 999_999), st.sampled_from("smhdwM"))


class Candles(BaseModel):
    timeframe: Timeframe


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("5m", 300), ("90m", 5_400), ("4h", 14_400), ("1d", 86_400), ("2w", 1_209_600)],
)
def test_a_timeframe_knows_its_length(text: str, seconds: int) -> None:
    assert Timeframe(text).seconds == seconds
    assert Timeframe(text).milliseconds == seconds * 1_000


@pytest.mark.parametrize("text", [*ODD, *NO_UNIT, *NOT_ASCII, "1000000m"])
def test_anything_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="such as 5m"):
        Timeframe(text)


@pytest.mark.parametrize("value", NOT_TEXT)
def test_a_value_that_is_not_text_is_refused_by_its_type(value: str) -> None:
    with pytest.raises(ValidationError, match=f"of type {type(value).__name__} is not usable"):
        Timeframe(value)


@given(texts)
def test_everything_inside_the_grammar_is_kept_as_text(text: str) -> None:
    timeframe = Timeframe(text)

    assert timeframe == text
    assert hash(timeframe) == hash(text)
    assert {text: 1}[timeframe] == 1


@pytest.mark.parametrize("name", ["seconds", "milliseconds"])
def test_a_month_has_no_fixed_length(name: str) -> None:
    with pytest.raises(ValidationError, match="months differ"):
        getattr(Timeframe("1M"), name)


# Short ones, so that one of the two is often made of the other.
LENGTHS = st.builds(
    Timeframe, st.builds("{}{}".format, st.integers(1, 12), st.sampled_from("smhdwM"))
)


@given(LENGTHS, LENGTHS, st.integers(0, 4_000_000_000_000))
def test_whole_candles_open_and_close_with_the_one_that_they_make(
    shorter: Timeframe, longer: Timeframe, at: int
) -> None:
    ends = longer.floor(at), longer.next_close(at)
    is_whole = [shorter.floor(end) for end in ends] == list(ends)

    # Some months begin with a candle of two days.
    if shorter.makes_whole(longer) or not longer.endswith("M"):
        assert shorter.makes_whole(longer) == (shorter < longer and is_whole)


@pytest.mark.parametrize(
    ("shorter", "longer", "is_whole"),
    [
        ("1d", "1w", True),
        ("7d", "2w", False),
        ("3d", "3w", False),
        ("1d", "1M", True),
        ("7d", "1M", False),
    ],
)
def test_weeks_and_months_are_made_of_candles_that_open_with_them(
    shorter: str, longer: str, *, is_whole: bool
) -> None:
    assert Timeframe(shorter).makes_whole(Timeframe(longer)) is is_whole


@given(texts)
def test_one_text_is_one_object_also_by_copy_and_pickle(text: str) -> None:
    timeframe = Timeframe(text)

    assert Timeframe(text) is timeframe
    assert Timeframe(timeframe) is timeframe
    assert copy.copy(timeframe) is timeframe
    assert copy.deepcopy([timeframe])[0] is timeframe
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        # Bytes of this very process.
        assert pickle.loads(pickle.dumps(timeframe, protocol)) is timeframe  # noqa: S301


def test_a_timeframe_in_use_stays_one_object() -> None:
    held = Timeframe("4242m")

    forget_the_latest()

    assert Timeframe("4242m") is held


def forget_the_latest() -> None:
    for count in range(1, 1_001):
        Timeframe(f"{count}s")


def test_unused_timeframes_do_not_pile_up() -> None:
    remembered = [weakref.ref(Timeframe(f"{count}h")) for count in range(90_000, 91_000)]

    alive = sum(each() is not None for each in remembered)

    assert 0 < alive < 500


def test_threads_that_read_new_texts_get_the_same_objects(
    eager_barrier: Callable[[int], threading.Barrier],
) -> None:
    texts = [f"{count}m" for count in range(70_000, 70_200)]
    start, found = eager_barrier(4), list[list[Timeframe]]()

    def read() -> None:
        start.wait()
        found.append([Timeframe(text) for text in texts])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    forget_the_latest()
    found.append([Timeframe(text) for text in texts])
    assert len(found) == 5
    for same in zip(*found, strict=True):
        assert len({id(each) for each in same}) == 1


@given(st.permutations(IN_ORDER))
def test_order_is_by_length_then_by_unit(shuffled: list[str]) -> None:
    assert sorted(map(Timeframe, shuffled)) == IN_ORDER
    for shorter, longer in pairwise(map(Timeframe, IN_ORDER)):
        assert shorter < longer
        assert shorter <= longer
        assert longer > shorter
        assert longer >= shorter
        assert not longer <= shorter


@given(texts, texts)
def test_order_is_total_and_agrees_with_equality(one: str, other: str) -> None:
    left, right = Timeframe(one), Timeframe(other)

    assert (left < right) + (left == right) + (left > right) == 1
    assert (left <= right) == (left < right or left == right)
    assert (left >= right) == (right <= left)


def test_a_text_is_compared_as_a_timeframe_from_either_side() -> None:
    assert Timeframe("5m") < "1h"
    assert operator.gt("1h", Timeframe("5m"))
    assert Timeframe("30m") >= "5m"
    assert operator.le("5m", Timeframe("30m"))
    with pytest.raises(ValidationError, match="'fortnight' is not usable"):
        _ = Timeframe("5m") < "fortnight"


def test_pydantic_makes_timeframes_and_dumps_text() -> None:
    candles = Candles.model_validate({"timeframe": "5m"})

    assert candles.timeframe is Timeframe("5m")
    assert candles.model_copy(deep=True).timeframe is candles.timeframe
    assert candles.model_dump_json() == '{"timeframe":"5m"}'
    assert Candles.model_validate_json(candles.model_dump_json()) == candles


@pytest.mark.parametrize("value", [5, True, None, b"5m", "0m"])
def test_pydantic_refuses_text_that_is_not_a_timeframe(value: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        TypeAdapter(Timeframe).validate_python(value)
