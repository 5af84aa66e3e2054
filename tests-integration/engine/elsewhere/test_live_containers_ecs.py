"""LIVE as the ECS service of the documentation, with the real engine on the loopback exchange.

ministack is not ECS. It stops containers with 5 seconds of grace, so that `PatientDocker` must ask
for more. It restarts a task at once and without end, calls a stopped task STOPPED before its
container has ended, with exit code 0, and does not replace a task that was stopped by StopTask.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from engine.elsewhere.conftest import KEYS
from engine.elsewhere.live_container import CONFIG, GRACE_S, ContainerDesk
from engine.live_desk import Desk
from engine.venue.control import Venue
from engine.venue.keys import TRADER, WITHDRAWER, ApiKey
from servers.aws import REGION, ministack, new_bucket, settings_at
from servers.docker import Dockerd
from servers.patient_docker import PatientDocker
from servers.service_template import read_template, request_of, with_changes

from tradai.aws import AwsSettings, client_for

if TYPE_CHECKING:
    from docker import DockerClient

BESIDE: Final = "ministack-live"
CLUSTER: Final = "tradai"
SERVICE: Final = "trips"
NOT_PERMITTED: Final = 77
HALTED: Final = 79
PERMITTED_STARTS: Final = 5


class Service:
    """The service, and its task definition, for one desk."""

    def __init__(self, aws: AwsSettings, desk: ContainerDesk, image: str) -> None:
        """Make the places that the template names, and approve the plan there."""
        self.ecs: Any = client_for("ecs", aws)
        self._secrets: Any = client_for("secretsmanager", aws)
        self._desk = desk
        bucket = new_bucket(aws)
        self._prefix = f"{bucket}/"
        self.use(TRADER)
        self._keep("approval-key", desk.desk.environ["FAKE_APPROVAL_KEY"])
        values = {
            "Image": image,
            "Strategy": str(desk.folder / CONFIG),
            "Confirmation": "-",
            "MinimumDryRunHours": "0",
            "SecretPrefix": self._prefix,
            "Cluster": CLUSTER,
            "Subnets": ["subnet-0123456789abcdef0"],
            "SecurityGroups": ["sg-0123456789abcdef0"],
            "ExecutionRoleArn": "arn:aws:iam::000000000000:role/tradai",
            "LogGroup": f"/tradai/{bucket}",
            "Bucket": bucket,
            "Sessions": 1,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::AccountId": "000000000000",
        }
        client_for("logs", aws).create_log_group(logGroupName=values["LogGroup"])
        self._values: dict[str, object] = dict(values)
        cloud = {"AWS_ENDPOINT_URL": str(aws.endpoint_url), "AWS_REGION": REGION, **KEYS}
        self._variables = cloud | {
            "TRADAI_RUN_FOLDER": str(desk.desk.runs),
            # The trades are in a file on a volume: PostgreSQL has tests of its own.
            "TRADAI_LIVE_DATABASES": desk.variables["TRADAI_LIVE_DATABASES"],
            "TRADAI_LIVE_DURABLE_VOLUME": str(desk.folder),
        }
        desk.desk.environ |= cloud | self._named_by_the_template()

    def confirm(self, confirmation: str) -> None:
        """Confirm the approved plan."""
        self._values["Confirmation"] = confirmation

    def use(self, key: ApiKey) -> None:
        """Use a key from the next start on."""
        self._keep("api-key", key.key)
        self._keep("api-secret", key.secret)

    def start(self) -> None:
        """Start the service as the template says."""
        service = request_of(self._properties("Service")) | {"taskDefinition": self._register()}
        # ministack knows one zone.
        del service["availabilityZoneRebalancing"]
        self.ecs.create_service(serviceName=SERVICE, **service)

    def run_task(self) -> str:
        """Run a task without a service, and return its ARN."""
        done = self.ecs.run_task(cluster=CLUSTER, taskDefinition=self._register())
        arn: str = done["tasks"][0]["taskArn"]
        return arn

    def _register(self) -> str:
        """Register the task definition, and return its ARN."""
        definition = with_changes(
            request_of(self._properties("Session")),
            variables=self._variables,
            without=["TRADAI_LIVE_DATABASE_URL"],
            mounts=self._desk.mounts,
        )
        # The exchange is on this machine, and so is the address in the approved plan.
        definition["containerDefinitions"][0]["command"] = [*self._desk.command]
        registered = self.ecs.register_task_definition(family=SERVICE, **definition)
        arn: str = registered["taskDefinition"]["taskDefinitionArn"]
        return arn

    def _properties(self, resource: str) -> dict[str, Any]:
        properties: dict[str, Any] = read_template(self._values)["Resources"][resource][
            "Properties"
        ]
        return properties

    def update(self, **changes: Any) -> None:
        """Change the service; ministack answers when the containers that it stops have ended."""
        self.ecs.update_service(cluster=CLUSTER, service=SERVICE, **changes)

    def exit_codes(self) -> list[int]:
        """Return the exit codes of the tasks that have ended."""
        arns = self.ecs.list_tasks(cluster=CLUSTER, desiredStatus="STOPPED")["taskArns"]
        tasks = self.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
        return [task["containers"][0]["exitCode"] for task in tasks]

    def _named_by_the_template(self) -> dict[str, str]:
        """Return the variables with which an operator approves the plan of the template."""
        rows = self._properties("Session")["ContainerDefinitions"][0]["Environment"]
        named = {row["Name"]: str(row["Value"]) for row in rows}
        del named["TRADAI_LIVE_CONFIRM"], named["TRADAI_LIVE_DATABASE_URL"]
        return {name: text for name, text in named.items() if name.startswith("TRADAI_LIVE_")}

    def _keep(self, name: str, value: str) -> None:
        name = f"{self._prefix}{name}"
        try:
            self._secrets.create_secret(Name=name, SecretString=value)
        except self._secrets.exceptions.ResourceExistsException:
            self._secrets.put_secret_value(SecretId=name, SecretString=value)


@pytest.fixture
def aws(
    dockerd: Dockerd,
    docker: "DockerClient",
    python_image: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[AwsSettings]:
    """ministack, whose tasks are in the network of this machine and have time to stop."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    beside = docker.containers.create(python_image, network_mode="host", name=BESIDE)
    with PatientDocker(dockerd.url, stop_timeout_s=GRACE_S) as patient:
        standin = ministack(tmp_path / "ministack", docker_host=patient.url, beside=BESIDE)
        with standin.server.running():
            aws = settings_at(standin.url)
            client_for("ecs", aws).create_cluster(clusterName=CLUSTER)
            yield aws
            _remove_tasks(docker)
    beside.remove()


