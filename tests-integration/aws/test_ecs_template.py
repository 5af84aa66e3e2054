"""The CloudFormation template of ECS jobs: valid, and with no more rights than the calls need.

It was checked by cfn-lint, and never deployed on AWS.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from servers.aws import REGION, new_bucket, settings_at
from servers.process import executable

from tradai.aws import (
    AwsSettings,
    EcsClient,
    EcsPolicy,
    EcsRunner,
    EcsSettings,
    LogsClient,
    check_ecs,
    client_for,
)
from tradai.aws._ecs.registration import family_of
from tradai.aws._ecs.task_definition import MAIN_CONTAINER, STREAM_PREFIX
from tradai.aws.testing import FakeEcs, FakeLogs, FakeTask, TaskScript, reset_clients
from tradai.core import JobSpec, JobStatus

# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
RIGHTS: Final = {
    "DescribeClusters": {"ecs:DescribeClusters"},
    "DescribeLogGroups": {"logs:DescribeLogGroups"},
    "DescribeSecurityGroups": {"ec2:DescribeSecurityGroups"},
    "DescribeSubnets": {"ec2:DescribeSubnets"},
    "DescribeTaskDefinition": {"ecs:DescribeTaskDefinition"},
    "DescribeTasks": {"ecs:DescribeTasks"},
    "GetLogEvents": {"logs:GetLogEvents"},
    "GetObject": {"s3:GetObject"},
    "ListObjectsV2": {"s3:ListBucket"},
    "ListTasks": {"ecs:ListTasks"},
    "PutObject": {"s3:PutObject"},
    "RegisterTaskDefinition": {"ecs:RegisterTaskDefinition", "iam:PassRole"},
    # It has tags, and the task gets roles.
    "RunTask": {"ecs:RunTask", "ecs:TagResource", "iam:PassRole"},
    "StopTask": {"ecs:StopTask"},
}
# AWS does not limit these to a resource, or the template does so by a condition.
UNLIMITED: Final = {
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "logs:DescribeLogGroups",
}
# Objects above 16 MiB are written in parts.
IN_PARTS: Final = {"s3:AbortMultipartUpload"}
SPEC: Final = JobSpec(
    job_id="job-1",
    command=("run",),
    image="registry.invalid/run",
    environment={"LARGE": "x" * 9000},
    may_be_reaped=True,
    time_limit_s=60,
)


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short functions as their argument."""


def _argument(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node, deep=True)


_Loader.add_multi_constructor("!", _argument)


@pytest.fixture
def file(root: Path) -> Path:
    return root / "docs" / "examples" / "ecs" / "template.yaml"


@pytest.fixture
def template(file: Path) -> dict[str, Any]:
    # A loader that makes plain values only (S506).
    loaded: dict[str, Any] = yaml.load(file.read_text(), _Loader)  # noqa: S506
    return loaded


def _statements(template: dict[str, Any], *names: str) -> Iterator[dict[str, Any]]:
    for name in names:
        properties = template["Resources"][name]["Properties"]
        policies = properties.get("Policies") or [properties]
        for policy in policies:
            yield from policy["PolicyDocument"]["Statement"]


def _actions(statement: dict[str, Any]) -> set[str]:
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


def _rights(template: dict[str, Any], *names: str) -> set[str]:
    return {right for one in _statements(template, *names) for right in _actions(one)}


