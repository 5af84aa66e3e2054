"""Checks of ECS: each resource and right has a row, and a missing one says what to do."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from tradai.aws import EcsSettings, check_ecs
from tradai.aws._ecs._checks.resources import check_resources
from tradai.aws._ecs._checks.rights import check_rights
from tradai.core import MemoryStore, ResourceCheck

# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any

SUBNET, OTHER = "subnet-0123456789abcdef0", "subnet-0123456789abcdef1"
GROUP = "sg-0123456789abcdef0"
NOT_THERE = "ClientException"


class Aws:
    """The calls of the checks: what is there, and what is refused with a code."""

    def __init__(self) -> None:
        self.clusters = [{"clusterName": "tradai", "status": "ACTIVE"}]
        self.subnets = {SUBNET: "vpc-1", OTHER: "vpc-1"}
        self.groups = {GROUP: "vpc-1"}
        self.log_groups = ["/tradai/jobs", "/tradai/jobs-2"]
        self.refused: dict[str, str] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:  # noqa: ANN401 - each call has its own answer
        return lambda **parameters: self._call(operation, parameters)

    def _call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        code = self.refused.get(operation)
        answers: dict[str, dict[str, Any]] = {
            "describe_clusters": {"clusters": self.clusters},
            "describe_subnets": {
                "Subnets": [{"SubnetId": name, "VpcId": vpc} for name, vpc in self.subnets.items()]
            },
            "describe_security_groups": {
                "SecurityGroups": [
                    {"GroupId": name, "VpcId": vpc} for name, vpc in self.groups.items()
                ]
            },
            "describe_log_groups": {
                "logGroups": [{"logGroupName": name} for name in self.log_groups]
            },
            "describe_tasks": {"tasks": [], "failures": [{"reason": "MISSING"}]},
            "list_tasks": {"taskArns": []},
        }
        if code or operation not in answers:
            raise ClientError({"Error": {"Code": code or NOT_THERE, "Message": "x"}}, operation)
        return answers[operation]


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def settings(ecs_settings: EcsSettings) -> EcsSettings:
    return ecs_settings.model_copy(update={"other_subnets": (OTHER,)})


def _checks(aws: Aws, settings: EcsSettings) -> Iterator[ResourceCheck]:
    clients = {"ecs": aws, "ec2": aws, "logs": aws}
    yield from check_resources(settings, clients, MemoryStore())
    yield from check_rights(settings, clients, MemoryStore())


def _problems(aws: Aws, settings: EcsSettings) -> dict[str, str]:
    return {check.resource: str(check.error) for check in _checks(aws, settings) if check.error}


def test_all_is_well_where_everything_is_there(aws: Aws, settings: EcsSettings) -> None:
    checks = list(_checks(aws, settings))

    assert [check.resource for check in checks if check.error] == []
    assert [check.resource for check in checks] == [
        "cluster tradai",
        f"subnets {SUBNET}, {OTHER}",
        f"security groups {GROUP}",
        "log group /tradai/jobs",
        "job store memory:jobs/",
        "right ecs:RunTask",
        "right ecs:DescribeTasks",
        "right ecs:ListTasks",
        "right ecs:StopTask",
        "right ecs:DescribeTaskDefinition",
        "right ecs:RegisterTaskDefinition",
        "right logs:GetLogEvents",
        "right read memory:jobs/",
        "right write memory:jobs/",
    ]


def test_no_check_names_a_thing_that_may_be_there(aws: Aws, settings: EcsSettings) -> None:
    list(_checks(aws, settings))

    calls = dict(aws.calls)
    assert calls["run_task"]["taskDefinition"] == "tradai-right-check:2147483647"
    assert calls["stop_task"]["task"] == "0" * 32
    assert calls["register_task_definition"]["containerDefinitions"] == []


def test_the_store_is_left_as_it_was(aws: Aws, settings: EcsSettings) -> None:
    store = MemoryStore()

    list(check_rights(settings, {"ecs": aws, "logs": aws}, store))

    assert list(store.list("memory:")) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clusters": []}, "no cluster tradai in this region and account; check ECS_CLUSTER"),
        ({"clusters": [{"status": "INACTIVE"}]}, "the cluster tradai is INACTIVE"),
        ({"subnets": {SUBNET: "vpc-1"}}, f"no subnet {OTHER} in this region; check ECS_SUBNETS"),
        ({"subnets": {SUBNET: "vpc-1", OTHER: "vpc-2"}}, "belong to several VPCs"),
        ({"groups": {}}, f"no security group {GROUP} in this region; check ECS_SECURITY_GROUPS"),
        ({"groups": {GROUP: "vpc-9"}}, "is in another VPC than the subnets"),
        ({"log_groups": ["/tradai/jobs-2"]}, "no log group /tradai/jobs in this region"),
    ],
)
def test_a_resource_that_is_missing_is_named_with_its_variable(
    aws: Aws, settings: EcsSettings, change: dict[str, object], words: str
) -> None:
    for name, value in change.items():
        setattr(aws, name, value)

    (problem,) = _problems(aws, settings).values()

    assert words in problem


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnauthorizedOperation"])
@pytest.mark.parametrize(
    ("operation", "right"),
    [
        ("run_task", "ecs:RunTask"),
        ("describe_tasks", "ecs:DescribeTasks"),
        ("list_tasks", "ecs:ListTasks"),
        ("stop_task", "ecs:StopTask"),
        ("describe_task_definition", "ecs:DescribeTaskDefinition"),
        ("register_task_definition", "ecs:RegisterTaskDefinition"),
        ("get_log_events", "logs:GetLogEvents"),
    ],
)
def test_a_right_that_is_missing_is_named(
    aws: Aws, settings: EcsSettings, operation: str, right: str, code: str
) -> None:
    aws.refused = {operation: code}

    problem = f"the right {right} is missing; grant it, as the template of ECS jobs does"
    assert _problems(aws, settings) == {f"right {right}": problem}


def test_an_outage_is_not_taken_for_a_right(aws: Aws, settings: EcsSettings) -> None:
    aws.refused = {"run_task": "ServerException"}

    assert "RunTask was refused" in _problems(aws, settings)["right ecs:RunTask"]


def test_one_missing_resource_does_not_hide_the_next(aws: Aws, settings: EcsSettings) -> None:
    aws.clusters, aws.log_groups = [], []

    assert list(_problems(aws, settings)) == ["cluster tradai", "log group /tradai/jobs"]


def test_nothing_is_checked_where_no_ecs_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in EcsSettings.variables():
        monkeypatch.delenv(name, raising=False)

    assert list(check_ecs()) == []


def test_settings_that_are_not_whole_are_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in EcsSettings.variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ECS_CLUSTER", "tradai")

    (check,) = check_ecs()

    assert check.resource == "settings of ECS"
    assert "ECS_SUBNETS" in str(check.error)
    assert "ECS_LOG_GROUP" in str(check.error)
