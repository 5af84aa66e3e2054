"""Fixtures that run tradai.aws against stand-ins for AWS; each server starts once, at first use."""

import os
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from servers.aws import (
    ACCESS_KEY,
    REGION,
    SECRET_KEY,
    STANDINS,
    ministack as make_ministack,
    new_bucket,
    settings_at,
)
from servers.docker import Dockerd
from servers.fault_proxy import FaultProxy

from tradai.aws import AwsSettings, client_for
from tradai.aws.testing import reset_clients

Name = Literal["localstack", "ministack", "moto", "seaweedfs"]


@pytest.fixture(autouse=True)
def _hide_aws_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


@pytest.fixture(autouse=True)
def _leave_out_races_on_moto(request: pytest.FixtureRequest) -> None:
    # The id has the server as a parameter, or in the name of the class.
    test = request.node.nodeid.partition("::")[2]
    is_race = any(words in test for words in ("one_racer", "four_processes"))
    if is_race and "moto" in test.lower():
        # In its S3 and in its DynamoDB: two may both find that they may write.
        pytest.skip("moto checks a condition first and writes afterwards, without a lock")


def _session_server(name: str) -> Callable[[pytest.TempPathFactory], Iterator[str]]:
    def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        standin = STANDINS[name](tmp_path_factory.mktemp(name))
        with standin.server.running():
            yield standin.url

    return server


# The address of each server: the first use starts it, or skips where it is not installed.
localstack = pytest.fixture(scope="session")(_session_server("localstack"))
ministack = pytest.fixture(scope="session")(_session_server("ministack"))
moto = pytest.fixture(scope="session")(_session_server("moto"))
seaweedfs = pytest.fixture(scope="session")(_session_server("seaweedfs"))


@pytest.fixture(scope="session")
def ministack_with_docker(
    dockerd: Dockerd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of a ministack whose ECS tasks are containers of `dockerd`."""
    folder = tmp_path_factory.mktemp("ministack-docker")
    standin = make_ministack(folder, docker_host=dockerd.url)
    with standin.server.running():
        yield standin.url


@pytest.fixture(params=["localstack", "ministack", "moto"])
def server(request: pytest.FixtureRequest) -> Name:
    """Name of the server under test: a test that uses it runs on three."""
    name: Name = request.param
    return name


@pytest.fixture
def settings(server: Name, request: pytest.FixtureRequest) -> AwsSettings:
    """Settings for the server under test."""
    return settings_at(request.getfixturevalue(server))


@pytest.fixture
def bucket(settings: AwsSettings) -> str:
    """A new bucket on the server under test."""
    return new_bucket(settings)


@pytest.fixture
def ecs_environment(ministack: str, monkeypatch: pytest.MonkeyPatch) -> AwsSettings:
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


@pytest.fixture(scope="session")
def _proxy(localstack: str) -> Iterator[FaultProxy]:
    with FaultProxy(localstack) as proxy:
        yield proxy


@pytest.fixture
def proxy(_proxy: FaultProxy) -> FaultProxy:
    """A fault proxy in front of the reference server, with no fault planned."""
    _proxy.plan()
    return _proxy


@pytest.fixture
def expect_failure(request: pytest.FixtureRequest, server: Name) -> Callable[[str, str], None]:
    """Expect the test to fail on one server, for a reason; passing there is a failure."""

    def expect(name: str, reason: str) -> None:
        if server == name:
            request.applymarker(pytest.mark.xfail(reason=f"{name}: {reason}", strict=True))

    return expect
