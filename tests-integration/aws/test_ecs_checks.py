"""Checks of ECS jobs on a stand-in for AWS: they find what is there, and leave no trace."""

from typing import Any

import pytest

from tradai.aws import AwsSettings, check_ecs, client_for


def _problems() -> dict[str, str]:
    return {check.resource: str(check.error) for check in check_ecs() if check.error}


@pytest.mark.usefixtures("ecs_environment")
def test_what_is_there_is_found() -> None:
    assert _problems() == {}


@pytest.mark.usefixtures("ecs_environment")
def test_a_cluster_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECS_CLUSTER", "another")
    monkeypatch.setenv("ECS_SUBNETS", "subnet-0123456789abcdef9")

    problems = _problems()

    assert "ECS_CLUSTER" in problems["cluster another"]
    assert "ECS_SUBNETS" in problems["subnets subnet-0123456789abcdef9"]


def test_nothing_is_launched_or_registered(ecs_environment: AwsSettings) -> None:
    ecs: Any = client_for("ecs", ecs_environment)
    before = ecs.list_task_definitions()["taskDefinitionArns"]

    list(check_ecs())

    assert ecs.list_tasks(cluster="tradai")["taskArns"] == []
    assert ecs.list_task_definitions()["taskDefinitionArns"] == before
