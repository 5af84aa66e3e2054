"""Jobs on ministack's ECS, whose tasks are real containers of a Docker daemon.

ministack is not AWS: it starts tasks at once, takes any cluster for an existing one, and reports
exit code 0 for some containers that are stopped.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from servers.aws import new_ecs, settings_at

from tradai.aws import AwsSettings, EcsRunner, EcsSettings, S3Store, client_for
from tradai.core import JobSpec, JobStatus
from tradai.core.testing import JobScript


@pytest.fixture
def aws(ministack_with_docker: str) -> AwsSettings:
    return settings_at(ministack_with_docker)


@pytest.fixture
def settings(aws: AwsSettings) -> EcsSettings:
    return EcsSettings.load(environ=new_ecs(aws))


@pytest.fixture
def new_runner(aws: AwsSettings, settings: EcsSettings) -> Callable[[], EcsRunner]:
    """Make a runner as another process would."""
    return lambda: EcsRunner(
        settings,
        client=client_for("ecs", aws),
        store=S3Store(aws),
        logs_client=client_for("logs", aws),
    )


@pytest.fixture
def spec_for(python_image: str) -> Callable[[JobScript], JobSpec]:
    return lambda script: JobSpec(job_id="job-1", command=script.command(), image=python_image)


@pytest.mark.parametrize(("code", "status"), [(0, JobStatus.COMPLETED), (7, JobStatus.FAILED)])
def test_a_container_runs_and_its_exit_code_comes_back(
    code: int,
    status: JobStatus,
    new_runner: Callable[[], EcsRunner],
    spec_for: Callable[[JobScript], JobSpec],
) -> None:
    runner = new_runner()
    spec = spec_for(JobScript(lines=("hello",), exit_code=code))

    info = runner.wait(runner.submit(spec))

    assert (info.status, info.exit_code) == (status, code)
    assert info.started_at is not None


def test_another_process_adopts_the_task_and_stops_it(
    new_runner: Callable[[], EcsRunner],
    spec_for: Callable[[JobScript], JobSpec],
    aws: AwsSettings,
    settings: EcsSettings,
) -> None:
    spec = spec_for(JobScript(waits=True, exit_code_when_stopped=5))
    handle = new_runner().submit(spec)
    other = new_runner()

    assert other.submit(spec) == handle
    assert list(other.jobs()) == [handle]
    info = other.stop(handle, "the market is closed")

    assert info.status is JobStatus.CANCELLED
    assert "the market is closed" in info.reason
    ecs = client_for("ecs", aws)
    assert ecs.list_tasks(cluster=settings.cluster)["taskArns"] == []


def test_a_task_gets_its_variables(
    new_runner: Callable[[], EcsRunner], spec_for: Callable[[JobScript], JobSpec]
) -> None:
    runner = new_runner()
    program = (
        'test "$PAIR" = BTC/USDT && test "$TRADAI_RUN_ID" = job-1 && test -n "$TRADAI_RUN_TRACE_ID"'
    )
    spec = replace(
        spec_for(JobScript()), command=("sh", "-c", program), environment={"PAIR": "BTC/USDT"}
    )

    assert runner.wait(runner.submit(spec)).exit_code == 0


def test_the_lines_of_a_container_come_back_whole(
    new_runner: Callable[[], EcsRunner], spec_for: Callable[[JobScript], JobSpec]
) -> None:
    # Records as `tradai-entrypoint contain` writes them.
    program = """
        echo "0a1b2c3d:0!tradai-log 1"
        for n in $(seq 1 300); do echo "0a1b2c3d:$n line $n"; done
        echo "0a1b2c3d:301!end 300"
    """
    runner = new_runner()
    handle = runner.submit(replace(spec_for(JobScript()), command=("sh", "-c", program)))

    lines = list(runner.logs(handle))

    assert [line.text for line in lines] == [f"line {number}" for number in range(1, 301)]
    assert [line.text for line in new_runner().logs(handle, after=298)] == ["line 299", "line 300"]


def test_an_image_that_does_not_exist_is_a_failure_with_its_reason(
    new_runner: Callable[[], EcsRunner], spec_for: Callable[[JobScript], JobSpec]
) -> None:
    runner = new_runner()
    spec = replace(spec_for(JobScript()), image="127.0.0.1:1/no-such-image:1")

    info = runner.wait(runner.submit(spec))

    assert (info.status, info.exit_code) == (JobStatus.FAILED, None)
    assert "image" in info.reason


def test_the_reaper_finds_no_task_that_may_still_run(
    new_runner: Callable[[], EcsRunner], spec_for: Callable[[JobScript], JobSpec]
) -> None:
    runner = new_runner()
    spec = replace(spec_for(JobScript(waits=True)), may_be_reaped=True, time_limit_s=600)
    handle = runner.submit(spec)

    assert list(runner.reap(dry_run=False)) == []

    runner.stop(handle, "the test is over")


def test_a_whole_job_uses_few_operations_of_ecs(
    new_runner: Callable[[], EcsRunner],
    spec_for: Callable[[JobScript], JobSpec],
    aws: AwsSettings,
) -> None:
    operations: set[str] = set()
    events: Any = client_for("ecs", aws).meta.events

    def note(model: Any, **_: Any) -> None:
        operations.add(model.name)

    events.register("before-call.ecs", note)
    try:
        runner = new_runner()
        runner.wait(runner.submit(spec_for(JobScript())))
    finally:
        events.unregister("before-call.ecs", note)

    assert operations <= {
        "DescribeTaskDefinition",
        "RegisterTaskDefinition",
        "RunTask",
        "DescribeTasks",
    }
