"""The time of a stop: each step has a deadline, and a plan that does not fit is refused.

A private part: no command uses it before LIVE is permitted.
"""

from functools import partial

import pytest
from hypothesis import given, strategies as st

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._live._drain.budget import StopBudget, StopStep

GRACES = st.floats(0.1, 120)
ORDERS = st.integers(0, 200)
REQUESTS = st.floats(0.01, 2)
IN_FLIGHT_S = 6.5

plan = partial(StopBudget.plan, in_flight_s=IN_FLIGHT_S)


def fits(grace_s: float | None, open_orders: int, request_s: float = 0.1) -> bool:
    try:
        plan(grace_s=grace_s, open_orders=open_orders, request_s=request_s)
    except ConfigurationError:
        return False
    return True


def test_a_stop_has_the_grace_of_the_launcher_less_five_seconds() -> None:
    assert plan(open_orders=1).total_s == 25
    assert plan(grace_s=120, open_orders=1).total_s == 115


def test_a_stop_timeout_shortens() -> None:
    assert plan(wanted_s=20, open_orders=1).total_s == 20


@pytest.mark.parametrize(
    ("grace_s", "wanted_s", "key"),
    [
        (121, None, "TRADAI_RUN_STOP_GRACE_S"),
        (0, None, "TRADAI_RUN_STOP_GRACE_S"),
        (30, 25.5, "run.stop_timeout_s"),
        (60, 10, "TRADAI_RUN_STOP_GRACE_S"),
        (10, None, "TRADAI_RUN_STOP_GRACE_S"),
    ],
)
def test_a_stop_that_does_not_fit_is_refused(
    grace_s: float, wanted_s: float | None, key: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        plan(grace_s=grace_s, wanted_s=wanted_s, open_orders=1)

    assert refused.value.key == key


def test_ten_open_orders_fit_the_default_and_a_hundred_do_not() -> None:
    assert fits(None, open_orders=10)
    assert not fits(None, open_orders=100)
    assert fits(120, open_orders=100)


@given(grace_s=GRACES, open_orders=ORDERS, request_s=REQUESTS)
def test_a_stop_that_fits_gives_each_step_the_time_it_needs(
    grace_s: float, open_orders: int, request_s: float
) -> None:
    if not fits(grace_s, open_orders, request_s):
        return
    budget = plan(grace_s=grace_s, open_orders=open_orders, request_s=request_s)
    ahead = list(StopStep)
    began_s = 0.0
    while ahead:
        step = ahead.pop(0)
        ended_s = budget.deadline_s(ahead)
        assert ended_s - began_s >= budget.need_s(step) - 1e-9
        began_s = ended_s
    assert began_s == budget.total_s


def test_time_for_orders_in_flight_is_set_aside_where_there_is_enough() -> None:
    few, many = plan(open_orders=10), plan(open_orders=30)

    assert few.need_s(StopStep.FLIGHT) > IN_FLIGHT_S
    assert many.need_s(StopStep.FLIGHT) == 0
    assert plan(grace_s=60, open_orders=30).need_s(StopStep.FLIGHT) > IN_FLIGHT_S


@given(grace_s=GRACES, open_orders=ORDERS, request_s=REQUESTS)
def test_fewer_orders_and_faster_requests_never_stop_fitting(
    grace_s: float, open_orders: int, request_s: float
) -> None:
    if fits(grace_s, open_orders, request_s):
        assert fits(grace_s, open_orders // 2, request_s / 2)
