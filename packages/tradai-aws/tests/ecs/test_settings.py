"""Settings of ECS jobs come from the environment, and every mistake is listed at once."""

from typing import Final

import pytest

from tradai.aws import EcsSettings
from tradai.core.exceptions import ConfigurationError

ENVIRONMENT: Final = {
    "ECS_CLUSTER": "tradai",
    "ECS_SUBNETS": "subnet-0123456789abcdef0, subnet-0123456789abcdef1",
    "ECS_SECURITY_GROUPS": "sg-0123456789abcdef0",
    "ECS_TASK_ROLE_ARN": "arn:aws:iam::123456789012:role/tradai-task",
    "ECS_EXECUTION_ROLE_ARN": "arn:aws:iam::123456789012:role/path/tradai-execution",
    "ECS_LOG_GROUP": "/tradai/jobs",
    "ECS_LAUNCH_TYPE": "FARGATE",
    "TRADAI_JOB_STORE": "s3://bucket/jobs/",
}


def _settings(changes: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> EcsSettings:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    return EcsSettings.from_environment()


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(ENVIRONMENT, monkeypatch)

    assert settings.subnets == ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")
    assert settings.security_groups == ("sg-0123456789abcdef0",)


def test_no_id_has_a_default_and_all_that_are_missing_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _settings({}, monkeypatch)

    assert all(f"{name} is missing" in str(caught.value) for name in ENVIRONMENT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ECS_CLUSTER", "two words"),
        ("ECS_CLUSTER", "arn:aws:s3:::cluster/tradai"),
        ("ECS_SUBNETS", "subnet-0123456789abcdef0,vpc-0123456789abcdef0"),
        ("ECS_SUBNETS", "subnet-fedcba9876543210f,"),
        ("ECS_SECURITY_GROUPS", "default"),
        ("ECS_TASK_ROLE_ARN", "tradai-task"),
        ("ECS_TASK_ROLE_ARN", "arn:aws:iam::123456789012:user/me"),
        ("ECS_EXECUTION_ROLE_ARN", "arn:aws:iam:::role/x"),
        ("ECS_LOG_GROUP", "with space"),
        ("ECS_LAUNCH_TYPE", "EC2"),
        ("TRADAI_JOB_STORE", "my-bucket/of-jobs"),
    ],
)
def test_a_malformed_value_is_named_and_not_quoted(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _settings(ENVIRONMENT | {name: value}, monkeypatch)

    assert name in str(caught.value)
    assert value not in str(caught.value)


def test_missing_and_malformed_values_are_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"ECS_CLUSTER": "two words", "ECS_SUBNETS": "none"}

    with pytest.raises(ConfigurationError) as caught:
        _settings(given, monkeypatch)

    assert all(name in str(caught.value) for name in ENVIRONMENT)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"])
def test_arns_of_every_partition_are_taken(partition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = f"arn:{partition}:ecs:some-region-1:123456789012:cluster/tradai"
    role = f"arn:{partition}:iam::123456789012:role/tradai"

    settings = _settings(
        ENVIRONMENT
        | {"ECS_CLUSTER": cluster, "ECS_TASK_ROLE_ARN": role, "ECS_EXECUTION_ROLE_ARN": role},
        monkeypatch,
    )

    assert (settings.cluster, settings.cluster_name) == (cluster, "tradai")
    assert settings.task_role_arn == role
