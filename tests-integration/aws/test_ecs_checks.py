"""Checks of ECS jobs on a stand-in for AWS: they find what is there, and leave no trace."""

from typing import Any

import pytest
from servers.aws import REGION, new_bucket, settings_at

from tradai.aws import AwsSettings, check_ecs, client_for
from tradai.aws.testing import reset_clients


@pytest.fixture
def aws(ministack: str, monkeypatch: pytest.MonkeyPatch) -> AwsSettings:
    """A cluster, a network, a log group and a bucket, named by the environment."""
    settings = settings_at(ministack)
    ec2 = client_for("ec2", settings)
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
    )["SecurityGroups"]
    client_for("ecs", settings).create_cluster(clusterName="tradai")
    logs = client_for("logs", settings)
    if not logs.describe_log_groups(logGroupNamePrefix="/tradai/jobs")["logGroups"]:
        logs.create_log_group(logGroupName="/tradai/jobs")
    variables = {
        "AWS_ENDPOINT_URL": ministack,
        "AWS_REGION": REGION,
        "ECS_CLUSTER": "tradai",
        "ECS_SUBNETS": subnet["SubnetId"],
        "ECS_SECURITY_GROUPS": groups[0]["GroupId"],
        "ECS_TASK_ROLE_ARN": "arn:aws:iam::123456789012:role/task",
        "ECS_EXECUTION_ROLE_ARN": "arn:aws:iam::123456789012:role/execution",
        "ECS_LOG_GROUP": "/tradai/jobs",
        "ECS_LAUNCH_TYPE": "FARGATE",
        "TRADAI_JOB_STORE": f"s3://{new_bucket(settings)}/jobs/",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    reset_clients()
    return settings


def _problems() -> dict[str, str]:
    return {check.resource: str(check.error) for check in check_ecs() if check.error}


def test_what_is_there_is_found(aws: AwsSettings) -> None:
    del aws

    assert _problems() == {}


def test_a_cluster_that_is_not_there_is_named(
    aws: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    del aws
    monkeypatch.setenv("ECS_CLUSTER", "another")
    monkeypatch.setenv("ECS_SUBNETS", "subnet-0123456789abcdef9")

    problems = _problems()

    assert "ECS_CLUSTER" in problems["cluster another"]
    assert "ECS_SUBNETS" in problems["subnets subnet-0123456789abcdef9"]


def test_nothing_is_launched_or_written(aws: AwsSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch
    ecs: Any = client_for("ecs", aws)
    before = ecs.list_task_definitions()["taskDefinitionArns"]

    list(check_ecs())

    assert ecs.list_tasks(cluster="tradai")["taskArns"] == []
    assert ecs.list_task_definitions()["taskDefinitionArns"] == before
