from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, ValidationError as PydanticValidationError

from tradai.core import AnyTimeRange, OpenTimeRange, TimeRange, error_sentence, parse_time_range
from tradai.core.exceptions import ValidationError

DAY = datetime(2025, 3, 1, tzinfo=UTC)
LATER = datetime(2025, 4, 1, tzinfo=UTC)


class Run(BaseModel):
    timerange: AnyTimeRange | None = None


@pytest.mark.parametrize(
    ("text", "start", "stop", "written"),
    [
        ("20250301-20250401", DAY, LATER, "20250301-20250401"),
        ("2025-03-01/2025-04-01", DAY, LATER, "20250301-20250401"),
        ("1740787200-1743465600", DAY, LATER, "20250301-20250401"),
        ("1740787201-1743465600", DAY + timedelta(seconds=1), LATER, "1740787201-1743465600"),
        ("20250301-1743465600", DAY, LATER, "20250301-20250401"),
        ("20250301-1743465601", DAY, LATER + timedelta(seconds=1), "1740787200-1743465601"),
        ("1740787200-20250401", DAY, LATER, "20250301-20250401"),
        ("20250301-", DAY, None, "20250301-"),
        ("-20250401", None, LATER, "-20250401"),
        ("2025-03-01-", DAY, None, "20250301-"),
        ("2025-03-01/", DAY, None, "20250301-"),
        ("/2025-04-01", None, LATER, "-20250401"),
        ("1740787201-", DAY + timedelta(seconds=1), None, "1740787201-"),
        ("-1743465601", None, LATER + timedelta(seconds=1), "-1743465601"),
    ],
)
def test_a_range_is_read_and_written(
    text: str, start: datetime | None, stop: datetime | None, written: str
) -> None:
    found = parse_time_range(text)

    assert (found.start, found.stop) == (start, stop)
    assert isinstance(found, TimeRange if start and stop else OpenTimeRange)
    assert str(found) == written
    assert parse_time_range(written) == found


@pytest.mark.parametrize(
    "text", ["20250301", "1740787200", "2025-03-01", "-", "/", "", "last month", "20250301-2025"]
)
def test_a_text_without_a_dash_is_refused_with_a_hint_at_both(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        parse_time_range(text)

    assert repr(text) in str(refusal.value)
    assert "20250101- from that day on, -20250401 up to it" in str(refusal.value)
    assert "in epoch seconds, such as 20250101-1743501600" in str(refusal.value)


@pytest.mark.parametrize("text", ["20250301-", "-20250301"])
def test_a_range_with_both_ends_needs_both(text: str) -> None:
    with pytest.raises(ValidationError, match="expected two days"):
        TimeRange.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("20250401-20250301", "must be a range that stops after its start"),
        ("20250301-20250301", "must be a range that stops after its start"),
        ("22010101-", "must be days from 1970 on, up to the first one of 2200"),
        ("20250230-", "must be days of the calendar, two days, the second later"),
        ("20250301", "must be two days, the second later"),
        (20250302, "must be two days, the second later"),
        (True, "must be two days, the second later"),
        (1.5, "must be two days, the second later"),
    ],
)
def test_a_range_that_is_refused_says_what_it_must_be(text: object, said: str) -> None:
    with pytest.raises(PydanticValidationError) as refusal:
        Run.model_validate({"timerange": text})

    (error,) = refusal.value.errors()
    assert error_sentence(error).startswith(said)


@pytest.mark.parametrize(
    "value", ["20250301-", -20250401, TimeRange(start=DAY, stop=LATER), OpenTimeRange(stop=LATER)]
)
def test_a_field_takes_text_numbers_of_yaml_and_ranges(value: object) -> None:
    found = Run.model_validate({"timerange": value})

    assert found.model_dump(mode="json") == {"timerange": str(found.timerange)}
    assert Run.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (None, None),
        (DAY, LATER),
        (DAY.replace(tzinfo=None), None),
        (DAY.astimezone(timezone(timedelta(hours=9))), None),
        (None, DAY.replace(microsecond=1)),
        (datetime(1969, 12, 31, tzinfo=UTC), None),
    ],
)
def test_an_open_range_has_one_usable_end(start: datetime | None, stop: datetime | None) -> None:
    with pytest.raises(ValidationError):
        OpenTimeRange(start=start, stop=stop)
