"""Failures that users of other launchers of ECS tasks have reported, rebuilt on this runner."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tradai.aws import EcsRunner, EcsSettings
from tradai.aws.testing import FakeEcs, FakeLogs, TaskScript
from tradai.core import Capacity, JobSpec, JobStatus, MemoryStore
from tradai.core.exceptions import ConfigurationError

SPEC = JobSpec(job_id="job-1", command=("run",), image="registry.invalid/job")
START = "0a1b2c3d:0!tradai-log 1"

NewRunner = Callable[[], EcsRunner]
OnLogs = Callable[[TaskScript], tuple[FakeEcs, NewRunner]]


@pytest.fixture
def running(logs: FakeLogs, store: MemoryStore, ecs_settings: EcsSettings) -> OnLogs:
    """Have tasks of one script; the runners are those of several processes."""

    def make(script: TaskScript) -> tuple[FakeEcs, NewRunner]:
        ecs = FakeEcs(lambda _: script, logs=logs)
        return ecs, lambda: EcsRunner(
            ecs_settings, client=ecs, store=store, clock=ecs.clock, logs_client=logs
        )

    return make


def test_a_retry_after_the_task_has_succeeded_launches_nothing(running: OnLogs) -> None:
    # https://github.com/apache/airflow/pull/72421
    ecs, new_runner = running(TaskScript())
    first = new_runner()
    first.wait(first.submit(SPEC))
    ecs.clock.sleep(2 * 3600)

    again = new_runner()
    info = again.wait(again.submit(SPEC))

    assert info.status is JobStatus.COMPLETED
    assert len(ecs.tasks) == 1


def test_the_only_line_of_a_job_of_a_second_is_read(running: OnLogs) -> None:
    # https://github.com/apache/airflow/issues/21573
    end = ("0a1b2c3d:2!end 1",)
    _, new_runner = running(
        TaskScript(lines=(START, "0a1b2c3d:1 hello world"), last_lines=end, runs_s=1)
    )
    runner = new_runner()
    handle = runner.submit(SPEC)

    assert [line.text for line in runner.logs(handle)] == ["hello world"]
    summary = runner.log_summary(handle)
    assert summary is not None
    assert summary.sentence() == "log complete: 1 line"


def test_a_job_whose_time_is_over_still_shows_its_log(running: OnLogs) -> None:
    # https://github.com/apache/airflow/issues/39026
    end = ("0a1b2c3d:2 last", "0a1b2c3d:3!end 2")
    _, new_runner = running(
        TaskScript(lines=(START, "0a1b2c3d:1 first"), last_lines=end, waits=True)
    )
    runner = new_runner()
    handle = runner.submit(replace(SPEC, time_limit_s=60))

    assert [line.text for line in runner.logs(handle)] == ["first", "last"]
    info = runner.wait(handle)
    assert info.status is JobStatus.FAILED
    assert "time limit of 60 s" in info.reason


def test_a_process_that_attaches_again_reads_the_log_of_the_task(running: OnLogs) -> None:
    # https://github.com/apache/airflow/issues/22878
    end = ("0a1b2c3d:2!end 1",)
    ecs, new_runner = running(
        TaskScript(lines=(START, "0a1b2c3d:1 one"), last_lines=end, runs_s=600)
    )
    handle = new_runner().submit(SPEC)
    ecs.clock.sleep(60)

    other = new_runner()

    assert other.submit(SPEC) == handle
    assert [line.text for line in other.logs(handle)] == ["one"]
    assert len(ecs.tasks) == 1


def test_hundreds_of_jobs_outlast_throttling_of_describe_tasks(running: OnLogs) -> None:
    # https://github.com/PrefectHQ/prefect/issues/18584
    ecs, new_runner = running(TaskScript(runs_s=60))
    runner = new_runner()
    handles = [runner.submit(replace(SPEC, job_id=f"job-{number}")) for number in range(300)]
    ecs.fail("DescribeTasks", "ThrottlingException", times=10)

    ends = {runner.wait(handle).status for handle in handles}

    assert ends == {JobStatus.COMPLETED}
    assert len(ecs.tasks) == 300


def test_a_task_that_ecs_gives_up_before_it_has_a_container_has_failed(running: OnLogs) -> None:
    # https://github.com/dagster-io/dagster/issues/11628
    ecs, new_runner = running(TaskScript(start_failure="Task failed to start"))
    ecs.delays = replace(ecs.delays, start_s=1800, containers_after_s=3600)
    runner = new_runner()

    info = runner.wait(runner.submit(SPEC))

    assert (info.status, info.exit_code) == (JobStatus.FAILED, None)


def test_a_cluster_without_spot_is_named_and_nothing_is_launched(running: OnLogs) -> None:
    # https://github.com/dask/dask-cloudprovider/issues/328
    ecs, new_runner = running(TaskScript())
    words = (
        "The specified capacity provider strategy cannot contain a capacity provider that is not "
        "associated with the cluster."
    )
    ecs.fail("RunTask", "InvalidParameterException", words)
    spot = replace(SPEC, capacity=(Capacity.SPOT, Capacity.ON_DEMAND))

    with pytest.raises(ConfigurationError, match="ECS_CLUSTER"):
        new_runner().submit(spot)

    assert ecs.tasks == []


def test_the_task_definitions_of_others_are_neither_listed_nor_changed(running: OnLogs) -> None:
    # https://github.com/dask/dask-cloudprovider/issues/344 and 241
    ecs, new_runner = running(TaskScript())
    runner = new_runner()

    runner.wait(runner.submit(SPEC))

    about = {name for name, _ in ecs.calls if "Definition" in name}
    assert about == {"RegisterTaskDefinition", "DescribeTaskDefinition"}
