"""Pairs, versions, time ranges and JSON values."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from tradai.core import Currency, JsonValue, Pair, TimeRange, Version, pair_parts
from tradai.core.exceptions import ValidationError

INSTANTS = st.integers(0, 7_258_032_000).map(lambda second: datetime.fromtimestamp(second, UTC))


class Run(BaseModel):
    timerange: TimeRange
    facts: dict[str, JsonValue] = {}


def _accepts(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("pair", ["BTC/USDT", "1000SATS/USDT", "ETH/BTC", "BTC/USDT:USDT"])
def test_markets_are_pairs(pair: str) -> None:
    assert _accepts(TypeAdapter(Pair), pair)


@pytest.mark.parametrize(
    "pair",
    [
        "",
        "BTC",
        "BTCUSDT",
        "btc/usdt",
        "BTC/USDT/X",
        "BTC/",
        ".*/USDT",
        "BTC/USDT\n",
        "\u0412TC/USDT",
        5,
    ],
)
def test_anything_else_is_no_pair(pair: object) -> None:
    assert not _accepts(TypeAdapter(Pair), pair)


@pytest.mark.parametrize("pair", ["BTC/USDT", "BTC/USDT:USDT"])
def test_a_pair_has_a_base_and_a_quote(pair: str) -> None:
    assert pair_parts(pair) == ("BTC", "USDT")


def test_parts_of_no_pair_are_refused() -> None:
    with pytest.raises(ValidationError, match="BASE/QUOTE"):
        pair_parts("BTC-USDT")


@pytest.mark.parametrize("version", ["0.0.0", "1.0.0", "10.20.30"])
def test_three_plain_numbers_are_a_version(version: str) -> None:
    assert _accepts(TypeAdapter(Version), version)


@pytest.mark.parametrize(
    "version", ["", "1", "1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", "1.0.\u0663", "1.0.0\n"]
)
def test_anything_else_is_no_version(version: str) -> None:
    assert not _accepts(TypeAdapter(Version), version)


def test_a_currency_is_capital_letters_and_digits() -> None:
    assert _accepts(TypeAdapter(Currency), "USDT")
    assert not _accepts(TypeAdapter(Currency), "usdt")


@pytest.mark.parametrize(
    "text",
    [
        "20250101-20250401",
        "2025-01-01/2025-04-01",
        "2025-01-01-2025-04-01",
        "1735689600-1743465600",
    ],
)
def test_a_range_is_read_from_days_or_seconds(text: str) -> None:
    timerange = TimeRange.parse(text)

    assert timerange.start == datetime(2025, 1, 1, tzinfo=UTC)
    assert timerange.stop == datetime(2025, 4, 1, tzinfo=UTC)
    assert str(timerange) == "20250101-20250401"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20250101",
        "20250101-",
        "20250401-20250101",
        "20250101-20250101",
        "20250230-20250401",
        "20250101-20250401\n",
        "\u0662\u0660\u0662\u0665\u0660\u0661\u0660\u0661-20250401",
        "2025-01-01/20250401",
        "19691231-19700102",
        "20250101-22010101",
    ],
)
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="expected"):
        TimeRange.parse(text)


@given(INSTANTS, INSTANTS)
def test_a_range_round_trips_through_its_text(one: datetime, other: datetime) -> None:
    start = min(one, other)
    timerange = TimeRange(start=start, stop=max(one, other, start + timedelta(seconds=1)))

    assert TimeRange.parse(str(timerange)) == timerange


@pytest.mark.parametrize(
    "start",
    [
        datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(2025, 1, 1, microsecond=1, tzinfo=UTC),
    ],
)
def test_an_end_that_is_not_a_whole_utc_second_is_refused(start: datetime) -> None:
    with pytest.raises(ValidationError, match="aware UTC"):
        TimeRange(start=start, stop=datetime(2025, 2, 1, tzinfo=UTC))


def test_pydantic_takes_a_range_or_its_text_and_dumps_text() -> None:
    run = Run.model_validate({"timerange": "20250101-20250401"})

    assert Run(timerange=run.timerange) == run
    assert json.loads(run.model_dump_json())["timerange"] == "20250101-20250401"
    assert Run.model_validate_json(run.model_dump_json()) == run


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {1, 2}, b"x", object()])
def test_what_json_cannot_say_is_no_json_value(value: object) -> None:
    assert not _accepts(TypeAdapter(JsonValue), value)


def test_a_json_value_is_left_as_it_is() -> None:
    facts: dict[str, JsonValue] = {"a": [1, {"b": None}], "c": "text"}
    timerange = TimeRange.parse("20250101-20250401")

    assert Run(timerange=timerange, facts=facts).facts == facts
