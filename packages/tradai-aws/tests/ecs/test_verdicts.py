"""Verdicts: every recorded stop has its meaning, and nothing unknown is a success.

`stop_shapes.json` holds stopped tasks as DescribeTasks describes them, shortened to what counts,
each with the page or thread that quotes its words. "Constructed" ones follow a rule of AWS, and no
page was found that quotes them. None was recorded by this project on AWS.
"""

import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from tradai.aws import StopCause, StopVerdict, judge_stop
from tradai.aws._ecs.verdicts import has_stopped, judge
from tradai.core import JobInfo, JobStatus

SHAPES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "stop_shapes.json").read_text(encoding="utf-8")
)
CODES = st.sampled_from([None, 0, 1, 76, 137, 143, -1, True, False, "0"])
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["main", "sidecar"]),
            "exitCode": CODES,
            "lastStatus": st.sampled_from(["STOPPED", "RUNNING", "PENDING"]),
            "reason": st.text(max_size=20) | st.none(),
        },
    ),
    max_size=3,
)
MUTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "stopCode": st.sampled_from(
            [None, "EssentialContainerExited", "UserInitiated", "TaskFailedToStart", "New"]
        ),
        "stoppedReason": st.text(max_size=30) | st.none(),
        "containers": CONTAINERS | st.none(),
        "lastStatus": st.sampled_from(["STOPPED", "DELETED"]),
    },
)


def _info(shape: dict[str, Any]) -> JobInfo:
    return judge(shape["task"], **_witnesses(shape))


def _verdict(shape: dict[str, Any]) -> StopVerdict:
    return judge_stop(shape["task"], **_witnesses(shape))


def _witnesses(shape: dict[str, Any]) -> dict[str, Any]:
    return {
        "main_container": "main",
        "manifest_exit_code": shape["manifest"],
        "stop_reason": shape["stop_reason"],
    }


def _proves_success(task: dict[str, Any], manifest: int | None) -> bool:
    codes = [
        container.get("exitCode")
        for container in task.get("containers") or []
        if container.get("name") == "main"
    ]
    is_exit_0 = bool(codes) and codes[0] == 0 and not isinstance(codes[0], bool)
    ended = task.get("stopCode") == "EssentialContainerExited"
    return ended and is_exit_0 and manifest in {None, 0}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["name"])
def test_a_recorded_stop_has_its_meaning(shape: dict[str, Any]) -> None:
    verdict, info = _verdict(shape), _info(shape)

    assert (verdict.status, verdict.exit_code, verdict.cause, verdict.retryable) == (
        shape["status"],
        shape["exit_code"],
        shape["cause"],
        shape["retryable"],
    )
    assert (info.status, info.exit_code) == (verdict.status, verdict.exit_code)
    assert "\n" not in info.reason
    assert info.reason


def test_there_are_at_least_forty_recorded_stops_and_each_names_its_source() -> None:
    assert len(SHAPES) >= 40
    assert all(shape["source"] for shape in SHAPES)


def test_every_cause_has_a_recorded_stop_and_words() -> None:
    assert {shape["cause"] for shape in SHAPES} == set(StopCause)
    assert all(cause.sentence and cause.advice for cause in StopCause)


@settings(max_examples=300)
@given(st.sampled_from(SHAPES), MUTATIONS, CODES.filter(lambda code: type(code) is not str))
@example(
    next(shape for shape in SHAPES if shape["name"] == "missing"),
    {"containers": [{"name": "main", "exitCode": 0}], "stopCode": "EssentialContainerExited"},
    None,
)
def test_only_exit_0_of_the_main_container_is_a_success(
    shape: dict[str, Any], mutation: dict[str, Any], manifest: int | None
) -> None:
    task = copy.deepcopy(shape["task"]) | mutation

    info = judge(
        task, main_container="main", manifest_exit_code=manifest, stop_reason=shape["stop_reason"]
    )

    # Of a task that ECS has forgotten there is no state, whatever else there is.
    is_absent = "lastStatus" not in task
    is_forgotten = is_absent and task["reason"] == "MISSING" and manifest == 0
    expected = is_forgotten or (not is_absent and _proves_success(task, manifest))
    assert (info.status is JobStatus.COMPLETED) is expected
    assert info.exit_code != 0 or info.status is not JobStatus.FAILED


