"""Readings of risks from samples: losses by equity, counts by windows, and doubts as NaN.

The parts have no place in the door before a command uses them.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given, strategies as st

from tradai.core.live import RiskMeasure
from tradai.entrypoint._live._risk.risk_meter import RiskMeter, RiskSample

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
DRAWDOWN: Final = RiskMeasure.DRAWDOWN
DAILY_LOSS: Final = RiskMeasure.DAILY_LOSS
ORDER_RATE: Final = RiskMeasure.ORDER_RATE
HOURLY: Final = (RiskMeasure.REJECTED_ORDERS, RiskMeasure.CALLBACK_ERRORS)
EQUITIES: Final = st.decimals(1, 1000, places=2)


def _sample(
    equity: Decimal | str = "100", *, hours: float = 0, seconds: float = 0, count: int = 0
) -> RiskSample:
    passed = timedelta(hours=hours, seconds=seconds)
    return RiskSample(
        at=START + passed,
        at_s=passed.total_seconds(),
        equity=Decimal(equity),
        orders=count,
        rejected_orders=count,
        callback_errors=count,
    )


def test_losses_are_measured_from_the_peak_and_from_the_day_before() -> None:
    meter = RiskMeter()
    rows = []
    for hours, equity in ((0, "100"), (1, "200"), (2, "150"), (25, "120"), (26, "160")):
        readings = meter.read(_sample(equity, hours=hours))
        rows.append((str(readings[DRAWDOWN]), str(readings[DAILY_LOSS])))

    assert rows == [("0", "0"), ("0", "0"), ("0.25", "0"), ("0.4", "0.2"), ("0.2", "0")]


def test_a_session_that_restarts_keeps_its_losses() -> None:
    first = RiskMeter()
    first.read(_sample("200"))
    first.read(_sample("150", hours=1))

    second = RiskMeter(first.marks).read(_sample("120", hours=2))

    assert (second[DRAWDOWN], second[DAILY_LOSS]) == (Decimal("0.4"), Decimal("0.4"))


def test_a_loss_between_two_days_belongs_to_the_second() -> None:
    meter = RiskMeter()
    meter.read(_sample("100", hours=23))

    assert meter.read(_sample("90", hours=30))[DAILY_LOSS] == Decimal("0.1")


def test_a_day_that_goes_back_forgets_no_loss() -> None:
    meter = RiskMeter()
    meter.read(_sample("100"))
    meter.read(_sample("80", hours=25))

    assert meter.read(_sample("80", hours=1))[DAILY_LOSS] == Decimal("0.2")


@pytest.mark.parametrize("equity", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_an_equity_that_cannot_be_read_is_in_doubt_and_moves_no_mark(equity: str) -> None:
    meter = RiskMeter()
    meter.read(_sample("100"))
    marks = meter.marks

    readings = meter.read(_sample(equity, hours=30))

    assert readings[DRAWDOWN].is_nan()
    assert readings[DAILY_LOSS].is_nan()
    assert meter.marks == marks


@pytest.mark.parametrize("equity", ["0", "-5"])
def test_a_loss_from_nothing_is_in_doubt(equity: str) -> None:
    readings = RiskMeter().read(_sample(equity))

    assert readings[DRAWDOWN].is_nan()
    assert readings[DAILY_LOSS].is_nan()


@given(history=st.lists(EQUITIES, min_size=1), equity=EQUITIES, less=EQUITIES)
def test_a_smaller_equity_never_has_a_smaller_loss(
    history: list[Decimal], equity: Decimal, less: Decimal
) -> None:
    upper, lower = RiskMeter(), RiskMeter()
    for hour, value in enumerate(history):
        upper.read(_sample(value, hours=hour))
        lower.read(_sample(value, hours=hour))

    better = upper.read(_sample(max(equity, less), hours=len(history)))
    worse = lower.read(_sample(min(equity, less), hours=len(history)))

    assert all(worse[measure] >= better[measure] for measure in (DRAWDOWN, DAILY_LOSS))


def test_orders_are_counted_for_a_minute_and_failures_for_an_hour() -> None:
    meter = RiskMeter()
    meter.read(_sample(count=3))
    meter.read(_sample(seconds=30, count=5))

    late = meter.read(_sample(seconds=60, count=5))
    later = meter.read(_sample(seconds=3599, count=6))
    last = meter.read(_sample(seconds=3600, count=6))

    assert [late[ORDER_RATE], later[ORDER_RATE]] == [2, 1]
    assert [late[measure] for measure in HOURLY] == [5, 5]
    assert [later[measure] for measure in HOURLY] == [6, 6]
    assert [last[measure] for measure in HOURLY] == [3, 3]


def test_a_counter_that_starts_again_loses_no_event() -> None:
    meter = RiskMeter()
    meter.read(_sample(count=3))

    readings = meter.read(_sample(seconds=1, count=2))

    assert [readings[measure] for measure in (ORDER_RATE, *HOURLY)] == [5, 5, 5]


@given(steps=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 5)), min_size=1))
def test_a_window_counts_what_happened_in_it(steps: list[tuple[float, int]]) -> None:
    meter, at_s, total, events = RiskMeter(), 0.0, 0, []
    for pause_s, new in steps:
        at_s, total = at_s + pause_s, total + new
        events.append((at_s, new))

        readings = meter.read(
            RiskSample(
                at=START,
                at_s=at_s,
                equity=Decimal(1),
                orders=total,
                rejected_orders=0,
                callback_errors=0,
            )
        )

        assert readings[ORDER_RATE] == sum(number for when, number in events if when > at_s - 60)
