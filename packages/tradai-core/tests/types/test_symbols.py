"""The vocabulary of values: currencies, pairs, versions, prices, instants, JSON."""

import json
import pickle
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, TypeAdapter

from tradai.core import (
    Currency,
    JsonObject,
    JsonValue,
    Pair,
    Price,
    Symbol,
    Timeframe,
    TimeRange,
    Utc,
    Version,
    freeze,
    pair_parts,
    thaw,
)
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


@pytest.mark.parametrize(
    "pair",
    [
        *("BTC/USDT", "1000SATS/USDT", "ETH/BTC", "BTC/USDT:USDT"),
        # Binance has such coins.
        *("\u5e01\u5b89\u4eba\u751f/USDT", "\u6211\u8e0f\u9a6c\u6765\u4e862/USDT:USDT"),
        "BTC/\ube44\ud2b8",
    ],
)
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
        # Letters of Cyrillic, Greek, Lisu, Cree, Runic, Old Italic, Tifinagh and Korean, and a wide
        # one, that look like those of Latin.
        *("\u0412TC/USDT", "BTC/\u03a7RP", "\ua4d0TC/USDT", "\u15f7TC/USDT", "\u16d2TC/USDT"),
        *("\U00010301TC/USDT", "S\u2d54L/USDT", "S\u110bL/USDT", "\uff22TC/USDT"),
        # Letters that are written from right to left, which moves the slash.
        *("\u05d0\u05d1/USDT", "\u0628\u062a/USDT"),
        # Like a slash, a colon, or nothing at all.
        *("BTC\u30ceUSDT/USDT", "BTC\u2044USDT", "\u4e3f/USDT", "BTC/USDT\ua4fdUSDT"),
        *("BTC\u02d0USDT/USDT", "BTC\uff1aUSDT", "\u115f/USDT", "\u3164/USDT"),
        # Marks of direction, joiners, accents, control characters, other digits.
        *("\u202e\u5e01/USDT", "\u5e01\u200f/USDT", "\u5e01\u200d/USDT", "E\u0301/USDT"),
        *(
            "\u5e01\x00/USDT",
            "\u5e01\x1b/USDT",
            "\u0661/USDT",
            "\u2460/USDT",
            "\u5e01" * 21 + "/USDT",
        ),
        5,
    ],
)
def test_other_text_is_not_a_pair(pair: object) -> None:
    assert not _accepts(TypeAdapter(Pair), pair)


def test_a_pair_knows_its_currencies() -> None:
    spot, contract = Pair("ETH/BTC"), Pair("BTC/USD:USDT")

    assert (spot.base, spot.quote, spot.settle) == ("ETH", "BTC", None)
    assert (contract.base, contract.quote, contract.settle) == ("BTC", "USD", "USDT")
    assert pair_parts("BTC/USD:USDT") == ("BTC", "USD")


@given(*[st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True, alphabet="AZ09")] * 3)
def test_a_pair_is_its_currencies(base: str, quote: str, settle: str) -> None:
    spot, contract = Pair(f"{base}/{quote}"), Pair(f"{base}/{quote}:{settle}")

    assert (spot.base, spot.quote, spot.settle) == (base, quote, None)
    assert (contract.base, contract.quote, contract.settle) == (base, quote, settle)


@pytest.mark.parametrize("value", [Pair("BTC/USDT"), Version("1.0.0"), Timeframe("5m")], ids=repr)
def test_a_value_type_is_an_ordinary_string(value: str) -> None:
    text = str(value)

    assert isinstance(value, str)
    assert value == text
    assert {value: 1}[text] == 1
    assert json.dumps([value]) == json.dumps([text])
    # The bytes are our own, made in the same line.
    assert type(pickle.loads(pickle.dumps(value))) is type(value)  # noqa: S301


@pytest.mark.parametrize("kind", [Pair, Version])
def test_a_value_type_cannot_be_made_of_anything_else(kind: type[str]) -> None:
    with pytest.raises(ValidationError, match="is not usable: expected"):
        kind("BTC-USDT")


@pytest.mark.parametrize("value", [5, None, b"BTC/USDT", ["BTC/USDT"]], ids=repr)
@pytest.mark.parametrize("kind", [Pair, Version])
def test_a_value_that_is_not_text_is_refused_by_its_type(
    kind: Callable[[Any], str], value: object
) -> None:
    with pytest.raises(ValidationError, match=f"of type {type(value).__name__} is not usable"):
        kind(value)


def test_parts_of_no_pair_are_refused() -> None:
    with pytest.raises(ValidationError, match="BASE/QUOTE"):
        pair_parts("BTC-USDT")


NUMBERS = st.integers(0, 10**12)
VERSIONS = st.tuples(NUMBERS, NUMBERS, NUMBERS)


