"""When candles open and close: a slow calendar as the oracle, and laws."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tradai.core import Timeframe, from_epoch_ms, to_epoch_ms
from tradai.core.exceptions import ValidationError

LAST_DAY = date(2100, 12, 31)
TICK = timedelta(microseconds=1)
SHORT = ["1s", "7s", "30s", "86400s", "1m", "5m", "15m", "45m", "90m", "1440m", "1h", "4h", "7h"]
LONG = ["1d", "2d", "3d", "7d", "30d", "100d", "1w", "2w", "3w", "5w", "52w"]
LONG += ["1M", "2M", "3M", "5M", "6M", "7M", "12M", "24M", "100M"]
IN_UTC = datetime(2025, 1, 1, tzinfo=UTC)

Instant = TypeVar("Instant", int, datetime)
timeframes = st.builds(
    "{}{}".format, st.integers(1, 5) | st.integers(1, 999), st.sampled_from("smhdwM")
).map(Timeframe)
FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1800, 2200))
datetimes = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
milliseconds = st.integers(-5_364_662_400_000, 7_258_118_400_000)


@cache
def openings(timeframe: str) -> list[datetime]:
    """Walk the calendar day by day and note when candles of a day or longer open."""
    count, unit = int(timeframe[:-1]), timeframe[-1]
    day, firsts = date(1970, 1, 1), list[date]()
    while day <= LAST_DAY:
        if unit == "d" or (unit == "w" and day.weekday() == 0) or (unit == "M" and day.day == 1):
            firsts.append(day)
        day = date.fromordinal(day.toordinal() + 1)
    return [datetime(d.year, d.month, d.day, tzinfo=UTC) for d in firsts[::count]]


def slow_floor(timeframe: str, at: datetime) -> datetime:
    """Look up the last opening, or count whole candles since 1970 by the fields of the clock."""
    count, unit = int(timeframe[:-1]), timeframe[-1]
    if unit in "dwM":
        known = openings(timeframe)
        return known[bisect_right(known, at) - 1]
    days = at.toordinal() - date(1970, 1, 1).toordinal()
    seconds = ((days * 24 + at.hour) * 60 + at.minute) * 60 + at.second
    length = count * {"s": 1, "m": 60, "h": 3600}[unit]
    minutes, second = divmod(seconds // length * length, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    opened = date.fromordinal(date(1970, 1, 1).toordinal() + day)
    return datetime(opened.year, opened.month, opened.day, hour, minute, second, tzinfo=UTC)


def sampled(timeframe: str) -> list[datetime]:
    """Return instants all over 1970 to 2100, three in four of them on or beside an opening."""
    first, last = datetime(1970, 1, 5, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)
    seconds = int((last - first).total_seconds())
    # A stride without a divisor in common visits days, hours and seconds of every kind.
    anywhere = [first + timedelta(seconds=n * 2_654_435_761 % seconds) for n in range(200)]
    edges = [slow_floor(timeframe, at) for at in anywhere]
    beside = [at + by for at in edges for by in (-TICK, timedelta(0), TICK)]
    return [*anywhere, *(at for at in beside if at >= first)]


@pytest.mark.parametrize("timeframe", [*SHORT, *LONG])
def test_floors_agree_with_the_slow_calendar(timeframe: str) -> None:
    fast = Timeframe(timeframe)

    for at in sampled(timeframe):
        opened = slow_floor(timeframe, at)
        ms = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        assert fast.floor(at) == opened
        assert from_epoch_ms(fast.floor(ms)) == opened


@pytest.mark.parametrize("timeframe", LONG)
def test_every_long_candle_from_1970_to_2100_opens_where_the_slow_calendar_says(
    timeframe: str,
) -> None:
    known, fast = openings(timeframe), Timeframe(timeframe)
    first, last = known[0], known[-1]

    assert list(fast.range(first, last)) == known[:-1]
    assert [from_epoch_ms(ms) for ms in fast.range(to_epoch_ms(first), to_epoch_ms(last))] == (
        known[:-1]
    )
    for opened, closed in pairwise(known[:100]):
        assert fast.next_close(opened) == fast.next_close(closed - TICK) == closed
        assert fast.ceil(opened + TICK) == fast.ceil(closed) == closed
        assert fast.last_closed(closed) == fast.last_closed(fast.next_close(closed) - TICK)
        assert fast.last_closed(closed) == opened


@pytest.mark.parametrize(
    ("timeframe", "at", "opened"),
    [
        ("1w", "1970-01-01T12:00:00+00:00", "1969-12-29T00:00:00+00:00"),
        ("2w", "1970-01-04T23:59:59+00:00", "1969-12-22T00:00:00+00:00"),
        ("1M", "1969-12-31T23:59:59+00:00", "1969-12-01T00:00:00+00:00"),
        ("3M", "1969-12-31T23:59:59+00:00", "1969-10-01T00:00:00+00:00"),
        ("5m", "1969-12-31T23:59:59+00:00", "1969-12-31T23:55:00+00:00"),
        ("7h", "1969-12-31T23:59:59+00:00", "1969-12-31T17:00:00+00:00"),
        ("1w", "2025-01-05T23:59:59.999999+00:00", "2024-12-30T00:00:00+00:00"),
        ("1M", "2024-02-29T23:59:59.999999+00:00", "2024-02-01T00:00:00+00:00"),
        ("3M", "2025-06-30T00:00:00+00:00", "2025-04-01T00:00:00+00:00"),
        ("12M", "2025-06-30T00:00:00+00:00", "2025-01-01T00:00:00+00:00"),
        ("1M", "0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+00:00"),
        ("1d", "9999-12-31T23:59:59.999999+00:00", "9999-12-31T00:00:00+00:00"),
    ],
)
def test_candles_open_where_the_documentation_says(timeframe: str, at: str, opened: str) -> None:
    assert Timeframe(timeframe).floor(datetime.fromisoformat(at)).isoformat() == opened


def holds_for(timeframe: Timeframe, at: Instant) -> None:
    floor, ceil, close = timeframe.floor(at), timeframe.ceil(at), timeframe.next_close(at)

    assert floor <= at < close
    assert ceil == (floor if floor == at else close)
    assert timeframe.floor(floor) == timeframe.ceil(floor) == floor
    assert timeframe.next_close(floor) == timeframe.floor(close) == close
    assert timeframe.next_close(timeframe.last_closed(at)) == floor
    assert type(floor) is type(ceil) is type(close) is type(at)


@given(timeframes, datetimes)
def test_the_floor_is_the_last_opening_and_the_ceiling_the_next(
    timeframe: Timeframe, at: datetime
) -> None:
    holds_for(timeframe, at)


@given(timeframes, milliseconds)
def test_and_so_they_are_of_milliseconds(timeframe: Timeframe, at: int) -> None:
    holds_for(timeframe, at)


@given(timeframes, datetimes, datetimes)
def test_later_instants_never_have_earlier_candles(
    timeframe: Timeframe, one: datetime, other: datetime
) -> None:
    early, late = sorted([one, other])

    assert timeframe.floor(early) <= timeframe.floor(late)
    assert timeframe.ceil(early) <= timeframe.ceil(late)
    assert timeframe.next_close(early) <= timeframe.next_close(late)


@given(timeframes, milliseconds)
def test_milliseconds_and_datetimes_tell_the_same(timeframe: Timeframe, ms: int) -> None:
    at = from_epoch_ms(ms)

    assert from_epoch_ms(timeframe.floor(ms)) == timeframe.floor(at)
    assert from_epoch_ms(timeframe.ceil(ms)) == timeframe.ceil(at)
    assert from_epoch_ms(timeframe.next_close(ms)) == timeframe.next_close(at)
    assert from_epoch_ms(timeframe.last_closed(ms)) == timeframe.last_closed(at)
    assert timeframe.count_between(ms, ms + 10**9) == timeframe.count_between(
        at, from_epoch_ms(ms + 10**9)
    )


@given(timeframes, datetimes, st.floats(0, 20))
def test_a_range_covers_its_instants_without_a_hole(
    timeframe: Timeframe, start: datetime, candles: float
) -> None:
    stop = start + (timeframe.next_close(start) - timeframe.floor(start)) * candles

    found = list(timeframe.range(start, stop))

    assert len(found) == timeframe.count_between(start, stop)
    assert all(start <= opened < stop for opened in found)
    assert all(timeframe.next_close(one) == other for one, other in pairwise(found))
    assert timeframe.ceil(start) == (found[0] if found else timeframe.ceil(stop))
    assert not found or timeframe.next_close(found[-1]) >= stop


def test_a_range_has_its_start_and_not_its_stop() -> None:
    hours = [IN_UTC + timedelta(hours=hour) for hour in range(3)]

    assert list(Timeframe("1h").range(hours[0], hours[2])) == hours[:2]
    assert list(Timeframe("1h").range(hours[0], hours[0])) == []
    assert Timeframe("1s").count_between(0, 10**14) == 10**11


def test_a_candle_is_closed_once_the_next_one_opens() -> None:
    five = Timeframe("5m")

    assert five.last_closed(IN_UTC) == IN_UTC - timedelta(minutes=5)
    assert five.last_closed(IN_UTC - TICK) == IN_UTC - timedelta(minutes=10)


@pytest.mark.parametrize(
    "at",
    [
        IN_UTC.replace(tzinfo=None),
        IN_UTC.astimezone(timezone(timedelta(hours=1))),
        IN_UTC.astimezone(ZoneInfo("Europe/London")),
        IN_UTC.date(),
        IN_UTC.timetz(),
        1.0,
        True,
        None,
        "2025-01-01",
        -(10**18),
        1_735_689_600_000_000_000,
    ],
    ids=repr,
)
@pytest.mark.parametrize("timeframe", ["5m", "1M"])
def test_an_instant_that_is_not_utc_is_refused(timeframe: str, at: datetime) -> None:
    fast = Timeframe(timeframe)

    for method in (fast.floor, fast.ceil, fast.next_close, fast.last_closed):
        with pytest.raises(ValidationError, match="expected"):
            method(at)
    with pytest.raises(ValidationError, match="expected"):
        fast.range(at, at)
    with pytest.raises(ValidationError, match="expected"):
        fast.count_between(IN_UTC, at)


@pytest.mark.parametrize("timeframe", ["5m", "1M"])
def test_a_range_that_runs_backwards_is_refused_at_once(timeframe: str) -> None:
    with pytest.raises(ValidationError, match="not after the stop"):
        Timeframe(timeframe).range(IN_UTC, IN_UTC - TICK)


@pytest.mark.parametrize("timeframe", ["1s", "2w", "999999d", "1M", "7M", "999999M"])
def test_a_candle_outside_the_calendar_is_refused(timeframe: str) -> None:
    fast = Timeframe(timeframe)
    last, first = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)

    with pytest.raises(ValidationError, match="years 1 to 9999"):
        fast.next_close(last)
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        fast.next_close(to_epoch_ms(last.replace(microsecond=0)))
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        fast.last_closed(first)
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        fast.last_closed(to_epoch_ms(first))


def test_another_name_of_utc_is_accepted() -> None:
    at = datetime(2025, 1, 1, 12, 34, tzinfo=ZoneInfo("UTC"))

    assert Timeframe("1h").floor(at) == datetime(2025, 1, 1, 12, tzinfo=UTC)
    assert Timeframe("1M").ceil(at) == datetime(2025, 2, 1, tzinfo=UTC)
