from datetime import UTC, datetime
from typing import Any

import pytest

from tradai.core import JOB_TRANSITIONS, JobInfo, JobStatus
from tradai.core.exceptions import ValidationError

AT = datetime(2025, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)

MOVES = {
    "pending": {"running", "failed", "cancelled"},
    "running": {"completed", "failed", "cancelled"},
    "completed": set(),
    "failed": set(),
    "cancelled": set(),
}


def test_the_table_has_the_moves_of_the_platform() -> None:
    table = {status.value: {str(to) for to in moves} for status, moves in JOB_TRANSITIONS.items()}

    assert table == MOVES


@pytest.mark.parametrize("status", JobStatus)
@pytest.mark.parametrize("to", JobStatus)
def test_a_move_is_made_or_refused_by_the_table(status: JobStatus, to: JobStatus) -> None:
    is_legal = to is status or to.value in MOVES[status.value]

    assert status.may_become(to) is is_legal
    if is_legal:
        assert status.move_to(to) is to
    else:
        with pytest.raises(ValidationError, match=f"{status} cannot become {to}"):
            status.move_to(to)


def test_a_terminal_status_is_final() -> None:
    terminal = {status for status in JobStatus if status.is_terminal}

    assert terminal == {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}
    assert all(status.may_become(to) is (to is status) for status in terminal for to in JobStatus)


@pytest.mark.parametrize(
    "info",
    [
        JobInfo.pending(),
        JobInfo(status=JobStatus.RUNNING, started_at=AT),
        JobInfo(status=JobStatus.COMPLETED, exit_code=0, reason="done", started_at=AT, ended_at=AT),
        JobInfo(status=JobStatus.FAILED, exit_code=None, reason="lost", ended_at=AT),
    ],
)
def test_facts_come_back_from_their_json(info: JobInfo) -> None:
    assert JobInfo.from_json({**info.to_json(), "of a later version": 1}) == info


@pytest.mark.parametrize(
    "facts",
    [
        {"status": JobStatus.COMPLETED},
        {"status": JobStatus.COMPLETED, "exit_code": 1},
        {"status": JobStatus.RUNNING, "exit_code": 0},
        {"status": JobStatus.PENDING, "ended_at": AT},
        {"status": JobStatus.RUNNING, "reason": "it ended"},
    ],
)
def test_facts_that_contradict_each_other_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JobInfo(**facts)


@pytest.mark.parametrize(
    "change",
    [{"status": "lost"}, {"ended_at": "yesterday"}, {"ended_at": "2025-01-01T00:00:00"}],
)
def test_json_that_is_not_such_facts_is_refused(change: dict[str, Any]) -> None:
    value = JobInfo(status=JobStatus.FAILED, reason="lost", ended_at=AT).to_json()

    with pytest.raises(ValidationError):
        JobInfo.from_json({**value, **change})
    with pytest.raises(ValidationError):
        JobInfo.from_json({})
