"""ECS on a virtual clock, and a runner on it."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import pytest

from tradai.aws import EcsRunner, EcsSettings
from tradai.aws.testing import FakeEcs, FakeTask, TaskScript
from tradai.core import JobRunner, JobSpec, MemoryStore
from tradai.core.testing import JobScript

IMAGE: Final = "registry.invalid/job@sha256:" + "0" * 64
PROGRAM: Final = "fake-job"


def scripted(task: FakeTask) -> TaskScript:
    """Run the `JobScript` in a task's command; any other program does not exist."""
    program, *arguments = task.command
    if program != PROGRAM:
        text = f'CannotStartContainerError: exec: "{program}": executable file not found in $PATH'
        return TaskScript(start_failure=text)
    values: dict[str, Any] = json.loads(arguments[0])
    shown = [f"{name}={task.environment.get(name, '')}" for name in values["variables"]]
    last = [values["unfinished"]] if values["unfinished"] else []
    code = values["exit_code_when_stopped"]
    return TaskScript(
        lines=(*values["lines"], *values["errors"], *shown, *last),
        waits=values["waits"],
        exit_code=values["exit_code"],
        exit_code_when_stopped=143 if code is None else code,
        is_deaf=values["is_deaf"],
    )


def spec_of(job_id: str, script: JobScript) -> JobSpec:
    return JobSpec(job_id=job_id, command=(PROGRAM, json.dumps(asdict(script))), image=IMAGE)


@pytest.fixture
def ecs_settings() -> EcsSettings:
    role = "arn:aws:iam::123456789012:role/job"
    return EcsSettings.load(
        environ={
            "ECS_CLUSTER": "tradai",
            "ECS_SUBNETS": "subnet-0123456789abcdef0",
            "ECS_SECURITY_GROUPS": "sg-0123456789abcdef0",
            "ECS_TASK_ROLE_ARN": role,
            "ECS_EXECUTION_ROLE_ARN": role,
            "ECS_LOG_GROUP": "/tradai/jobs",
            "ECS_LAUNCH_TYPE": "FARGATE",
            "TRADAI_JOB_STORE": "memory:jobs/",
        }
    )


@pytest.fixture
def ecs() -> FakeEcs:
    return FakeEcs(scripted)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def new_runner(
    ecs: FakeEcs, store: MemoryStore, ecs_settings: EcsSettings
) -> Callable[[], EcsRunner]:
    """Make a runner as another process would."""
    return lambda: EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)


@pytest.fixture
def spec_for() -> Callable[[str, JobScript], JobSpec]:
    return spec_of


@pytest.fixture
def reopen(new_runner: Callable[[], EcsRunner]) -> Callable[[JobRunner], JobRunner]:
    return lambda _: new_runner()


@pytest.fixture
def runner(new_runner: Callable[[], EcsRunner]) -> EcsRunner:
    return new_runner()
