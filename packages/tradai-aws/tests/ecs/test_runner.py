"""The runner of ECS: its URI, calls to AWS, stops, time limits, the reaper, and tags."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import pytest

from tradai.aws import AwsError, ECSJobManager, EcsPolicy, EcsRunner, EcsSettings
from tradai.aws.testing import FakeEcs, FakeTask, TaskDelays, TaskScript
from tradai.core import (
    Capacity,
    JobHandle,
    JobSpec,
    JobStatus,
    MemoryStore,
    ObjectStore,
    backend_for,
)
from tradai.core.exceptions import ConfigurationError, StorageError, ValidationError

SPEC: Final = JobSpec(job_id="job-1", command=("run",), image="registry.invalid/job")
WAITS: Final = TaskScript(waits=True)
REAPABLE: Final = replace(SPEC, may_be_reaped=True, time_limit_s=600, stop_grace_s=60)
# Time limit, grace and half an hour.
EXPIRES_S: Final = 600 + 60 + 1800


class Counting:
    """Counts the requests to a store."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.count = 0

    def __getattr__(self, name: str) -> object:
        self.count += 1
        return getattr(self._store, name)


def _runner(ecs: FakeEcs, settings: EcsSettings, store: ObjectStore | None = None) -> EcsRunner:
    return EcsRunner(settings, client=ecs, store=store or MemoryStore(), clock=ecs.clock)


def _calls(ecs: FakeEcs, operation: str) -> int:
    return sum(name == operation for name, _ in ecs.calls)


def test_the_runner_is_found_by_its_uri(ecs_settings: EcsSettings) -> None:
    settings = ecs_settings.model_copy(
        update={"cluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/jobs"}
    )

    runner = _runner(FakeEcs(cluster="jobs"), settings)

    assert runner.uri == "ecs:jobs"
    assert runner.wait(runner.submit(SPEC)).status is JobStatus.COMPLETED


def test_a_cluster_in_another_region_is_refused_before_any_request(
    ecs_settings: EcsSettings,
) -> None:
    ecs = FakeEcs()
    cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/tradai"

    with pytest.raises(ConfigurationError, match="us-east-1"):
        _runner(ecs, ecs_settings.model_copy(update={"cluster": cluster}))

    assert ecs.calls == []


def test_a_short_job_costs_few_requests_and_a_longer_one_one_in_ten_seconds(
    ecs_settings: EcsSettings,
) -> None:
    counts: dict[float, int] = {}
    for runs_s in (4.0, 104.0):
        ecs = FakeEcs(partial(_running, runs_s))
        store = Counting(MemoryStore())
        runner = _runner(ecs, ecs_settings, cast("ObjectStore", store))

        runner.wait(runner.submit(SPEC))

        counts[runs_s] = len(ecs.calls) + store.count

    assert counts[4.0] <= 14
    assert counts[104.0] - counts[4.0] <= 10


def _running(runs_s: float, _: FakeTask) -> TaskScript:
    return TaskScript(runs_s=runs_s)


def test_many_jobs_share_their_requests(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: TaskScript(runs_s=600))
    ecs.latency_s = 0.0
    runner = _runner(ecs, ecs_settings)
    handles = [runner.submit(replace(SPEC, job_id=f"job-{n}")) for n in range(200)]
    ecs.calls.clear()
    began_s = ecs.clock()

    while ecs.clock() < began_s + 300:
        for handle in handles:
            runner.wait(handle, timeout_s=0)
        ecs.clock.advance(1)

    assert 0 < _calls(ecs, "DescribeTasks") <= ecs.clock() - began_s
    # Two requests describe all of them; every ten seconds that is one in five seconds.
    assert _calls(ecs, "DescribeTasks") <= 80


