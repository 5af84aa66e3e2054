"""The seed's ``aws.ecr_util`` on ministack's ECS, whose tasks are real containers.

Infrastructure ids come from the environment alone, threads that race launch one task, and the
value of a secret reaches the container and nothing that is stored about the job.
"""

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import pytest
from servers.aws import REGION, new_ecs, settings_at

from tradai.aws import AwsSettings, EcsPolicy, S3Store, client_for
from tradai.common.aws.ecr_util import ECSJobManager, EcsRunner, JobSpec, JobStatus
from tradai.core import SecretReference
from tradai.core.exceptions import ConfigurationError
from tradai.core.testing import JobScript

THREADS: Final = 8
VALUE: Final = "fake-value-of-a-secret"


@pytest.fixture
def aws(ministack_with_docker: str) -> AwsSettings:
    return settings_at(ministack_with_docker)


@pytest.fixture
def environ(aws: AwsSettings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put the names of new things on ministack into the environment of this process."""
    place = {"AWS_ENDPOINT_URL": str(aws.endpoint_url), "AWS_REGION": REGION}
    variables = place | new_ecs(aws)
    for variable, text in variables.items():
        monkeypatch.setenv(variable, text)
    return variables


@pytest.fixture
def spec_for(python_image: str) -> Callable[[JobScript], JobSpec]:
    return lambda script: JobSpec(job_id="job-1", command=script.command(), image=python_image)


@pytest.mark.usefixtures("environ")
def test_a_job_needs_nothing_but_the_environment(spec_for: Callable[[JobScript], JobSpec]) -> None:
    async def run() -> tuple[list[str], JobStatus]:
        manager = ECSJobManager()
        handle = await manager.submit(spec_for(JobScript(lines=("one", "two"))))
        lines = [line.text async for line in manager.logs(handle)]
        return lines, (await manager.wait(handle)).status

    assert asyncio.run(run()) == (["one", "two"], JobStatus.COMPLETED)


def test_each_missing_id_is_named_before_anything_is_launched(
    environ: dict[str, str], aws: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [name for name in environ if name.startswith("ECS_")]
    for name in ids:
        monkeypatch.delenv(name)

    with pytest.raises(ConfigurationError) as caught:
        ECSJobManager()

    assert all(f"{name} is missing" in str(caught.value) for name in ids)
    ecs = client_for("ecs", aws)
    assert ecs.list_tasks(cluster=environ["ECS_CLUSTER"])["taskArns"] == []


def test_threads_that_race_launch_one_task(
    environ: dict[str, str], aws: AwsSettings, spec_for: Callable[[JobScript], JobSpec]
) -> None:
    runner = EcsRunner()
    spec = spec_for(JobScript(waits=True))
    barrier = threading.Barrier(THREADS)

    def submit(_: int) -> str:
        barrier.wait(60)
        return runner.submit(spec).to_json()

    with ThreadPoolExecutor(THREADS) as pool:
        handles = set(pool.map(submit, range(THREADS)))

    assert len(handles) == 1
    ecs = client_for("ecs", aws)
    assert len(ecs.list_tasks(cluster=environ["ECS_CLUSTER"])["taskArns"]) == 1
    runner.stop(next(runner.jobs()), "the test is over")


def test_the_value_of_a_secret_is_stored_nowhere(
    environ: dict[str, str], aws: AwsSettings, spec_for: Callable[[JobScript], JobSpec]
) -> None:
    secret = client_for("secretsmanager", aws).create_secret(
        Name=f"desk/{uuid.uuid4().hex}", SecretString=VALUE
    )
    # The image has no tradai, so ECS itself hands the value to the container.
    runner = EcsRunner(policy=EcsPolicy(runs_foreign_images=True))
    checks = ("sh", "-c", f'test "$API_KEY" = {VALUE[:4]}"{VALUE[4:]}"')
    reference = SecretReference(f"aws-sm:{secret['ARN']}")
    spec = replace(spec_for(JobScript()), command=checks, secrets={"API_KEY": reference})

    handle = runner.submit(spec)

    assert runner.wait(handle).exit_code == 0
    ecs = client_for("ecs", aws)
    stopped = ecs.list_tasks(cluster=environ["ECS_CLUSTER"], desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=environ["ECS_CLUSTER"], tasks=stopped, include=["TAGS"])
    definition = ecs.describe_task_definition(
        taskDefinition=tasks["tasks"][0]["taskDefinitionArn"], include=["TAGS"]
    )
    store = S3Store(aws)
    stored = [store.read(entry.uri) for entry in store.list(environ["TRADAI_JOB_STORE"])]
    assert stored
    known = f"{tasks} {definition} {stored} {handle.to_json()} {runner.status(handle)}"
    assert f'"{VALUE[4:]}"' in known  # the command is in there, so the search finds what is
    assert VALUE not in known