def _remove_tasks(docker: "DockerClient") -> None:
    for container in docker.containers.list(all=True, ignore_removed=True):
        if str(container.name).startswith("ministack-ecs-"):
            container.remove(force=True)


@pytest.fixture
def pushed(docker: "DockerClient", live_image: str, registry: str) -> str:
    """The image by the digest that a registry gave it."""
    docker.images.get(live_image).tag(f"{registry}/strategy", "1")
    docker.images.push(f"{registry}/strategy", "1")
    names: list[str] = docker.images.get(live_image).attrs["RepoDigests"]
    return next(name for name in names if name.startswith(registry))


@pytest.fixture
def service(
    aws: AwsSettings, unapproved: Desk, approve: Callable[[Desk], None], venue: Venue, pushed: str
) -> Service:
    """The service of a plan that is approved in the bucket, with its image."""
    service = Service(aws, ContainerDesk(unapproved, venue), pushed)
    approve(unapproved)
    service.confirm(unapproved.environ["TRADAI_LIVE_CONFIRM"])
    return service


def test_a_new_session_of_a_service_begins_when_the_one_before_is_drained(
    service: Service, venue: Venue, unapproved: Desk
) -> None:
    desk = ContainerDesk(unapproved, venue)

    service.start()
    desk.poll(lambda: len(venue.orders()) >= 2)
    service.update(forceNewDeployment=True)
    placed = len(venue.orders())
    desk.poll(lambda: len(venue.orders()) > placed)
    service.update(desiredCount=0)

    first, second = desk.manifests()
    for manifest in (first, second):
        desk.assert_clean(manifest)
    assert first["ended_at"] <= second["started_at"]
    assert desk.open_orders() == []


@pytest.mark.deep
def test_a_task_that_is_stopped_leaves_no_unknown_order(
    service: Service, venue: Venue, unapproved: Desk
) -> None:
    desk = ContainerDesk(unapproved, venue)

    task = service.run_task()
    desk.poll(lambda: len(venue.orders()) >= 2)
    service.ecs.stop_task(cluster=CLUSTER, task=task)

    (manifest,) = desk.manifests()
    desk.assert_clean(manifest)
    assert desk.open_orders() == []


@pytest.mark.deep
def test_a_service_whose_session_fails_again_and_again_is_halted(
    service: Service, venue: Venue, unapproved: Desk
) -> None:
    service.use(WITHDRAWER)
    desk = ContainerDesk(unapproved, venue)

    service.start()
    desk.poll(lambda: len(service.exit_codes()) > PERMITTED_STARTS + 1)
    service.update(desiredCount=0)

    codes = [manifest["exit_code"] for manifest in desk.manifests()]
    assert codes[:PERMITTED_STARTS] == [NOT_PERMITTED] * PERMITTED_STARTS
    assert codes[PERMITTED_STARTS : PERMITTED_STARTS + 2] == [HALTED] * 2
    assert service.exit_codes().count(NOT_PERMITTED) == PERMITTED_STARTS
    assert venue.orders() == []