def test_a_task_that_is_not_known_yet_is_pending(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs()
    ecs.delays = TaskDelays(visible_after_s=30, start_s=40)
    runner = _runner(ecs, ecs_settings)
    handle = runner.submit(SPEC)

    early = runner.wait(handle, timeout_s=20)

    assert early.status is JobStatus.PENDING
    assert runner.wait(handle).status is JobStatus.COMPLETED


def test_the_end_of_a_job_outlives_its_task(ecs_settings: EcsSettings) -> None:
    ecs, store = FakeEcs(lambda _: TaskScript(exit_code=3)), MemoryStore()
    runner = _runner(ecs, ecs_settings, store)
    handle = runner.submit(SPEC)
    info = runner.wait(handle)
    ecs.clock.advance(86_400)

    again = _runner(ecs, ecs_settings, store)

    assert again.status(handle) == info
    assert again.submit(SPEC) == handle


def test_a_task_that_no_process_saw_end_is_no_success(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs()
    runner = _runner(ecs, ecs_settings)
    handle = runner.submit(SPEC)
    ecs.clock.advance(86_400)

    info = runner.wait(handle)

    assert (info.status, info.exit_code) == (JobStatus.FAILED, None)


def test_a_handle_of_another_account_is_refused(runner: EcsRunner) -> None:
    handle = runner.submit(SPEC)
    other = replace(handle, native_id=handle.native_id.replace("123456789012", "210987654321"))

    with pytest.raises(ValidationError, match="210987654321"):
        runner.status(JobHandle.from_json(other.to_json()))


def test_a_job_without_an_image_is_refused(runner: EcsRunner, ecs: FakeEcs) -> None:
    with pytest.raises(ValidationError):
        runner.submit(replace(SPEC, image=None))

    assert list(runner.jobs()) == []
    assert ecs.tasks == []


def test_a_stop_that_was_only_written_down_is_carried_out_by_the_next_look(
    ecs_settings: EcsSettings,
) -> None:
    ecs, store = FakeEcs(lambda _: WAITS), MemoryStore()
    runner = _runner(ecs, ecs_settings, store)
    handle = runner.submit(SPEC)

    class Death(BaseException):
        pass

    def kill(when: str, operation: str) -> None:
        if (when, operation) == ("before", "StopTask"):
            raise Death

    ecs.on_call = kill
    with pytest.raises(Death):
        runner.stop(handle, "the market is closed")
    ecs.on_call = lambda *_: None

    info = _runner(ecs, ecs_settings, store).wait(handle)

    assert info.status is JobStatus.CANCELLED
    assert "the market is closed" in info.reason


def test_a_stop_follows_the_task_to_its_end(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: TaskScript(waits=True, is_deaf=True))
    runner = _runner(ecs, ecs_settings)
    handle = runner.submit(replace(SPEC, stop_grace_s=100))
    runner.wait(handle, timeout_s=10)

    info = runner.stop(handle, "enough")

    assert (info.status, info.exit_code) == (JobStatus.CANCELLED, 137)
    assert _calls(ecs, "StopTask") == 1
    assert ecs.running() == []


def test_a_stop_comes_through_throttling(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: WAITS)
    runner = _runner(ecs, ecs_settings)
    handle = runner.submit(SPEC)
    ecs.fail("StopTask", "ThrottlingException", times=2)
    ecs.fail("DescribeTasks", "ThrottlingException", times=2)

    assert runner.stop(handle, "enough").status is JobStatus.CANCELLED


def test_a_stop_of_a_job_that_was_never_launched_leaves_nothing(
    runner: EcsRunner, ecs: FakeEcs, new_runner: Callable[[], EcsRunner]
) -> None:
    ecs.fail("RunTask", "AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        runner.submit(SPEC)
    (handle,) = new_runner().jobs()

    info = new_runner().stop(handle, "not wanted any more")

    assert info.status is JobStatus.CANCELLED
    assert "not wanted any more" in info.reason
    assert ecs.tasks == []


def test_a_stop_by_someone_else_is_no_success_of_ours(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: WAITS)
    runner = _runner(ecs, ecs_settings)
    handle = runner.submit(SPEC)
    runner.wait(handle, timeout_s=10)

    ecs.stop_task(cluster="tradai", task=handle.native_id, reason="by hand")

    info = runner.wait(handle)
    assert info.status is JobStatus.FAILED


def test_tags_say_whose_task_it_is_and_when_it_expires(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs()
    runner = _runner(ecs, ecs_settings)

    runner.submit(replace(REAPABLE, tags={"team": "alpha"}))

    (task,) = ecs.tasks
    tags = {tag["key"]: tag["value"] for tag in task.request["tags"]}
    assert tags == {
        "team": "alpha",
        "tradai:job": "job-1",
        "tradai:spec-digest": replace(REAPABLE, tags={"team": "alpha"}).digest,
        "tradai:may-be-reaped": "yes",
        "tradai:expires-at": tags["tradai:expires-at"],
    }
    assert tags["tradai:expires-at"].startswith("2025-01-01T00:41:00")


def test_a_dry_run_of_the_reaper_stops_nothing(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: WAITS)
    runner = _runner(ecs, ecs_settings)
    handle = runner.submit(REAPABLE)
    ecs.clock.advance(EXPIRES_S + 5)

    (found,) = runner.reap()

    assert (found.job_id, found.task_arn, found.is_stopped) == ("job-1", handle.native_id, False)
    assert len(ecs.running()) == 1


def test_the_reaper_stops_what_has_expired(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: WAITS)
    runner = _runner(ecs, ecs_settings)
    handle = runner.submit(REAPABLE)
    ecs.clock.advance(EXPIRES_S - 5)
    assert list(runner.reap(dry_run=False)) == []
    ecs.clock.advance(10)

    (found,) = runner.reap(dry_run=False)

    assert found.is_stopped
    assert ecs.running() == []
    assert "expired" in runner.wait(handle).reason


def _three_expired(ecs_settings: EcsSettings, store: MemoryStore) -> tuple[FakeEcs, EcsRunner]:
    ecs = FakeEcs(lambda _: WAITS)
    runner = _runner(ecs, ecs_settings, store)
    for number in range(3):
        runner.submit(replace(REAPABLE, job_id=f"job-{number}"))
    ecs.clock.advance(EXPIRES_S + 5)
    return ecs, runner


def test_a_task_that_cannot_be_stopped_does_not_keep_the_others_alive(
    ecs_settings: EcsSettings,
) -> None:
    ecs, runner = _three_expired(ecs_settings, MemoryStore())
    ecs.fail("StopTask", "AccessDeniedException")
    reaping = runner.reap(dry_run=False)

    reaped = [next(reaping).is_stopped for _ in range(3)]
    with pytest.raises(AwsError, match="job-0"):
        next(reaping)

    assert reaped == [False, True, True]
    assert len(ecs.running()) == 1


def test_a_record_that_cannot_be_read_keeps_no_task_alive(ecs_settings: EcsSettings) -> None:
    store = MemoryStore()
    ecs, runner = _three_expired(ecs_settings, store)
    (uri,) = [one.uri for one in store.list("memory:jobs/") if one.uri.endswith("/job-0.json")]
    store.write(uri, b"{")
    reaping = runner.reap(dry_run=False)

    reaped = [next(reaping).is_stopped for _ in range(3)]
    with pytest.raises(StorageError, match="job-0"):
        next(reaping)

    assert reaped == [True, True, True]
    assert ecs.running() == []


def test_a_task_that_is_listed_is_not_gone(ecs_settings: EcsSettings) -> None:
    """DescribeTasks may be answered by a replica that lags behind."""
    ecs, store = FakeEcs(lambda _: TaskScript(runs_s=900)), MemoryStore()
    handle = _runner(ecs, ecs_settings, store).submit(SPEC)
    ecs.clock.advance(600)
    ecs.hide_tasks(times=2)
    later = _runner(ecs, ecs_settings, store)

    assert not later.status(handle).status.is_terminal
    assert later.wait(handle).status is JobStatus.COMPLETED


def test_a_task_that_ecs_shows_late_is_waited_for(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: TaskScript(runs_s=300))
    ecs.delays = TaskDelays(visible_after_s=200, start_s=10)
    runner = _runner(ecs, ecs_settings)

    info = runner.wait(runner.submit(SPEC))

    assert info.status is JobStatus.COMPLETED
    assert len(ecs.tasks) == 1


def _strangers(_: FakeTask) -> TaskScript:
    return TaskScript(runs_s=30 * 86_400)


@pytest.mark.parametrize(
    "change",
    [
        {"may_be_reaped": False},
        {"time_limit_s": None},
        {"time_limit_s": 90_000},
    ],
)
def test_the_reaper_leaves_jobs_that_may_run(
    change: dict[str, Any], ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(_strangers)
    runner = _runner(ecs, ecs_settings)
    runner.submit(replace(REAPABLE, **change))
    ecs.clock.advance(80_000)

    assert list(runner.reap(dry_run=False)) == []
    assert len(ecs.running()) == 1


@pytest.mark.parametrize(
    "removed",
    ["tradai:job", "tradai:may-be-reaped", "tradai:expires-at", "all", "soon", "0001-01-01T00+14"],
)
def test_the_reaper_leaves_tasks_of_others(removed: str, ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(_strangers)
    runner = _runner(ecs, ecs_settings)
    runner.submit(REAPABLE)
    request = dict(ecs.tasks[0].request)
    tags = [tag for tag in request["tags"] if removed not in {tag["key"], "all"}]
    if removed in {"soon", "0001-01-01T00+14"}:
        tags = [{**tag, "value": removed} if "expires" in tag["key"] else tag for tag in tags]
    stranger = ecs.run_task(**request | {"tags": tags, "clientToken": "another"})
    ecs.clock.advance(EXPIRES_S + 100)

    reaped = [task.task_arn for task in runner.reap(dry_run=False)]

    assert reaped == [ecs.tasks[0].arn]
    assert [task.arn for task in ecs.running()] == [stranger["tasks"][0]["taskArn"]]


def test_a_time_limit_is_counted_from_the_start_of_the_program(
    ecs_settings: EcsSettings,
) -> None:
    ecs = FakeEcs(lambda _: WAITS)
    ecs.delays = TaskDelays(start_s=500)
    runner = _runner(ecs, ecs_settings)

    info = runner.wait(runner.submit(replace(SPEC, time_limit_s=60)))

    assert info.status is JobStatus.FAILED
    assert info.reason == "its time limit of 60 s has passed"
    assert info.started_at is not None
    assert info.ended_at is not None
    assert info.ended_at - info.started_at < timedelta(seconds=60 + 15)


def test_waiting_in_short_slices_costs_no_more_requests(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(partial(_running, 104.0))
    store = Counting(MemoryStore())
    runner = _runner(ecs, ecs_settings, cast("ObjectStore", store))
    handle = runner.submit(SPEC)

    while not runner.wait(handle, timeout_s=0.5).status.is_terminal:
        pass

    assert len(ecs.calls) + store.count <= 24


def test_the_job_manager_awaits_the_runner(ecs_settings: EcsSettings) -> None:
    async def run() -> tuple[JobStatus, JobStatus]:
        manager = ECSJobManager(_runner(FakeEcs(lambda _: WAITS), ecs_settings))
        handle = await manager.submit(SPEC)
        early = await manager.wait(handle, timeout_s=0)
        await manager.stop(handle, "enough")
        return early.status, (await manager.status(handle)).status

    assert asyncio.run(run()) == (JobStatus.PENDING, JobStatus.CANCELLED)


def test_a_cancelled_stop_goes_on(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: WAITS)
    manager = ECSJobManager(_runner(ecs, ecs_settings))

    async def run() -> JobStatus:
        handle = await manager.submit(SPEC)
        stopping = asyncio.create_task(manager.stop(handle, "enough"))
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        return (await manager.wait(handle)).status

    assert asyncio.run(run()) is JobStatus.CANCELLED


def test_a_runner_by_uri_has_the_settings_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    role = "arn:aws:iam::123456789012:role/job"
    variables = {
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "fake-access-key",
        "AWS_SECRET_ACCESS_KEY": "fake-secret-key",
        "ECS_CLUSTER": "tradai",
        "ECS_SUBNETS": "subnet-0123456789abcdef0",
        "ECS_SECURITY_GROUPS": "sg-0123456789abcdef0",
        "ECS_TASK_ROLE_ARN": role,
        "ECS_EXECUTION_ROLE_ARN": role,
        "ECS_LOG_GROUP": "/tradai/jobs",
        "ECS_LAUNCH_TYPE": "FARGATE",
        "TRADAI_JOB_STORE": f"file:{tmp_path}",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    runners = [backend_for("tradai.runners", uri) for uri in ("ecs:", "ecs:another")]

    assert [getattr(runner, "uri", "") for runner in runners] == ["ecs:tradai", "ecs:another"]
    assert list(runners[0].jobs()) == []


def test_a_task_reaches_no_store_of_this_machine(ecs_settings: EcsSettings) -> None:
    runner = _runner(FakeEcs(), ecs_settings)

    uris = ("s3://bucket/runs/", "file:///srv/runs/", "/srv/runs", "memory:runs")

    assert [runner.can_reach(uri) for uri in uris] == [True, False, False, False]


@pytest.mark.parametrize("change", [{"attempts": 0}, {"launch_budget_s": 0.0}])
def test_a_policy_without_an_attempt_or_a_budget_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EcsPolicy(**change)


def test_a_command_that_is_too_large_is_refused_before_anything_is_registered(
    ecs_settings: EcsSettings,
) -> None:
    ecs = FakeEcs()
    runner = _runner(ecs, ecs_settings)

    with pytest.raises(ValidationError, match="8192"):
        runner.submit(replace(SPEC, command=("run", "x" * 9000)))

    assert ecs.calls == []


def test_a_command_that_is_too_large_is_spilled_where_the_settings_say_so(
    ecs_settings: EcsSettings,
) -> None:
    settings = ecs_settings.model_copy(update={"job_spill": True})
    ecs = FakeEcs()

    _runner(ecs, settings).submit(replace(SPEC, command=("run", "x" * 9000)))

    assert ecs.tasks[0].command[:3] == ("tradai-entrypoint", "jobs", "exec")


def test_the_manifest_decides_whether_a_run_crashed_after_its_result(
    ecs_settings: EcsSettings, tmp_path: Path
) -> None:
    def program(task: FakeTask) -> TaskScript:
        folder = tmp_path / task.environment["TRADAI_RUN_ID"]
        folder.mkdir()
        (folder / "manifest.json").write_text('{"exit_code": 0}')
        return TaskScript(exit_code=137)

    ecs = FakeEcs(program)
    runner = _runner(ecs, ecs_settings)
    spec = replace(SPEC, environment={"TRADAI_RUN_STORE": f"file:{tmp_path}"})

    info = runner.wait(runner.submit(spec))
    bare = runner.wait(runner.submit(replace(spec, job_id="job-2", environment={})))

    assert info.status is JobStatus.FAILED
    assert info.reason != bare.reason


def test_a_task_that_ecs_hides_for_a_moment_has_not_vanished(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(partial(_running, 7200.0))
    store = MemoryStore()
    runner = _runner(ecs, ecs_settings, store)
    handle = runner.submit(SPEC)
    runner.wait(handle, timeout_s=1800)
    ecs.hide_tasks(times=2)

    seen = [runner.wait(handle, timeout_s=30).status for _ in range(3)]
    ecs.hide_tasks()
    seen.append(_runner(ecs, ecs_settings, store).status(handle).status)

    assert seen == [JobStatus.RUNNING] * 4
    assert runner.wait(handle).status is JobStatus.COMPLETED


def test_a_stop_between_two_attempts_launches_nothing(ecs_settings: EcsSettings) -> None:
    ecs = FakeEcs(lambda _: TaskScript(interrupted_after_s=1.0, runs_s=600))
    store = MemoryStore()
    policy = EcsPolicy(attempts=3)
    runner, other = (
        EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock, policy=policy)
        for _ in range(2)
    )
    handle = runner.submit(replace(SPEC, capacity=(Capacity.SPOT,)))
    ecs.fail("RunTask", "AccessDeniedException")
    with pytest.raises(AwsError):
        runner.wait(handle)

    info = other.stop(handle, "enough")

    assert info.status is JobStatus.CANCELLED
    assert info.started_at is not None
    assert len(ecs.tasks) == 1
