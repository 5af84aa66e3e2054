"""Registration: equal content has one revision, and a difference is shown by its place."""

import copy
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, strategies as st

from tradai.aws import AwsError
from tradai.aws._ecs.registration import (
    explain_drift,
    family_of,
    forget,
    normalized,
    register_once,
)
from tradai.aws._ecs.task_definition import task_definition
from tradai.core import JobSpec, LogDelivery

# Fields of a specification, and parameters of boto3, have their own types.
Value: TypeAlias = Any

SPEC = JobSpec(job_id="job-1", command=("run",), image="registry/run@sha256:00")
ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition"
KEY = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-abcdef"


def _definition(**changes: Value) -> dict[str, Any]:
    return task_definition(
        replace(SPEC, **changes),
        task_role_arn="arn:aws:iam::123456789012:role/task",
        execution_role_arn="arn:aws:iam::123456789012:role/execution",
        log_group="/tradai/jobs",
        region="eu-central-1",
        value_from={"A": KEY, "B": KEY},
    )


def _described(definition: dict[str, Any], family: str, revision: int) -> dict[str, Any]:
    """Return what AWS would say of `definition`: its defaults filled in, its lists in any order."""
    found = copy.deepcopy(definition)
    found |= {
        "taskDefinitionArn": f"{ARN}/{family}:{revision}",
        "family": family,
        "revision": revision,
        "status": "ACTIVE",
        "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
        "placementConstraints": [],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": 1764400000.0,
        "registeredBy": "arn:aws:iam::123456789012:root",
        "enableFaultInjection": False,
    }
    for volume in found["volumes"]:
        volume["host"] = {}
    for container in found["containerDefinitions"]:
        container |= {
            "cpu": 0,
            "environment": [],
            "environmentFiles": [],
            "portMappings": [],
            "systemControls": [],
            "volumesFrom": [],
        }
        container["logConfiguration"]["secretOptions"] = []
        container["secrets"].reverse()
        container["mountPoints"].reverse()
    found["volumes"].reverse()
    return found


class _Ecs:
    """The two calls of ECS, with an error for each that a test plans."""

    def __init__(self) -> None:
        self.families: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.before_register: list[Exception] = []
        self.after_register: list[Exception] = []
        self.on_describe: Callable[[], object] = bool

    def register_task_definition(self, **parameters: Value) -> dict[str, Any]:
        self.calls.append("register")
        if self.before_register:
            raise self.before_register.pop()
        family = parameters.pop("family")
        revisions = self.families.setdefault(family, [])
        revisions.append(_described(parameters, family, len(revisions) + 1))
        if self.after_register:
            raise self.after_register.pop()
        return {"taskDefinition": revisions[-1]}

    # The parameter has boto3's name.
    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:  # noqa: N803
        self.calls.append("describe")
        self.on_describe()
        if taskDefinition not in self.families:
            raise _refused("ClientException", "Unable to describe task definition.")
        return {"taskDefinition": self.families[taskDefinition][-1]}


def _refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeTaskDefinition")


@pytest.fixture
def ecs() -> _Ecs:
    return _Ecs()


def test_fifty_launches_at_once_register_once(ecs: _Ecs) -> None:
    arrivals, all_here = threading.Semaphore(49), threading.Event()
    ecs.on_describe = all_here.wait

    def launch(number: int) -> str:
        definition = _definition(job_id=f"job-{number}")
        if not arrivals.acquire(blocking=False):
            all_here.set()
        return register_once(ecs, definition)

    with ThreadPoolExecutor(50) as pool:
        arns = set(pool.map(launch, range(50)))

    family = family_of(_definition())
    assert arns == {f"{ARN}/{family}:1"}
    assert ecs.calls == ["describe", "register"]


def test_a_slow_answer_for_one_content_does_not_hold_up_another(ecs: _Ecs) -> None:
    slow, go_on = threading.Event(), threading.Event()

    def wait_once() -> None:
        ecs.on_describe = bool
        slow.set()
        go_on.wait()

    ecs.on_describe = wait_once
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(register_once, ecs, _definition())
        slow.wait()
        other = register_once(ecs, _definition(cpu_units=2048))
        go_on.set()

    assert first.result() != other


def test_another_process_finds_the_revision_that_is_there() -> None:
    ecs, same_account = _Ecs(), _Ecs()
    same_account.families = ecs.families

    arn = register_once(ecs, _definition())

    assert register_once(same_account, _definition()) == arn
    assert same_account.calls == ["describe"]


def test_content_that_another_user_put_under_our_family_is_not_run(ecs: _Ecs) -> None:
    family = family_of(_definition())
    ecs.families[family] = [_described(_definition(cpu_units=2048), family, 1)]

    assert register_once(ecs, _definition()) == f"{ARN}/{family}:2"


