"""The fake of ECS refuses what boto3 and ECS refuse, and lays the traps that it says."""

from typing import Any, Final

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError

from tradai.aws.testing import FakeEcs, TaskScript

NETWORK: Final = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}


@pytest.fixture
def ecs() -> FakeEcs:
    return _ecs()


def _ecs(script: TaskScript | None = None) -> FakeEcs:
    ecs = FakeEcs(lambda _: script or TaskScript())
    ecs.register_task_definition(
        family="job", containerDefinitions=[{"name": "job", "image": "image"}]
    )
    return ecs


def _run(ecs: FakeEcs, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - as AWS defines
    return ecs.run_task(
        cluster="tradai", taskDefinition="job:1", networkConfiguration=NETWORK, **parameters
    )


def _task(ecs: FakeEcs, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - as AWS defines
    task: dict[str, Any] = _run(ecs, **parameters)["tasks"][0]
    return task


# Parameters as AWS defines them (ANN401).
def _describe(ecs: FakeEcs, arn: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
    found = ecs.describe_tasks(cluster="tradai", tasks=[arn], **parameters)
    task: dict[str, Any] = (found["tasks"] or found["failures"])[0]
    return task


@pytest.mark.parametrize(
    "parameters", [{"count": "one"}, {"cluster": 5}, {"unknown": "x"}, {"tags": [{"Key": "a"}]}]
)
def test_a_request_that_boto3_would_not_send_is_refused(
    parameters: dict[str, Any], ecs: FakeEcs
) -> None:
    with pytest.raises(ParamValidationError):
        ecs.run_task(**{"taskDefinition": "job:1", "networkConfiguration": NETWORK} | parameters)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"overrides": {"containerOverrides": [{"name": "x" * 8192}]}}, "8192"),
        ({"clientToken": "t" * 65}, "clientToken"),
        ({"count": 11}, "count"),
        (
            {
                "launchType": "FARGATE",
                "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}],
            },
            "exclude",
        ),
    ],
)
def test_a_request_that_ecs_would_refuse_is_refused(
    parameters: dict[str, Any], words: str, ecs: FakeEcs
) -> None:
    with pytest.raises(ClientError, match=words):
        _run(ecs, **parameters)

    assert ecs.tasks == []


def test_a_task_lives_from_provisioning_to_its_stop(ecs: FakeEcs) -> None:
    arn = _task(ecs)["taskArn"]
    seen = []

    while (task := _describe(ecs, arn)).get("lastStatus") != "STOPPED":
        seen.append(task.get("lastStatus", task.get("reason")))
        ecs.clock.advance(0.3)

    assert list(dict.fromkeys(seen)) == [
        "MISSING",
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
    ]
    assert task["containers"][0]["exitCode"] == 0
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["createdAt"] < task["startedAt"] < task["stoppedAt"]


def test_a_new_task_has_no_containers(ecs: FakeEcs) -> None:
    assert _task(ecs)["containers"] == []


def test_a_stopped_task_loses_its_tags_and_is_forgotten_after_an_hour(ecs: FakeEcs) -> None:
    arn = _task(ecs, tags=[{"key": "a", "value": "b"}])["taskArn"]
    ecs.clock.advance(5)
    assert _describe(ecs, arn, include=["TAGS"])["tags"] == [{"key": "a", "value": "b"}]
    ecs.clock.advance(5)
    assert _describe(ecs, arn, include=["TAGS"])["tags"] == []

    ecs.clock.advance(3600)

    assert _describe(ecs, arn) == {"arn": arn, "reason": "MISSING"}


def test_the_same_token_and_request_return_the_same_task(ecs: FakeEcs) -> None:
    first = _task(ecs, clientToken="t", startedBy="me")

    assert _task(ecs, clientToken="t", startedBy="me")["taskArn"] == first["taskArn"]
    with pytest.raises(ClientError) as caught:
        _run(ecs, clientToken="t", startedBy="another")
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert dict(caught.value.response)["resourceIds"] == [first["taskArn"]]


@pytest.mark.parametrize(("runs_s", "age_s"), [(4, 3700), (200_000, 86_401)])
def test_a_token_expires_an_hour_after_the_stop_and_after_a_day(runs_s: int, age_s: int) -> None:
    ecs = _ecs(TaskScript(runs_s=runs_s))
    first = _task(ecs, clientToken="t")
    ecs.clock.advance(age_s - 110)
    assert _task(ecs, clientToken="t")["taskArn"] == first["taskArn"]

    ecs.clock.advance(110)

    assert _task(ecs, clientToken="t")["taskArn"] != first["taskArn"]


def test_list_tasks_shows_running_tasks_and_takes_one_filter_with_started_by(
    ecs: FakeEcs,
) -> None:
    arn = _task(ecs, startedBy="me")["taskArn"]
    assert ecs.list_tasks(cluster="tradai", startedBy="me")["taskArns"] == []
    ecs.clock.advance(2)
    assert ecs.list_tasks(cluster="tradai", startedBy="me")["taskArns"] == [arn]
    assert ecs.list_tasks(cluster="tradai", startedBy="you")["taskArns"] == []

    with pytest.raises(ClientError, match="only filter"):
        ecs.list_tasks(cluster="tradai", startedBy="me", desiredStatus="STOPPED")

    ecs.clock.advance(30)
    assert ecs.list_tasks(cluster="tradai", startedBy="me")["taskArns"] == []
    stopped = ecs.list_tasks(cluster="tradai", family="job", desiredStatus="STOPPED")
    assert stopped["taskArns"] == [arn]