def _version(numbers: tuple[int, int, int]) -> Version:
    return Version(".".join(map(str, numbers)))


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_by_their_numbers(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    left, right = _version(one), _version(other)

    assert (left.major, left.minor, left.patch) == one
    assert (left < right, left <= right) == (one < other, one <= other)
    assert (left > right, left >= right) == (one > other, one >= other)
    assert (left == right) == (one == other)


def test_a_version_compares_with_text_from_either_side() -> None:
    version = Version("1.10.0")

    assert version > "1.9.0"
    assert "1.9.0" < version  # noqa: SIM300 - the other side is what is tested
    assert sorted(["1.9.0", version, "1.2.0"]) == ["1.2.0", "1.9.0", "1.10.0"]
    assert max("1.9.0", version) is version


def test_a_version_does_not_compare_with_what_is_none() -> None:
    with pytest.raises(ValidationError, match="version 'latest' is not usable"):
        _ = Version("1.0.0") < "latest"


@pytest.mark.parametrize("version", ["0.0.0", "1.0.0", "10.20.30"])
def test_three_plain_numbers_are_a_version(version: str) -> None:
    assert _accepts(TypeAdapter(Version), version)


@pytest.mark.parametrize(
    "version", ["", "1", "1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", "1.0.\u0663", "1.0.0\n"]
)
def test_other_text_is_not_a_version(version: str) -> None:
    assert not _accepts(TypeAdapter(Version), version)


OLD_VERSION = st.from_regex(r"^\d+\.\d+\.\d+$", fullmatch=True)
# Longer ones are for the tests of the timeframe itself.
OLD_TIMEFRAME = st.from_regex(r"^\d{1,6}[mhd]$", fullmatch=True)


def _is_new(number: str) -> bool:
    return not number.isascii() or (number.startswith("0") and number != "0")


@given(OLD_VERSION)
def test_versions_of_the_old_platform_are_versions_but_for_odd_digits_and_leading_zeros(
    text: str,
) -> None:
    is_odd = any(_is_new(number) for number in text.split("."))

    assert _accepts(TypeAdapter(Version), text) is not is_odd


@given(OLD_TIMEFRAME)
def test_timeframes_of_the_old_platform_are_timeframes_but_for_zero(text: str) -> None:
    number = text[:-1]
    is_odd = _is_new(number) or number == "0"

    assert _accepts(TypeAdapter(Timeframe), text) is not is_odd


@given(st.text("0123456789.v-+ \n", max_size=8))
def test_text_that_the_old_platform_refuses_is_not_a_version(text: str) -> None:
    old = re.fullmatch(r"\d+\.\d+\.\d+", text)

    assert old or not _accepts(TypeAdapter(Version), text)


def test_a_currency_is_capital_letters_and_digits() -> None:
    assert _accepts(TypeAdapter(Currency), "USDT")
    assert not _accepts(TypeAdapter(Currency), "usdt")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000SATSUSDT", "BTCUSD_250627", "PI-XBT.D"])
def test_a_symbol_is_what_the_exchange_writes(symbol: str) -> None:
    assert _accepts(TypeAdapter(Symbol), symbol)


@pytest.mark.parametrize("symbol", ["", "btcusdt", "BTC/USDT", "BTCUSDT\n", "A" * 21, 5])
def test_other_text_is_not_a_symbol(symbol: object) -> None:
    assert not _accepts(TypeAdapter(Symbol), symbol)


@pytest.mark.parametrize("price", ["0.00000001", 1, 67_000.5, Decimal("1E+5")])
def test_a_price_is_above_zero(price: object) -> None:
    assert TypeAdapter(Price).validate_python(price) == Decimal(str(price))


@pytest.mark.parametrize("price", [0, "-1", "0.0", float("nan"), "Infinity", "1_0", None, True])
def test_other_values_are_not_prices(price: object) -> None:
    assert not _accepts(TypeAdapter(Price), price)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_round_trips_through_json(at: datetime) -> None:
    adapter: TypeAdapter[datetime] = TypeAdapter(Utc)

    assert adapter.validate_json(adapter.dump_json(at)) == at
    assert adapter.validate_python(at.isoformat()) == at


def test_an_instant_is_in_the_zone_utc_however_it_came() -> None:
    of_no_offset = datetime(2025, 1, 1, tzinfo=timezone(timedelta(0), "London"))

    at = TypeAdapter[datetime](Utc).validate_python(of_no_offset)

    assert at.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        "2025-01-01T00:00:00",
        "2025-01-01T00:00:00+01:00",
        "2025-01-01",
        "2025-02-30T00:00:00Z",
        "2025-01-01T00:00:00.0000001Z",
        "1735689600",
        1_735_689_600,
        None,
    ],
    ids=repr,
)
def test_an_ambiguous_value_is_not_an_instant(value: object) -> None:
    assert not _accepts(TypeAdapter(Utc), value)


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


@given(*[st.dates(date(1970, 1, 1), date(2199, 12, 31))] * 2)
def test_any_two_days_are_read_as_they_are_written(one: date, other: date) -> None:
    first, last = min(one, other), max(one, other) + timedelta(days=1)
    ends = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last)]

    for text in (f"{first:%Y%m%d}-{last:%Y%m%d}", f"{first}/{last}"):
        timerange = TimeRange.parse(text)

        assert [timerange.start, timerange.stop] == ends
        assert str(timerange) == f"{first:%Y%m%d}-{last:%Y%m%d}"


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
def test_a_value_that_json_cannot_hold_is_refused(value: object) -> None:
    assert not _accepts(TypeAdapter(JsonValue), value)


def test_a_json_value_is_left_as_it_is() -> None:
    facts: dict[str, JsonValue] = {"a": [1, {"b": None}], "c": "text"}
    timerange = TimeRange.parse("20250101-20250401")

    assert Run(timerange=timerange, facts=facts).facts == facts


def test_a_json_object_is_frozen_as_a_field_and_plain_when_dumped() -> None:
    adapter: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)
    facts = {"a": [1, {"b": None}]}

    frozen: Any = adapter.validate_python(facts)

    assert frozen == freeze(facts) == {"a": (1, {"b": None})}
    with pytest.raises(TypeError, match="frozen mapping"):
        frozen["a"] = 2
    assert adapter.dump_python(frozen) == thaw(frozen) == facts
    assert not _accepts(adapter, [1])
