"""States of trading sessions: the table of moves, and the map to the platform's statuses.

The table is the law of the module, and has no place in the door.
"""

from itertools import product

import pytest

import tradai.core._sessions.state as module
from tradai.core._sessions.state import SESSION_MOVES, TradingStatus
from tradai.core.exceptions import ValidationError
from tradai.core.live import SessionState


@pytest.mark.parametrize(("start", "end"), [*product(SessionState, SessionState)])
def test_a_session_moves_as_the_table_says_and_not_otherwise(
    start: SessionState, end: SessionState
) -> None:
    if end in SESSION_MOVES[start]:
        assert start.move_to(end) is end
        return

    with pytest.raises(ValidationError, match=f"a session that is {start} cannot become {end}"):
        start.move_to(end)


def test_the_table_in_the_documentation_is_the_table_of_the_code() -> None:
    lines = (module.__doc__ or "").replace("``", "").splitlines()
    rows = [line.split() for line in lines if line.partition(" ")[0] in SESSION_MOVES]
    documented = {row[0]: ({word.rstrip(",") for word in row[1:-1]}, row[-1]) for row in rows}

    assert documented == {
        state.value: ({move.value for move in moves} or {"final"}, state.status)
        for state, moves in SESSION_MOVES.items()
    }


def test_a_session_that_may_have_orders_ends_by_draining_or_by_an_error() -> None:
    for state in (SessionState.WARM_UP, SessionState.RUNNING, SessionState.PAUSED):
        ends = {end for end in SESSION_MOVES[state] if end.is_final}

        assert ends == {SessionState.FAILED}
        assert SessionState.DRAINING in SESSION_MOVES[state]


def test_a_final_state_is_shown_as_ended_and_the_others_are_not() -> None:
    ended = {TradingStatus.STOPPED, TradingStatus.FAILED, TradingStatus.TERMINATED}

    assert {state: state.is_final for state in SessionState} == {
        state: state.status in ended for state in SessionState
    }


def test_every_status_of_the_platform_is_in_use() -> None:
    assert {state.status for state in SessionState} == set(TradingStatus)