def test_pages_of_tasks_have_a_hundred_entries(ecs: FakeEcs) -> None:
    ecs.latency_s = 0.0
    for _ in range(101):
        _run(ecs)
    ecs.clock.advance(1)
    first = ecs.list_tasks(cluster="tradai")

    rest = ecs.list_tasks(cluster="tradai", nextToken=first["nextToken"])

    assert (len(first["taskArns"]), "nextToken" in rest) == (100, False)


def test_more_than_a_hundred_tasks_are_not_described(ecs: FakeEcs) -> None:
    with pytest.raises(ClientError, match="100"):
        ecs.describe_tasks(cluster="tradai", tasks=["t"] * 101)


@pytest.mark.parametrize(("is_deaf", "code", "least_s"), [(False, 143, 0), (True, 137, 30)])
def test_a_stop_is_asynchronous(*, is_deaf: bool, code: int, least_s: int) -> None:
    ecs = _ecs(TaskScript(waits=True, is_deaf=is_deaf))
    arn = _task(ecs)["taskArn"]
    ecs.clock.advance(10)

    asked = ecs.stop_task(cluster="tradai", task=arn, reason="enough")["task"]
    asked_s = ecs.clock()
    while (task := _describe(ecs, arn))["lastStatus"] != "STOPPED":
        ecs.clock.advance(0.5)

    assert (asked["lastStatus"], asked["desiredStatus"]) == ("RUNNING", "STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == code
    assert ecs.clock() - asked_s >= least_s


def test_a_task_that_is_stopped_before_its_program_has_no_exit_code(ecs: FakeEcs) -> None:
    arn = _task(ecs)["taskArn"]
    ecs.clock.advance(1)

    ecs.stop_task(cluster="tradai", task=arn)
    ecs.clock.advance(10)

    task = _describe(ecs, arn)
    assert "startedAt" not in task
    assert "exitCode" not in task["containers"][0]


def test_a_task_that_cannot_start_says_why() -> None:
    ecs = _ecs(TaskScript(start_failure="CannotPullContainerError: not found"))
    arn = _task(ecs)["taskArn"]
    ecs.clock.advance(10)

    task = _describe(ecs, arn)

    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"] == "CannotPullContainerError: not found"
    assert "exitCode" not in task["containers"][0]


def test_only_spot_is_interrupted() -> None:
    ecs = _ecs(TaskScript(waits=True, interrupted_after_s=20))
    spot = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}
    arns = [_task(ecs, **spot)["taskArn"], _task(ecs)["taskArn"]]
    ecs.clock.advance(60)

    codes = [_describe(ecs, arn).get("stopCode") for arn in arns]

    assert codes == ["SpotInterruption", None]


def test_a_lost_reply_leaves_a_task_and_a_lost_request_does_not(ecs: FakeEcs) -> None:
    ecs.lose_request("RunTask")
    ecs.lose_reply("RunTask")

    counts = []
    for _ in range(2):
        with pytest.raises(ConnectionClosedError):
            _run(ecs)
        counts.append(len(ecs.tasks))

    assert counts == [0, 1]


def test_a_placement_that_fails_is_in_failures_and_leaves_no_task(ecs: FakeEcs) -> None:
    ecs.refuse_placement("RESOURCE:MEMORY")

    assert _run(ecs) == {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
    assert ecs.tasks == []
    assert len(_run(ecs)["tasks"]) == 1


def test_planned_errors_are_those_of_boto3(ecs: FakeEcs) -> None:
    ecs.fail("RunTask", "ServerException", "down")

    with pytest.raises(ClientError, match="down") as caught:
        _run(ecs)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_another_cluster_is_not_found(ecs: FakeEcs) -> None:
    with pytest.raises(ClientError, match="ClusterNotFoundException"):
        ecs.list_tasks(cluster="another")


def test_the_cluster_can_be_described(ecs: FakeEcs) -> None:
    found = ecs.describe_clusters(clusters=["tradai", "another"])

    assert [one["clusterName"] for one in found["clusters"]] == ["tradai"]
    assert found["failures"] == [{"arn": "another", "reason": "MISSING"}]


def test_revisions_are_counted_and_defaults_filled_in(ecs: FakeEcs) -> None:
    again = ecs.register_task_definition(
        family="job", containerDefinitions=[{"name": "job", "image": "image"}]
    )["taskDefinition"]

    newest = ecs.describe_task_definition(taskDefinition="job")["taskDefinition"]

    assert newest == again
    assert again["revision"] == 2
    assert again["containerDefinitions"][0]["essential"] is True
    assert len(ecs.list_task_definitions(familyPrefix="job")["taskDefinitionArns"]) == 2
    with pytest.raises(ClientError):
        ecs.describe_task_definition(taskDefinition="job:3")