def test_an_inactive_revision_is_not_run(ecs: _Ecs) -> None:
    family = family_of(_definition())
    register_once(ecs, _definition())
    ecs.families[family][0]["status"] = "INACTIVE"

    forget(ecs, f"{ARN}/{family}:1")

    assert register_once(ecs, _definition()) == f"{ARN}/{family}:2"


def test_a_lost_reply_is_found_again(ecs: _Ecs) -> None:
    ecs.after_register = [ReadTimeoutError(endpoint_url="http://127.0.0.1")]

    arn = register_once(ecs, _definition())

    assert arn.endswith(":1")
    assert ecs.calls == ["describe", "register", "describe"]


def test_a_registration_beside_another_process_is_repeated(ecs: _Ecs) -> None:
    words = "Too many concurrent attempts to create a new revision of the specified family."
    ecs.before_register = [_refused("ClientException", words)] * 2
    waits: list[float] = []

    arn = register_once(ecs, _definition(), wait=waits.append)

    assert arn.endswith(":1")
    assert waits == [0.5, 1.0]


def test_a_refusal_is_raised_and_asked_again_by_the_next_call(ecs: _Ecs) -> None:
    ecs.before_register = [_refused("AccessDeniedException", "no")]

    with pytest.raises(AwsError, match="register_task_definition"):
        register_once(ecs, _definition())

    assert register_once(ecs, _definition()).endswith(":1")


def test_an_error_of_the_look_up_is_not_taken_for_a_family_that_is_not_there(ecs: _Ecs) -> None:
    def refuse() -> None:
        raise _refused("AccessDeniedException", "no")

    ecs.on_describe = refuse

    with pytest.raises(AwsError, match="describe_task_definition"):
        register_once(ecs, _definition())

    assert ecs.calls == ["describe"]


def test_the_defaults_and_the_order_of_aws_are_no_difference() -> None:
    wanted = _definition()
    found = _described(wanted, "tradai-0", 7)

    assert explain_drift(wanted, found) == []
    assert normalized(found) == normalized(wanted)
    assert family_of(found) == family_of(wanted)


@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_and_of_unordered_lists_does_not_change_the_family(
    chance: random.Random,
) -> None:
    wanted = _definition()

    shuffled = dict(chance.sample(list(wanted.items()), len(wanted)))
    container = copy.deepcopy(shuffled["containerDefinitions"][0])
    for name in ("mountPoints", "secrets"):
        chance.shuffle(container[name])
    chance.shuffle(shuffled["volumes"])
    shuffled["containerDefinitions"] = [container]

    assert family_of(shuffled) == family_of(wanted)


def test_the_order_of_a_command_counts() -> None:
    def command(*words: str) -> dict[str, Any]:
        return {"containerDefinitions": [{"name": "job", "command": list(words)}]}

    assert family_of(command("a", "b")) != family_of(command("b", "a"))
    assert explain_drift(command("a", "b"), command("b", "a")) == [
        "containerDefinitions.job.command.0: wanted a, registered b",
        "containerDefinitions.job.command.1: wanted b, registered a",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "registry/run@sha256:01"},
        {"cpu_units": 2048},
        {"memory_mib": 8192},
        {"disk_gib": 50},
        {"platform": "linux/arm64"},
        {"log_delivery": "non-blocking"},
        {"stop_grace_s": 60},
    ],
)
def test_another_content_has_another_family(changes: dict[str, Any]) -> None:
    assert family_of(_definition(**changes)) != family_of(_definition())


def test_an_empty_value_counts_for_a_variable_only() -> None:
    def variable(**value: str) -> dict[str, Any]:
        container = {"name": "job", "environment": [{"name": "A", **value}]}
        return {"containerDefinitions": [container]}

    assert family_of(variable(value="")) != family_of(variable())
    assert family_of(variable() | {"ipcMode": ""}) == family_of(variable())


def test_a_family_is_a_name_that_ecs_takes() -> None:
    family = family_of(_definition())

    assert family.startswith("tradai-")
    assert len(family) <= 255
    assert family.replace("-", "").isalnum()


def test_drift_is_shown_by_its_place() -> None:
    found = _described(_definition(log_delivery=LogDelivery.NON_BLOCKING), "tradai-0", 1)
    found["containerDefinitions"].append({"name": "sidecar"})
    found["memory"] = "8192"

    options = "containerDefinitions.job.logConfiguration.options"
    assert explain_drift(_definition(), found) == [
        f"{options}.max-buffer-size: wanted nothing, registered 25m",
        f"{options}.mode: wanted blocking, registered non-blocking",
        "containerDefinitions.sidecar: wanted nothing, registered {'name': 'sidecar'}",
        "memory: wanted 4096, registered 8192",
    ]