def _lint(file: Path) -> subprocess.CompletedProcess[str]:
    program = str(executable("cfn-lint", "cfn-lint"))
    command = [program, "--regions", REGION, "us-gov-west-1", "cn-north-1", "--", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_cfn_lint_finds_nothing(file: Path) -> None:
    done = _lint(file)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_cfn_lint_finds_a_property_that_does_not_exist(file: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "template.yaml"
    wrong.write_text(file.read_text().replace("RetentionInDays", "RetentionDays"))

    assert "RetentionDays" in _lint(wrong).stdout


def _runner(settings: EcsSettings, ecs: FakeEcs, logs: FakeLogs) -> EcsRunner:
    policy = EcsPolicy(spills=True)
    return EcsRunner(settings, client=ecs, clock=ecs.clock, policy=policy, logs_client=logs)


@pytest.fixture
def logs() -> FakeLogs:
    logs = FakeLogs()
    logs.create_log_group(logGroupName="/tradai/jobs")
    return logs


@pytest.fixture
def ecs(logs: FakeLogs) -> FakeEcs:
    """ECS on which the first task ends, and every other one waits."""
    tasks: list[FakeTask] = []

    def program(task: FakeTask) -> TaskScript:
        tasks.append(task)
        return TaskScript(lines=("hello",), waits=task is not tasks[0])

    return FakeEcs(program, logs=logs)


@pytest.fixture
def jobs(localstack: str, monkeypatch: pytest.MonkeyPatch) -> EcsSettings:
    """Settings with a job store on S3."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", localstack)
    monkeypatch.setenv("AWS_REGION", REGION)
    reset_clients()
    role = "arn:aws:iam::123456789012:role/job"
    return EcsSettings.load(
        environ={
            "ECS_CLUSTER": "tradai",
            "ECS_SUBNETS": "subnet-0123456789abcdef0",
            "ECS_SECURITY_GROUPS": "sg-0123456789abcdef0",
            "ECS_TASK_ROLE_ARN": role,
            "ECS_EXECUTION_ROLE_ARN": role,
            "ECS_LOG_GROUP": "/tradai/jobs",
            "ECS_LAUNCH_TYPE": "FARGATE",
            "TRADAI_JOB_STORE": f"s3://{new_bucket(settings_at(localstack))}/jobs/",
        }
    )


def _live(settings: EcsSettings, ecs: FakeEcs, logs: FakeLogs) -> None:
    """Have one job end, one stopped, one reaped, and look at all of them from elsewhere."""
    runner = _runner(settings, ecs, logs)
    ends = runner.submit(SPEC)
    assert runner.wait(ends).status is JobStatus.COMPLETED
    assert [line.text for line in runner.logs(ends)] == ["hello"]
    stops = runner.submit(replace(SPEC, job_id="job-2"))
    assert runner.stop(stops, "enough").status is JobStatus.CANCELLED
    runner.submit(replace(SPEC, job_id="job-3"))
    ecs.clock.sleep(7200)
    assert [task.job_id for task in runner.reap(dry_run=False)] == ["job-3"]
    assert len(list(_runner(settings, ecs, logs).jobs())) == 3


def _noted(services: dict[str, Any], act: Callable[[], object]) -> set[str]:
    """Return the operations that boto3's clients send while `act` runs, by botocore's events."""
    seen: set[str] = set()

    def note(model: Any, **_: object) -> None:
        seen.add(model.name)

    for service, client in services.items():
        client.meta.events.register(f"before-call.{service}", note)
    try:
        act()
    finally:
        for service, client in services.items():
            client.meta.events.unregister(f"before-call.{service}", note)
    return seen


def _needed(operations: set[str]) -> set[str]:
    return {right for operation in operations for right in RIGHTS[operation]}


def test_the_launcher_has_the_rights_that_jobs_and_checks_need_and_no_others(
    template: dict[str, Any], jobs: EcsSettings, ecs: FakeEcs, logs: FakeLogs
) -> None:
    objects = _noted({"s3": client_for("s3")}, lambda: _live(jobs, ecs, logs))
    calls = {operation for operation, _ in ecs.calls}

    assert calls == _operations(EcsClient)
    checks = {"DescribeClusters", "DescribeSecurityGroups", "DescribeSubnets"}
    used = objects | calls | _operations(LogsClient) | checks
    assert _rights(template, "Launcher") == _needed(used) | IN_PARTS


def _operations(client: type) -> set[str]:
    """Return the operations of AWS that a client of boto3 must have."""
    names = {name for name in vars(client) if not name.startswith("_")} - {"meta"}
    return {"".join(part.title() for part in name.split("_")) for name in names}


def test_the_checks_need_no_right_that_the_template_does_not_give(
    template: dict[str, Any], ecs_environment: AwsSettings
) -> None:
    del ecs_environment
    names = ("ecs", "ec2", "s3")
    services = {name: client_for(name) for name in names} | {"cloudwatch-logs": client_for("logs")}

    seen = _noted(services, lambda: list(check_ecs()))

    assert {"DescribeClusters", "DescribeSubnets", "DescribeLogGroups", "PutObject"} <= seen
    assert _needed(seen) <= _rights(template, "Launcher")


def _policy(root: Path, page: str, heading: str) -> set[str]:
    text = (root / "docs" / "how-to" / page).read_text()
    policy = re.search(rf"{heading}\n\n```json\n(.*?)\n```", text, re.DOTALL)
    assert policy is not None
    return {right for one in json.loads(policy[1])["Statement"] for right in one["Action"]}


def test_a_task_may_read_its_input_write_its_run_and_read_its_secrets(
    template: dict[str, Any], root: Path
) -> None:
    s3 = {
        right
        for name in ("read", "list", "write")
        for right in _policy(root, "use-s3.md", f"### Policy: {name}")
    }

    # No version of a configuration is asked for by name.
    assert _rights(template, "TaskRole") == s3 - {"s3:GetObjectVersion"}
    assert _rights(template, "TaskSecrets") == _policy(root, "limit-rights.md", "## Policy: read")


@pytest.mark.parametrize("name", ["ExecutionRole", "TaskRole", "TaskSecrets", "Launcher"])
def test_a_right_is_limited_to_resources_where_aws_allows_it(
    template: dict[str, Any], name: str
) -> None:
    for statement in _statements(template, name):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in _actions(statement))
        if statement["Resource"] == "*":
            assert _actions(statement) <= UNLIMITED, statement


def test_a_task_may_write_nothing_but_runs(template: dict[str, Any]) -> None:
    writing = [one for one in _statements(template, "TaskRole") if "s3:PutObject" in _actions(one)]

    assert [statement["Resource"] for statement in writing] == ["${Bucket.Arn}/runs/*"]


def test_the_names_in_the_rights_are_those_of_the_code(template: dict[str, Any]) -> None:
    statements = {one["Sid"]: one for one in _statements(template, "Launcher")}

    family = statements["Launch"]["Resource"].rpartition("/")[2].removesuffix("*:*")
    stream = statements["ReadLogs"]["Resource"].rpartition(":log-stream:")[2]
    assert family_of({"containerDefinitions": [{"name": MAIN_CONTAINER}]}).startswith(family)
    assert stream == f"{STREAM_PREFIX}/*"
    assert "${Bucket.Arn}/jobs/*" in statements["WriteStore"]["Resource"]


def test_the_outputs_are_the_variables_of_the_settings(template: dict[str, Any]) -> None:
    described = {output["Description"] for output in template["Outputs"].values()}

    # Subnets are the operator's; the others have defaults.
    own = {"ECS_SUBNETS", "ECS_OTHER_SUBNETS", "ECS_ASSIGN_PUBLIC_IP", "TRADAI_JOB_SPILL"}
    assert set(EcsSettings.variables()) - own <= described
