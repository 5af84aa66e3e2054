"""Task definitions: a request that AWS's model accepts, and sizes that Fargate has."""

from dataclasses import replace
from typing import Any, TypeAlias

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, strategies as st

from tradai.aws._ecs.task_definition import MAIN_CONTAINER, fargate_size, task_definition
from tradai.core import JobPlatform, JobSpec, LogDelivery
from tradai.core.exceptions import ValidationError

# Fields of a specification have their own types.
Value: TypeAlias = Any

SPEC = JobSpec(job_id="job-1", command=("tradai-entrypoint", "run"), image="registry/run@sha256:00")
ROLES: dict[str, Value] = {
    "task_role_arn": "arn:aws:iam::123456789012:role/task",
    "execution_role_arn": "arn:aws:iam::123456789012:role/execution",
    "log_group": "/tradai/jobs",
    "region": "eu-central-1",
}


def _definition(**changes: Value) -> dict[str, Any]:
    return task_definition(replace(SPEC, **changes), **ROLES)


def _container(**changes: Value) -> dict[str, Any]:
    containers = _definition(**changes)["containerDefinitions"]
    assert [container["name"] for container in containers] == [MAIN_CONTAINER]
    container: dict[str, Any] = containers[0]
    return container


@pytest.mark.parametrize("delivery", LogDelivery)
@pytest.mark.parametrize("platform", [None, *JobPlatform])
def test_the_request_is_one_that_the_model_of_aws_accepts(
    delivery: LogDelivery, platform: JobPlatform | None
) -> None:
    definition = task_definition(
        replace(SPEC, log_delivery=delivery, platform=platform, disk_gib=100),
        **ROLES,
        value_from={"KEY": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-abcdef"},
    )
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    assert shape

    report = ParamValidator().validate({"family": "tradai-0", **definition}, shape)

    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(
    ("delivery", "options"),
    [
        (LogDelivery.BLOCKING, {"mode": "blocking"}),
        (LogDelivery.NON_BLOCKING, {"mode": "non-blocking", "max-buffer-size": "25m"}),
    ],
)
def test_the_mode_of_the_log_is_always_set(delivery: LogDelivery, options: dict[str, str]) -> None:
    log = _container(log_delivery=delivery)["logConfiguration"]

    assert log["logDriver"] == "awslogs"
    assert log["options"] == {
        "awslogs-group": "/tradai/jobs",
        "awslogs-region": "eu-central-1",
        "awslogs-stream-prefix": "tradai",
        **options,
    }


def test_the_root_is_read_only_and_each_writable_folder_has_a_volume() -> None:
    definition, container = _definition(), _container()

    mounts = {mount["sourceVolume"]: mount for mount in container["mountPoints"]}
    assert container["readonlyRootFilesystem"] is True
    assert {volume["name"] for volume in definition["volumes"]} == set(mounts)
    assert {mount["containerPath"] for mount in mounts.values()} == {"/tmp", "/work"}  # noqa: S108 - in a container
    assert not any(mount["readOnly"] for mount in mounts.values())


def test_the_command_and_the_variables_of_a_job_are_not_in_its_definition() -> None:
    other = {
        "job_id": "job-2",
        "command": ("echo",),
        "environment": {"A": "1"},
        "tags": {"team": "desk"},
        "time_limit_s": 60,
    }

    assert _definition(**other) == _definition()


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({}, (1024, 4096)),
        ({"cpu_units": 256}, (256, 2048)),
        ({"cpu_units": 4096}, (4096, 8192)),
        ({"memory_mib": 512}, (256, 512)),
        ({"memory_mib": 8192}, (1024, 8192)),
        ({"memory_mib": 122880}, (16384, 122880)),
        ({"cpu_units": 2048, "memory_mib": 5120}, (2048, 5120)),
    ],
)
def test_an_open_amount_is_chosen_to_fit_the_other(
    changes: dict[str, Value], size: tuple[int, int]
) -> None:
    assert fargate_size(replace(SPEC, **changes)) == size
    definition = _definition(**changes)
    assert (definition["cpu"], definition["memory"]) == (str(size[0]), str(size[1]))


@pytest.mark.parametrize(
    ("cpu", "memory", "nearest"),
    [
        (300, 600, "cpu_units=512 and memory_mib=1024"),
        (256, 4096, "cpu_units=512 and memory_mib=4096"),
        (1024, 2049, "cpu_units=1024 and memory_mib=3072"),
        (8192, 17 * 1024, "cpu_units=8192 and memory_mib=20480"),
        (None, 3000, "cpu_units=512 and memory_mib=3072"),
        (3000, None, "cpu_units=4096 and memory_mib=8192"),
        (32768, 999999, "cpu_units=16384 and memory_mib=122880"),
    ],
)
def test_a_size_that_fargate_does_not_have_is_refused_with_the_nearest(
    cpu: int | None, memory: int | None, nearest: str
) -> None:
    with pytest.raises(ValidationError, match=nearest):
        _definition(cpu_units=cpu, memory_mib=memory)


@given(st.integers(1, 40_000), st.integers(1, 200_000))
def test_the_nearest_size_is_always_one_that_fargate_has(cpu: int, memory: int) -> None:
    try:
        assert fargate_size(replace(SPEC, cpu_units=cpu, memory_mib=memory)) == (cpu, memory)
    except ValidationError as exc:
        words = str(exc).rpartition("cpu_units=")[2].replace("memory_mib=", "").split(" and ")
        near = (int(words[0]), int(words[1]))
        assert fargate_size(replace(SPEC, cpu_units=near[0], memory_mib=near[1])) == near


@pytest.mark.parametrize(
    ("disk", "size"), [(None, None), (1, None), (20, None), (21, 21), (200, 200)]
)
def test_twenty_gib_of_disk_are_part_of_every_task(disk: int | None, size: int | None) -> None:
    storage = _definition(disk_gib=disk).get("ephemeralStorage")

    assert storage == (size and {"sizeInGiB": size})


@pytest.mark.parametrize(("grace", "timeout"), [(0, 2), (2, 2), (30, 30), (120, 120)])
def test_the_stop_grace_is_the_stop_timeout_of_the_container(grace: int, timeout: int) -> None:
    assert _container(stop_grace_s=grace)["stopTimeout"] == timeout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": None}, "no image: expected the image of a container"),
        ({"stop_grace_s": 121}, "121: expected at most 120"),
        ({"disk_gib": 201}, "201: expected at most 200"),
    ],
)
def test_a_job_that_fargate_cannot_run_is_refused(changes: dict[str, Value], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        _definition(**changes)

    assert "job-1" in str(caught.value)
    assert caught.value.field in changes


@pytest.mark.parametrize(
    ("platform", "architecture"),
    [(None, "X86_64"), (JobPlatform.LINUX_AMD64, "X86_64"), (JobPlatform.LINUX_ARM64, "ARM64")],
)
def test_the_platform_is_always_named(platform: JobPlatform | None, architecture: str) -> None:
    assert _definition(platform=platform)["runtimePlatform"] == {
        "cpuArchitecture": architecture,
        "operatingSystemFamily": "LINUX",
    }
