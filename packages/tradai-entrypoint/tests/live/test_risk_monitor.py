"""The watch of risks: worse readings never soften its action, and NaN is the worst of all.

The parts have no place in the door before a command uses them.
"""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, strategies as st

from tradai.core.exceptions import ValidationError
from tradai.core.live import RiskAction, RiskLimit, RiskMeasure
from tradai.entrypoint._live._risk.risk_monitor import RiskMonitor

NONE, PAUSE, DRAIN, HALT = RiskAction
NAN: Final = Decimal("NaN")
WORST: Final = (NAN, Decimal("-NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity"))
WHOLE: Final = RiskLimit(release=Decimal(2), pause=Decimal(4), drain=Decimal(6), halt=Decimal(8))
NUMBERS: Final = st.integers(0, 10).map(Decimal)


@st.composite
def limits(draw: st.DrawFn) -> RiskLimit:
    release, pause, drain, halt = sorted(draw(st.sets(NUMBERS, min_size=4, max_size=4)))
    kept = draw(st.sets(st.sampled_from([PAUSE, DRAIN, HALT]), min_size=1))
    return RiskLimit(
        release=release if PAUSE in kept else None,
        pause=pause if PAUSE in kept else None,
        drain=drain if DRAIN in kept else None,
        halt=halt if HALT in kept else None,
    )


def _is_worse_or_equal(worse: Decimal, reading: Decimal) -> bool:
    if not worse.is_finite() or not reading.is_finite():
        return not worse.is_finite()
    return worse >= reading


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Decimal, Decimal]:
    """A reading and one that is not better."""
    reading, second = draw(st.tuples(NUMBERS | st.sampled_from(WORST), NUMBERS | st.just(NAN)))
    ordered = _is_worse_or_equal(second, reading)
    return (reading, second) if ordered else (second, reading)


@given(first=limits(), second=limits(), history=st.lists(pairs(), max_size=6))
def test_worse_readings_never_lead_to_a_softer_action(
    first: RiskLimit, second: RiskLimit, history: list[tuple[Decimal, Decimal]]
) -> None:
    watched = {**dict.fromkeys(RiskMeasure, first), RiskMeasure.DRAWDOWN: second}
    better = worse = RiskMonitor(limits=watched)

    for reading, not_better in history:
        better = better.after(dict.fromkeys(RiskMeasure, reading))
        worse = worse.after(dict.fromkeys(RiskMeasure, not_better))

        assert worse.action >= better.action
        assert all(worse.held[name] >= better.held[name] for name in RiskMeasure)


@given(limit=limits(), reading=NUMBERS, held=st.sampled_from(RiskAction))
def test_a_reading_that_is_not_a_number_is_the_worst(
    limit: RiskLimit, reading: Decimal, held: RiskAction
) -> None:
    strictest = limit.action(Decimal(10), held=held)
    for worst in WORST:
        assert limit.action(worst, held=held) == strictest
        assert limit.action(worst, held=held) >= limit.action(reading, held=held)


@given(limit=limits(), readings=st.lists(NUMBERS | st.sampled_from(WORST)))
def test_draining_and_halting_never_soften(limit: RiskLimit, readings: list[Decimal]) -> None:
    held = [NONE]
    for reading in readings:
        held.append(limit.action(reading, held=held[-1]))

    assert all(after >= before for before, after in pairwise(held) if before >= DRAIN)


@given(limit=limits(), readings=st.lists(NUMBERS))
def test_a_pause_ends_at_the_release_and_not_before(
    limit: RiskLimit, readings: list[Decimal]
) -> None:
    held = NONE
    for reading in readings:
        before, held = held, limit.action(reading, held=held)
        if before is PAUSE and held is NONE:
            assert limit.release is not None
            assert reading <= limit.release


def test_a_measure_that_swings_between_its_limits_does_not_switch_trading_on_and_off() -> None:
    held = NONE
    actions = []
    for reading in (3, 4, 3, 4, 3, 2, 3, 4):
        held = WHOLE.action(Decimal(reading), held=held)
        actions.append(held)

    assert actions == [NONE, PAUSE, PAUSE, PAUSE, PAUSE, NONE, NONE, PAUSE]


@pytest.mark.parametrize(
    ("reading", "action"),
    [("3.99", NONE), ("4", PAUSE), ("5.99", PAUSE), ("6", DRAIN), ("8", HALT), ("NaN", HALT)],
)
def test_a_limit_is_reached_by_its_exact_value(reading: str, action: RiskAction) -> None:
    assert WHOLE.action(Decimal(reading)) is action


def test_the_strictest_measure_decides_and_is_named() -> None:
    calm = dict.fromkeys(RiskMeasure, Decimal(0))
    readings = {**calm, RiskMeasure.DRAWDOWN: Decimal(5), RiskMeasure.ORDER_RATE: Decimal(9)}

    monitor = RiskMonitor(limits=dict.fromkeys(RiskMeasure, WHOLE)).after(readings)

    assert (monitor.action, monitor.causes) == (HALT, (RiskMeasure.ORDER_RATE,))


def test_the_monitor_holds_a_pause_until_the_release_and_a_halt_for_good() -> None:
    monitor = RiskMonitor(limits=dict.fromkeys(RiskMeasure, WHOLE))
    actions = []
    for reading in (4, 3, 2, 8, 0):
        monitor = monitor.after(dict.fromkeys(RiskMeasure, Decimal(reading)))
        actions.append(monitor.action)

    assert actions == [PAUSE, PAUSE, NONE, HALT, HALT]


def test_calm_readings_have_no_action_and_no_cause() -> None:
    monitor = RiskMonitor(limits=dict.fromkeys(RiskMeasure, WHOLE))

    calm = monitor.after(dict.fromkeys(RiskMeasure, Decimal(0)))

    assert (monitor.action, monitor.causes) == (calm.action, calm.causes) == (NONE, ())


@pytest.mark.parametrize("missing", RiskMeasure)
def test_a_reading_that_is_missing_is_the_worst(missing: RiskMeasure) -> None:
    readings = {name: Decimal(0) for name in RiskMeasure if name is not missing}

    monitor = RiskMonitor(limits=dict.fromkeys(RiskMeasure, WHOLE)).after(readings)

    assert (monitor.action, monitor.causes) == (HALT, (missing,))


@pytest.mark.parametrize("missing", RiskMeasure)
def test_limits_that_leave_a_measure_out_are_refused(missing: RiskMeasure) -> None:
    with pytest.raises(ValidationError, match=missing):
        RiskMonitor(limits={name: WHOLE for name in RiskMeasure if name is not missing})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"release": "1"},
        {"pause": "1"},
        {"release": "1", "drain": "2"},
        {"release": "1", "pause": "1"},
        {"release": "2", "pause": "1"},
        {"drain": "3", "halt": "2"},
        {"release": "1", "pause": "3", "drain": "2"},
        {"halt": "NaN"},
        {"halt": "sNaN"},
        {"halt": "Infinity"},
        {"halt": "-1"},
    ],
    ids=str,
)
def test_a_limit_that_contradicts_itself_is_refused(values: Mapping[str, str]) -> None:
    with pytest.raises(ValidationError, match="release < pause <= drain <= halt"):
        RiskLimit(**{name: Decimal(value) for name, value in values.items()})
