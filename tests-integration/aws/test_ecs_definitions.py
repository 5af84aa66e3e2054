"""Task definitions on stand-ins for ECS: registered once, described without a difference.

Neither is AWS: moto and ministack fill in fewer defaults than the API does.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from servers.aws import settings_at

from tradai.aws import AwsSettings, client_for
from tradai.aws._ecs.registration import explain_drift, forget, register_once
from tradai.aws._ecs.task_definition import task_definition
from tradai.core import JobSpec


@pytest.fixture(params=["ministack", "moto"])
def settings(request: pytest.FixtureRequest) -> AwsSettings:
    return settings_at(request.getfixturevalue(request.param))


@pytest.fixture
def ecs(settings: AwsSettings) -> Any:
    return client_for("ecs", settings)


@pytest.fixture
def wanted(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A definition that no other test has."""
    image = f"registry/run:{request.node.name.translate(str.maketrans('[]', '--'))}"
    return task_definition(
        JobSpec(job_id="job-1", command=("run",), image=image, disk_gib=30),
        task_role_arn="arn:aws:iam::123456789012:role/task",
        execution_role_arn="arn:aws:iam::123456789012:role/execution",
        log_group="/tradai/jobs",
        region="eu-central-1",
    )


def test_fifty_launches_have_one_revision(ecs: Any, wanted: dict[str, Any]) -> None:
    with ThreadPoolExecutor(50) as pool:
        arns = set(pool.map(lambda _: register_once(ecs, wanted), range(50)))

    family = next(iter(arns)).rpartition("/")[2].partition(":")[0]
    assert len(arns) == 1
    assert ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"] == list(arns)


def test_a_described_revision_has_no_drift(ecs: Any, wanted: dict[str, Any]) -> None:
    arn = register_once(ecs, wanted)

    found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]

    assert explain_drift(wanted, found) == []
    assert explain_drift({**wanted, "cpu": "2048"}, found) == ["cpu: wanted 2048, registered 1024"]


def test_another_process_finds_the_revision(ecs: Any, wanted: dict[str, Any]) -> None:
    arn = register_once(ecs, wanted)

    forget(ecs, arn)

    assert register_once(ecs, wanted) == arn
