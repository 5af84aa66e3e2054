"""The template of a live session as a service of ECS: valid, one copy, time to stop, no secret.

It was checked by cfn-lint, and never deployed on AWS.
"""

import subprocess
from typing import Any, Final

import pytest
from servers.aws import REGION
from servers.process import executable
from servers.service_template import TEMPLATE, read_template

# Not through the door: the longest grace is not public.
from tradai.entrypoint._live._drain.budget import LONGEST_GRACE_S
from tradai.entrypoint._process.settings import unknown_variable_problems

DIGEST: Final = f"sha256:{'0' * 64}"
VALUES: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "Bucket": "lake",
    "Image": f"registry.invalid/strategy@{DIGEST}",
    "SecretPrefix": "trading/",
}


@pytest.fixture
def resources() -> dict[str, Any]:
    read: dict[str, Any] = read_template(VALUES)["Resources"]
    return {name: resource["Properties"] for name, resource in read.items()}


@pytest.fixture
def container(resources: dict[str, Any]) -> dict[str, Any]:
    (only,) = resources["Session"]["ContainerDefinitions"]
    assert isinstance(only, dict)
    return only


@pytest.fixture
def variables(container: dict[str, Any]) -> dict[str, str]:
    return {row["Name"]: str(row["Value"]) for row in container["Environment"]}


def test_cfn_lint_finds_nothing() -> None:
    program = str(executable("cfn-lint", "cfn-lint"))
    command = [program, "--regions", REGION, "us-gov-west-1", "cn-north-1", "--", str(TEMPLATE)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_second_session_is_never_started_before_the_first_has_ended(
    resources: dict[str, Any],
) -> None:
    service = resources["Service"]

    assert service["DeploymentConfiguration"] == {
        "MinimumHealthyPercent": 0,
        "MaximumPercent": 100,
    }
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"
    assert read_template(VALUES)["Parameters"]["Sessions"]["AllowedValues"] == [0, 1]


def test_ecs_waits_for_a_stop_as_long_as_the_session_plans(
    container: dict[str, Any], variables: dict[str, str]
) -> None:
    assert container["StopTimeout"] == float(variables["TRADAI_RUN_STOP_GRACE_S"])
    assert container["StopTimeout"] == LONGEST_GRACE_S
    # Process 1 is the entry point of the image, which waits for the watchdog.
    assert "LinuxParameters" not in container
    assert "EntryPoint" not in container


def test_each_variable_is_a_setting_and_none_has_the_value_of_a_secret(
    container: dict[str, Any], variables: dict[str, str]
) -> None:
    assert list(unknown_variable_problems(variables)) == []
    assert "Secrets" not in container
    assert variables["TRADAI_LIVE_API_SECRET"] == "aws-sm:trading/api-secret"  # noqa: S105 - a reference
    assert variables["TRADAI_LIVE_IMAGE"] == DIGEST


def test_a_session_cannot_approve_itself(resources: dict[str, Any]) -> None:
    (policy,) = resources["TaskRole"]["Policies"]
    writes = [
        resource
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:PutObject" in statement["Action"]
        for resource in statement["Resource"]
    ]

    assert writes
    assert not [
        name for name in writes if "approvals" in name or name.endswith((":::lake/*", "live/*"))
    ]