@given(st.sampled_from(SHAPES), MUTATIONS, st.sampled_from([None, 0, 76]))
def test_a_job_that_we_stopped_and_that_did_not_end_itself_is_cancelled(
    shape: dict[str, Any], mutation: dict[str, Any], manifest: int | None
) -> None:
    task = shape["task"] | mutation | {"lastStatus": "STOPPED", "stopCode": "UserInitiated"}

    verdict = judge_stop(
        task, main_container="main", manifest_exit_code=manifest, stop_reason="enough"
    )

    assert verdict.status is JobStatus.CANCELLED
    assert not verdict.retryable
    if manifest is not None:
        assert verdict.exit_code == manifest


@pytest.mark.parametrize("code", [None, False, True, "0", 0.0])
def test_an_exit_code_that_is_not_a_whole_number_is_not_known(code: object) -> None:
    task = SHAPES[0]["task"] | {"containers": [{"name": "main", "exitCode": code}]}

    assert _verdict(SHAPES[0] | {"task": task}).cause is StopCause.UNKNOWN


@pytest.mark.parametrize(
    ("last_status", "status"),
    [
        ("PROVISIONING", JobStatus.PENDING),
        ("PENDING", JobStatus.PENDING),
        ("ACTIVATING", JobStatus.PENDING),
        ("RUNNING", JobStatus.RUNNING),
        ("DEACTIVATING", JobStatus.RUNNING),
        ("STOPPING", JobStatus.RUNNING),
        ("DEPROVISIONING", JobStatus.RUNNING),
        ("A-NEW-ONE", JobStatus.RUNNING),
    ],
)
def test_a_task_that_has_not_stopped_has_no_end(last_status: str, status: JobStatus) -> None:
    # The exit code is there before the task is stopped, and may still be about to change.
    task = {"lastStatus": last_status, "containers": [{"name": "main", "exitCode": 0}]}

    assert not has_stopped(task)
    assert _info({"task": task, "manifest": 0, "stop_reason": "enough"}) == JobInfo(status=status)


def test_times_are_utc_whatever_their_form() -> None:
    at = datetime(2026, 11, 29, 12, tzinfo=UTC)
    local = at.astimezone(timezone(timedelta(hours=5)))

    for value in (local, at.timestamp(), "2026-11-29T12:00:00Z"):
        task = SHAPES[0]["task"] | {"startedAt": value, "stoppedAt": value}
        info = _info(SHAPES[0] | {"task": task})
        assert (info.started_at, info.ended_at) == (at, at)
        assert info.ended_at is not None
        assert info.ended_at.tzinfo is UTC


def test_the_words_of_aws_are_kept_short_and_on_one_line() -> None:
    task = {"lastStatus": "STOPPED", "stoppedReason": "Error:\n" + "x" * 900, "containers": []}

    info = _info({"task": task, "manifest": None, "stop_reason": None})

    assert "Error: xxx" in info.reason
    assert len(info.reason) < 500


def test_our_reason_for_a_stop_is_the_reason_of_the_job() -> None:
    shape = next(shape for shape in SHAPES if shape["name"] == "our stop, 143")

    assert _info(shape).reason == "it was stopped: the sweep was given up"


def test_only_a_task_that_aws_could_not_start_never_ran() -> None:
    by_name = {shape["name"]: _verdict(shape) for shape in SHAPES}

    assert by_name["ENI: timeout"].never_ran
    assert by_name["pull: i/o timeout"].never_ran
    assert not by_name["Spot interruption"].never_ran
    assert not by_name["host terminated, container still running"].never_ran
    assert not by_name["exit 1"].never_ran
