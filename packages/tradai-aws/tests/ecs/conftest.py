"""ECS on a virtual clock, and a runner on it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import pytest

from tradai.aws import EcsPolicy, EcsRunner, EcsSettings
from tradai.aws.testing import FakeEcs, FakeLogs, FakeTask, TaskScript
from tradai.core import JobRunner, JobSpec, MemoryStore, register_secret
from tradai.core.testing import JobScript

IMAGE: Final = "registry.invalid/job@sha256:" + "0" * 64
PROGRAM: Final = "fake-job"


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image with tradai: it runs the `JobScript` in its command, and knows no other program."""

    store: MemoryStore
    secrets: Mapping[str, str]

    def __call__(self, task: FakeTask) -> TaskScript:
        command, environment = self._unspilled(task)
        program, *arguments = command
        if program != PROGRAM:
            text = f'CannotStartContainerError: exec: "{program}": executable file not found'
            return TaskScript(start_failure=text)
        return self._script(json.loads(arguments[0]), environment)

    def _unspilled(self, task: FakeTask) -> tuple[list[str], dict[str, str]]:
        if task.command[:3] != ("tradai-entrypoint", "jobs", "exec"):
            return list(task.command), task.environment
        spilled = json.loads(self.store.read(task.command[3]).data)
        return spilled["command"], {**task.environment, **spilled["environment"]}

    def _script(self, values: dict[str, Any], environment: dict[str, str]) -> TaskScript:
        references = json.loads(environment.get("TRADAI_SECRET_REFERENCES", "{}"))
        known = environment | {name: self.secrets[one] for name, one in references.items()}
        shown = [f"{name}={known.get(name, '')}" for name in values["variables"]]
        last = [values["unfinished"]] if values["unfinished"] else []
        code = values["exit_code_when_stopped"]
        first, end = _contained([*values["lines"], *values["errors"], *shown, *last])
        return TaskScript(
            lines=first,
            last_lines=end,
            waits=values["waits"],
            exit_code=values["exit_code"],
            exit_code_when_stopped=143 if code is None else code,
            is_deaf=values["is_deaf"],
        )


def _contained(lines: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the records that our images write for lines, and those that they write last."""
    start = "0a1b2c3d:0!tradai-log 1"
    records = (f"0a1b2c3d:{n} {line}" for n, line in enumerate(lines, 1))
    return (start, *records), (f"0a1b2c3d:{len(lines) + 1}!end {len(lines)}",)


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
def logs() -> FakeLogs:
    logs = FakeLogs()
    logs.create_log_group(logGroupName="/tradai/jobs")
    return logs


@pytest.fixture
def secret() -> tuple[str, str]:
    # A reader masks the secrets that it knows.
    register_secret("fake-ecs-value")
    return "aws-sm:trading/key", "fake-ecs-value"


@pytest.fixture
def ecs(logs: FakeLogs, store: MemoryStore) -> FakeEcs:
    return FakeEcs(Image(store=store, secrets={"aws-sm:trading/key": "fake-ecs-value"}), logs=logs)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def new_runner(
    ecs: FakeEcs, logs: FakeLogs, store: MemoryStore, ecs_settings: EcsSettings
) -> Callable[[], EcsRunner]:
    """Make a runner as another process would."""
    return lambda: EcsRunner(
        ecs_settings,
        client=ecs,
        store=store,
        clock=ecs.clock,
        policy=EcsPolicy(spills=True),
        logs_client=logs,
    )


@pytest.fixture
def spec_for() -> Callable[[str, JobScript], JobSpec]:
    return spec_of


@pytest.fixture
def reopen(new_runner: Callable[[], EcsRunner]) -> Callable[[JobRunner], JobRunner]:
    return lambda _: new_runner()


@pytest.fixture
def runner(new_runner: Callable[[], EcsRunner]) -> EcsRunner:
    return new_runner()
