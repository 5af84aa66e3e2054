"""Launches: the ladder, lost and late answers, conflicts of tokens, and takeovers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.aws import AwsError, EcsPolicy, EcsRunner, EcsSettings, LaunchError, LaunchFailure
from tradai.aws.testing import FakeEcs, FakeTask, TaskScript
from tradai.core import Capacity, JobHandle, JobSpec, JobStatus, MemoryStore
from tradai.core.exceptions import ConfigurationError, ExternalServiceError, JobConflictError

CAPACITY: Final = "Capacity is unavailable at this time. Please try again later."
SPEC: Final = JobSpec(job_id="job-1", command=("run",), image="registry.invalid/job")
SPOT: Final = replace(SPEC, capacity=(Capacity.SPOT, Capacity.ON_DEMAND))
OTHER_SUBNET: Final = "subnet-0123456789abcdef9"
LEASE_S: Final = 300.0


@pytest.fixture
def ecs() -> FakeEcs:
    return FakeEcs()


def _on_spot(ecs: FakeEcs) -> list[bool]:
    """Return for each RunTask whether it asked for Spot."""
    asked = [parameters for name, parameters in ecs.calls if name == "RunTask"]
    return ["capacityProviderStrategy" in parameters for parameters in asked]


def _subnets(parameters: Mapping[str, Any]) -> list[str]:
    network: dict[str, list[str]] = parameters["networkConfiguration"]["awsvpcConfiguration"]
    return network["subnets"]


def test_a_job_on_demand_is_never_put_on_spot(runner: EcsRunner, ecs: FakeEcs) -> None:
    ecs.refuse_placement(CAPACITY, times=3)

    runner.wait(runner.submit(SPEC))

    assert _on_spot(ecs) == [False] * 4


def test_without_spot_capacity_a_job_goes_on_demand(runner: EcsRunner, ecs: FakeEcs) -> None:
    ecs.refuse_placement(CAPACITY, is_spot=True)

    info = runner.wait(runner.submit(SPOT))

    assert info.status is JobStatus.COMPLETED
    assert _on_spot(ecs) == [True, False]


def test_the_last_rungs_are_the_other_subnets(
    ecs: FakeEcs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    settings = ecs_settings.model_copy(update={"other_subnets": (OTHER_SUBNET,)})
    runner = EcsRunner(settings, client=ecs, store=store, clock=ecs.clock)
    ecs.refuse_placement(CAPACITY, times=2)

    runner.wait(runner.submit(SPOT))

    asked = [_subnets(parameters) for name, parameters in ecs.calls if name == "RunTask"]
    assert asked == [["subnet-0123456789abcdef0"]] * 2 + [[OTHER_SUBNET]]


def test_a_definition_that_was_deregistered_is_registered_once_more(
    runner: EcsRunner, ecs: FakeEcs
) -> None:
    runner.wait(runner.submit(SPEC))
    ecs.deregister_definitions()

    info = runner.wait(runner.submit(replace(SPEC, job_id="job-2")))

    assert info.status is JobStatus.COMPLETED
    asked = [parameters["taskDefinition"] for name, parameters in ecs.calls if name == "RunTask"]
    assert [arn.rpartition(":")[2] for arn in asked] == ["1", "1", "2"]


def test_a_definition_that_was_deregistered_is_registered_for_the_next_attempt(
    ecs_settings: EcsSettings, store: MemoryStore
) -> None:
    first, second = TaskScript(runs_s=600, interrupted_after_s=60), TaskScript()
    ecs = FakeEcs(lambda task: first if task.is_spot else second)
    policy = EcsPolicy(attempts=2)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock, policy=policy)
    handle = runner.submit(SPOT)
    ecs.refuse_placement(CAPACITY, is_spot=True)
    ecs.deregister_definitions()

    info = runner.wait(handle)

    assert info.status is JobStatus.COMPLETED
    asked = [parameters["taskDefinition"] for name, parameters in ecs.calls if name == "RunTask"]
    families, revisions = zip(*(arn.rsplit(":", 1) for arn in asked), strict=True)
    assert len(set(families)) == 1
    assert revisions[-1] == "2"


def test_a_definition_that_is_deregistered_each_time_is_an_error(
    runner: EcsRunner, ecs: FakeEcs
) -> None:
    ecs.fail("RunTask", "ClientException", "TaskDefinition is inactive", times=2)

    with pytest.raises(ExternalServiceError, match="the task definition of job-1 is gone"):
        runner.submit(SPEC)

    assert [name for name, _ in ecs.calls].count("RunTask") == 2
    assert runner.wait(runner.submit(SPEC)).status is JobStatus.COMPLETED


def test_each_rung_has_a_token_of_its_own(runner: EcsRunner, ecs: FakeEcs) -> None:
    ecs.fail("RunTask", "ThrottlingException")
    ecs.refuse_placement(CAPACITY, is_spot=True)

    runner.submit(SPOT)

    tokens = [parameters["clientToken"] for name, parameters in ecs.calls if name == "RunTask"]
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(len(token) == 64 for token in tokens)


def test_a_launch_ends_with_its_budget_and_can_be_repeated(runner: EcsRunner, ecs: FakeEcs) -> None:
    ecs.refuse_placement(CAPACITY, times=1000)

    with pytest.raises(LaunchError, match="Capacity is unavailable") as caught:
        runner.submit(SPOT)

    assert caught.value.kind is LaunchFailure.CAPACITY
    assert caught.value.retryable
    assert 200 < ecs.clock() <= 310
    assert ecs.tasks == []
    ecs.clear_faults()
    assert runner.wait(runner.submit(SPOT)).status is JobStatus.COMPLETED


@pytest.mark.parametrize("reason", ["ATTRIBUTE", "MemberOf placement constraint unsatisfied."])
def test_a_placement_that_can_never_work_ends_the_launch_at_once(
    reason: str, runner: EcsRunner, ecs: FakeEcs
) -> None:
    ecs.refuse_placement(reason)

    with pytest.raises(LaunchError) as caught:
        runner.submit(SPOT)

    assert caught.value.kind is LaunchFailure.PLACEMENT
    assert not caught.value.retryable
    assert len(_on_spot(ecs)) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ThrottlingException", "Rate exceeded"),
        ("ClientException", "Too many concurrent attempts to create a new revision."),
        ("InvalidParameterException", "Unable to run task: Rate exceeded"),
        ("ClientException", "You've reached the limit of tasks in the PROVISIONING state."),
        ("ServerException", "These errors are usually caused by a server issue."),
    ],
)
def test_what_may_pass_is_tried_again_with_the_same_token(
    code: str, message: str, runner: EcsRunner, ecs: FakeEcs
) -> None:
    ecs.fail("RunTask", code, message, times=3)

    assert runner.wait(runner.submit(SPEC)).status is JobStatus.COMPLETED

    tokens = [parameters["clientToken"] for name, parameters in ecs.calls if name == "RunTask"]
    assert len(tokens) == 4
    assert len(set(tokens)) == 1


@pytest.mark.parametrize(
    ("code", "message", "key"),
    [
        ("ClusterNotFoundException", "Cluster not found.", "ECS_CLUSTER"),
        ("InvalidParameterException", "The subnet ID 'subnet-0' does not exist", "ECS_SUBNETS"),
        ("InvalidParameterException", "Security group sg-0 does not exist", "ECS_SECURITY_GROUPS"),
    ],
)
def test_a_wrong_setting_is_named(
    code: str, message: str, key: str, runner: EcsRunner, ecs: FakeEcs
) -> None:
    ecs.fail("RunTask", code, message)

    with pytest.raises(ConfigurationError, match=key) as caught:
        runner.submit(SPEC)

    assert caught.value.key == key


def test_a_lost_reply_finds_the_task(runner: EcsRunner, ecs: FakeEcs) -> None:
    ecs.lose_reply("RunTask", times=2)

    handle = runner.submit(SPEC)

    assert [task.arn for task in ecs.tasks] == [handle.native_id]


def test_a_task_of_the_same_specification_is_adopted_from_a_conflict(
    ecs: FakeEcs, ecs_settings: EcsSettings
) -> None:
    spec = replace(SPEC, time_limit_s=600)
    handles = []
    for _ in range(2):
        # Another store: the requests differ in the time of expiry.
        runner = EcsRunner(ecs_settings, client=ecs, store=MemoryStore(), clock=ecs.clock)
        handles.append(runner.submit(spec))
        runner.wait(handles[-1])

    assert handles[0] == handles[1]
    assert len(ecs.tasks) == 1


def test_a_task_of_another_specification_is_not_adopted(
    ecs: FakeEcs, ecs_settings: EcsSettings
) -> None:
    runners = [
        EcsRunner(ecs_settings, client=ecs, store=MemoryStore(), clock=ecs.clock) for _ in range(2)
    ]
    runners[0].submit(SPEC)

    with pytest.raises(JobConflictError):
        runners[1].submit(replace(SPEC, command=("another",)))

    assert len(ecs.tasks) == 1


def test_a_task_that_cannot_start_where_it_is_goes_to_the_next_rung(
    store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    def program(task: FakeTask) -> TaskScript:
        reason = "ResourceInitializationError: Timeout waiting for network interface provisioning"
        return TaskScript(start_failure=reason if task.is_spot else "")

    ecs = FakeEcs(program)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)

    info = runner.wait(runner.submit(SPOT))

    assert info.status is JobStatus.COMPLETED
    assert [task.is_spot for task in ecs.tasks] == [True, False]


def test_an_image_that_does_not_exist_is_the_end(
    store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    reason = "CannotPullContainerError: image Manifest does not contain descriptor: not found"
    ecs = FakeEcs(lambda _: TaskScript(start_failure=reason))
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)

    info = runner.wait(runner.submit(SPOT))

    assert (info.status, info.exit_code) == (JobStatus.FAILED, None)
    assert len(ecs.tasks) == 1


NO_ROUTE = "CannotPullContainerError: pull command failed: dial tcp 10.0.0.1:443: i/o timeout"
NO_REGISTRY = (
    "ResourceInitializationError: unable to pull image or start container: connection refused"
)
NO_ADDRESS = "ResourceInitializationError: InsufficientFreeAddressesInSubnet"


@pytest.mark.parametrize("reason", [NO_ROUTE, NO_REGISTRY, NO_ADDRESS])
@pytest.mark.parametrize("others", ["", OTHER_SUBNET], ids=["none", "others"])
def test_what_the_subnets_lack_is_not_looked_for_in_the_same_subnets(
    reason: str, others: str, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    settings = ecs_settings.model_copy(update={"other_subnets": (others,) if others else ()})

    def program(task: FakeTask) -> TaskScript:
        return TaskScript(start_failure="" if others in _subnets(task.request) else reason)

    ecs = FakeEcs(program)
    runner = EcsRunner(settings, client=ecs, store=store, clock=ecs.clock)

    info = runner.wait(runner.submit(SPOT))

    assert [task.is_spot for task in ecs.tasks] == [True, True] if others else [True]
    assert info.status is (JobStatus.COMPLETED if others else JobStatus.FAILED)


def _interrupted_once(task: FakeTask) -> TaskScript:
    is_first = task.environment["TRADAI_RUN_ID"] == "job-1"
    return TaskScript(interrupted_after_s=1.0 if is_first else None)


def test_an_interruption_of_spot_is_the_end_by_default(
    store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(_interrupted_once)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)

    info = runner.wait(runner.submit(SPOT))

    assert info.status is JobStatus.FAILED
    assert "Spot" in info.reason
    assert len(ecs.tasks) == 1


def test_a_second_attempt_after_spot_has_a_run_id_of_its_own(
    store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(_interrupted_once)
    policy = EcsPolicy(attempts=2)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock, policy=policy)
    handle = runner.submit(SPOT)
    seen = []

    while not (info := runner.wait(handle, timeout_s=1.0)).status.is_terminal:
        seen.append(info.status)

    assert info.status is JobStatus.COMPLETED
    assert [task.environment["TRADAI_RUN_ID"] for task in ecs.tasks] == ["job-1", "job-1.2"]
    # A job that ran never goes back to pending.
    assert seen == sorted(seen)
    assert info.started_at is not None
    assert (info.started_at - ecs.clock.now()).total_seconds() < -10


def test_a_rung_is_not_left_while_another_process_may_launch_on_it(
    ecs: FakeEcs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    runners = [
        EcsRunner(
            ecs_settings,
            client=ecs,
            store=store,
            clock=ecs.clock,
            policy=EcsPolicy(launch_budget_s=900),
        )
        for _ in range(2)
    ]
    ecs.refuse_placement(CAPACITY, is_spot=True, times=1000)
    handles: list[JobHandle] = []

    def submit_meanwhile(when: str, operation: str) -> None:
        if (when, operation) == ("before", "RunTask") and not handles:
            # The first process sleeps just before its request is sent.
            ecs.on_call = lambda *_: None
            handles.append(runners[1].submit(SPOT))
            ecs.clear_faults()

    ecs.on_call = submit_meanwhile
    handles.append(runners[0].submit(SPOT))

    assert handles[0] == handles[1]
    second, late = ecs.tasks
    assert second.created_s >= LEASE_S
    assert handles[0].native_id == second.arn
    assert [task.arn for task in ecs.running()] == [second.arn]
    assert late.stop_code == "UserInitiated"


def test_at_most_twenty_tasks_a_second_are_launched(runner: EcsRunner, ecs: FakeEcs) -> None:
    ecs.latency_s = 0.0
    times: list[float] = []

    def note(*step: str) -> None:
        if step == ("before", "RunTask"):
            times.append(ecs.clock())

    ecs.on_call = note

    for number in range(60):
        runner.submit(replace(SPEC, job_id=f"job-{number}"))

    within = [sum(at <= one < at + 0.999 for one in times) for at in times]
    assert max(within) <= 20
    assert times[-1] <= 3.0


class _Death(BaseException):
    """The process is killed."""


def _killed_after_run_task(runner: EcsRunner, ecs: FakeEcs, spec: JobSpec) -> None:
    def kill(when: str, operation: str) -> None:
        if (when, operation) == ("after", "RunTask"):
            raise _Death

    ecs.on_call = kill
    with pytest.raises(_Death):
        runner.submit(spec)
    ecs.on_call = lambda *_: None


def test_a_task_is_found_when_its_token_has_expired_and_it_still_runs(
    store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(lambda _: TaskScript(runs_s=3 * 86_400))
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)
    _killed_after_run_task(runner, ecs, SPEC)
    ecs.clock.advance(2 * 86_400)

    handle = runner.submit(SPEC)

    assert [task.arn for task in ecs.tasks] == [handle.native_id]


def test_a_task_that_stopped_less_than_an_hour_ago_is_found(
    store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(lambda _: TaskScript(runs_s=3000))
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)
    _killed_after_run_task(runner, ecs, SPEC)
    ecs.clock.advance(3600)

    info = runner.wait(runner.submit(SPEC))

    assert info.status is JobStatus.COMPLETED
    assert len(ecs.tasks) == 1


def test_a_launch_whose_outcome_cannot_be_known_is_a_failure_and_not_repeated(
    runner: EcsRunner, ecs: FakeEcs, new_runner: Callable[[], EcsRunner]
) -> None:
    _killed_after_run_task(runner, ecs, SPEC)
    ecs.clock.advance(2 * 3600)

    info = new_runner().wait(new_runner().submit(SPEC))

    assert info.status is JobStatus.FAILED
    assert "submit it under another id" in info.reason
    assert len(ecs.tasks) == 1


@pytest.mark.parametrize(("code", "status"), [(0, JobStatus.COMPLETED), (3, JobStatus.FAILED)])
def test_the_run_store_says_what_a_forgotten_task_did(
    code: int, status: JobStatus, tmp_path: Path, runner: EcsRunner, ecs: FakeEcs
) -> None:
    spec = replace(SPEC, environment={"TRADAI_RUN_STORE": f"file:{tmp_path}"})
    _killed_after_run_task(runner, ecs, spec)
    ecs.clock.advance(2 * 3600)
    (tmp_path / "job-1").mkdir()
    (tmp_path / "job-1" / "manifest.json").write_text(f'{{"exit_code": {code}}}')

    info = runner.wait(runner.submit(spec))

    assert (info.status, info.exit_code) == (status, code)
    assert len(ecs.tasks) == 1


def test_a_run_store_without_a_trace_allows_another_launch(
    tmp_path: Path, runner: EcsRunner, ecs: FakeEcs
) -> None:
    spec = replace(SPEC, environment={"TRADAI_RUN_STORE": f"file:{tmp_path}"})
    ecs.fail("RunTask", "AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        runner.submit(spec)
    ecs.clock.advance(2 * 3600)

    info = runner.wait(runner.submit(spec))

    assert info.status is JobStatus.COMPLETED
    assert len(ecs.tasks) == 1


def test_a_started_run_without_a_manifest_is_not_launched_again(
    tmp_path: Path, runner: EcsRunner, ecs: FakeEcs
) -> None:
    spec = replace(SPEC, environment={"TRADAI_RUN_STORE": f"file:{tmp_path}"})
    _killed_after_run_task(runner, ecs, spec)
    ecs.clock.advance(2 * 3600)
    (tmp_path / "job-1").mkdir()
    (tmp_path / "job-1" / "started.json").write_text("{}")

    info = runner.wait(runner.submit(spec))

    assert info.status is JobStatus.FAILED
    assert len(ecs.tasks) == 1


def test_a_launch_that_was_refused_can_be_repeated_days_later(
    runner: EcsRunner, ecs: FakeEcs, new_runner: Callable[[], EcsRunner]
) -> None:
    ecs.refuse_placement(CAPACITY, times=1000)
    with pytest.raises(LaunchError):
        runner.submit(SPOT)
    ecs.clear_faults()
    ecs.clock.advance(3 * 86_400)

    other = new_runner()
    info = other.wait(other.submit(SPOT))

    assert info.status is JobStatus.COMPLETED
    assert len(ecs.tasks) == 1


def test_settings_that_were_corrected_are_used_by_the_next_submit(
    ecs: FakeEcs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs.fail("RunTask", "InvalidParameterException", "The subnet ID does not exist")
    with pytest.raises(ConfigurationError, match="ECS_SUBNETS"):
        EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock).submit(SPEC)
    corrected = ecs_settings.model_copy(update={"subnets": (OTHER_SUBNET,)})

    EcsRunner(corrected, client=ecs, store=store, clock=ecs.clock).submit(SPEC)

    asked = [_subnets(parameters) for name, parameters in ecs.calls if name == "RunTask"]
    assert asked == [["subnet-0123456789abcdef0"], [OTHER_SUBNET]]


def test_a_refusal_after_a_lost_reply_proves_nothing(
    runner: EcsRunner, ecs: FakeEcs, new_runner: Callable[[], EcsRunner]
) -> None:
    ecs.lose_reply("RunTask")
    ecs.fail("RunTask", "AccessDeniedException")
    with pytest.raises(AwsError, match="AccessDenied"):
        runner.submit(SPEC)
    ecs.clock.advance(2 * 3600)

    info = new_runner().wait(new_runner().submit(SPEC))

    assert info.status is JobStatus.FAILED
    assert len(ecs.tasks) == 1


def test_the_status_of_a_job_that_another_process_launches_is_not_kept(
    ecs: FakeEcs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    launching, watching = (
        EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock) for _ in range(2)
    )
    seen: list[JobStatus] = []

    def look(when: str, operation: str) -> None:
        if (when, operation) == ("before", "RunTask"):
            seen.extend(watching.status(handle).status for handle in watching.jobs())

    ecs.on_call = look
    handle = launching.submit(SPEC)
    ecs.on_call = lambda *_: None
    launching.wait(handle)

    assert seen == [JobStatus.PENDING]
    assert watching.status(handle).status is JobStatus.COMPLETED
