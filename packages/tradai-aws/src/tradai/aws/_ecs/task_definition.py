"""Task definitions: the part of a job's specification that ECS keeps under a revision.

A definition holds nothing of one job alone. Its command and its variables are overrides, so that
all jobs of one image and size share one revision.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from tradai.core import JobPlatform, JobSpec, LogDelivery
from tradai.core.exceptions import ValidationError

Definition: TypeAlias = dict[str, Any]

MAIN_CONTAINER: Final = "job"
STREAM_PREFIX: Final = "tradai"
# The root file system is read-only: these folders are what a job may write to. An image that does
# not run as root gives them to its user with VOLUME.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
WRITABLE: Final[Mapping[str, str]] = {"tmp": "/tmp", "work": "/work"}  # noqa: S108 - in a container

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
_GIB: Final = 1024
_MEMORY_MIB: Final[Mapping[int, tuple[int, ...]]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}
_PAIRS: Final = tuple((cpu, memory) for cpu, sizes in _MEMORY_MIB.items() for memory in sizes)
_DEFAULT_PAIR: Final = (1024, 4 * _GIB)
FREE_DISK_GIB: Final = 20
_MOST_DISK_GIB: Final = 200
_STOP_TIMEOUT_S: Final = (2, 120)
_ARCHITECTURES: Final = {
    None: "X86_64",
    JobPlatform.LINUX_AMD64: "X86_64",
    JobPlatform.LINUX_ARM64: "ARM64",
}
_LOG_MODES: Final[Mapping[LogDelivery, Mapping[str, str]]] = {
    LogDelivery.BLOCKING: {"mode": "blocking"},
    LogDelivery.NON_BLOCKING: {"mode": "non-blocking", "max-buffer-size": "25m"},
}


def task_definition(
    spec: JobSpec,
    *,
    task_role_arn: str,
    execution_role_arn: str,
    log_group: str,
    region: str,
    value_from: Mapping[str, str] | None = None,
) -> Definition:
    """Return the request that registers the task definition of `spec`, without its family.

    Args:
        spec: The job.
        task_role_arn: Role of the program in the task.
        execution_role_arn: Role with which ECS pulls the image, writes the log and reads
            `value_from`.
        log_group: Log group of CloudWatch.
        region: Region of the log group.
        value_from: ARNs of secrets that ECS puts into variables; see `overrides.value_from`.

    Raises:
        ValidationError: The job has no image, or a size that Fargate does not have.
    """
    cpu, memory = fargate_size(spec)
    container = {
        **_container(spec, memory),
        "secrets": [{"name": name, "valueFrom": arn} for name, arn in (value_from or {}).items()],
        "logConfiguration": _log_configuration(spec, log_group, region),
    }
    return {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "runtimePlatform": {
            "cpuArchitecture": _ARCHITECTURES[spec.platform],
            "operatingSystemFamily": "LINUX",
        },
        "cpu": str(cpu),
        "memory": str(memory),
        **_disk(spec),
        "taskRoleArn": task_role_arn,
        "executionRoleArn": execution_role_arn,
        "volumes": [{"name": name} for name in WRITABLE],
        "containerDefinitions": [container],
    }


def _container(spec: JobSpec, memory: int) -> Definition:
    if spec.image is None:
        raise _error(spec, "image", "the image of a container", "no image")
    return {
        "name": MAIN_CONTAINER,
        "image": spec.image,
        "essential": True,
        "memory": memory,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"initProcessEnabled": True},
        "mountPoints": [
            {"sourceVolume": name, "containerPath": path, "readOnly": False}
            for name, path in WRITABLE.items()
        ],
        "stopTimeout": _stop_timeout(spec),
    }


def fargate_size(spec: JobSpec) -> tuple[int, int]:
    """Return the CPU units and the MiB of memory of a task that runs `spec`.

    An amount that the job leaves open is chosen to fit the other one.

    Raises:
        ValidationError: Fargate has no such pair; the message names the nearest one.
    """
    cpu, memory = spec.cpu_units, spec.memory_mib
    fitting = [pair for pair in _PAIRS if cpu in {None, pair[0]} and memory in {None, pair[1]}]
    if fitting:
        return min(fitting, key=_distance_from_default)
    enough = [pair for pair in _PAIRS if pair[0] >= (cpu or 0) and pair[1] >= (memory or 0)]
    near = enough[0] if enough else _PAIRS[-1]
    expected = f"a size that it has; the nearest is cpu_units={near[0]} and memory_mib={near[1]}"
    raise _error(spec, "cpu_units", expected, f"cpu_units={cpu} and memory_mib={memory}")


def _distance_from_default(pair: tuple[int, int]) -> tuple[int, int]:
    cpu, memory = _DEFAULT_PAIR
    return abs(pair[0] - cpu), abs(pair[1] - memory)


def _disk(spec: JobSpec) -> Definition:
    """Return the disk of a task; up to 20 GiB are part of every task, and cannot be asked for."""
    disk = spec.disk_gib or FREE_DISK_GIB
    if disk > _MOST_DISK_GIB:
        raise _error(spec, "disk_gib", f"at most {_MOST_DISK_GIB}", str(disk))
    return {"ephemeralStorage": {"sizeInGiB": disk}} if disk > FREE_DISK_GIB else {}


def _stop_timeout(spec: JobSpec) -> int:
    least, most = _STOP_TIMEOUT_S
    if spec.stop_grace_s > most:
        raise _error(spec, "stop_grace_s", f"at most {most}", str(spec.stop_grace_s))
    return max(least, spec.stop_grace_s)


def _log_configuration(spec: JobSpec, log_group: str, region: str) -> Definition:
    # Never left to AWS's default, which is non-blocking since June 2025.
    options = {
        "awslogs-group": log_group,
        "awslogs-region": region,
        "awslogs-stream-prefix": STREAM_PREFIX,
        **_LOG_MODES[spec.log_delivery],
    }
    return {"logDriver": "awslogs", "options": options}


def _error(spec: JobSpec, field: str, expected: str, found: str) -> ValidationError:
    return ValidationError(
        f"the job {spec.job_id} cannot run on Fargate with {found}: expected {expected}",
        field=field,
        expected=expected,
    )
