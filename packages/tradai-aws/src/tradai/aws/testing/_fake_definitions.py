"""Task definitions of `FakeEcs`, its cluster, and the facts about the client itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

from tradai.aws.testing._request_checks import client_error

Response: TypeAlias = dict[str, Any]

_FILLED: Final[Mapping[str, Any]] = {"placementConstraints": [], "volumes": []}
_FILLED_CONTAINER: Final[Mapping[str, Any]] = {
    "cpu": 0,
    "essential": True,
    "environment": [],
    "mountPoints": [],
    "portMappings": [],
    "systemControls": [],
    "volumesFrom": [],
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FakeMeta:
    """Facts that boto3's client has about itself."""

    region_name: str = "eu-central-1"
    partition: str = "aws"


@final
class FakeDefinitions:
    """Revisions by family; defaults are filled in as ECS does.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html

    Attributes:
        arn_prefix: Partition, service, region and account of every ARN.
    """

    def __init__(self, cluster: str) -> None:
        """Have a cluster of this name, and no definition."""
        self._cluster = cluster
        self.arn_prefix = "arn:aws:ecs:eu-central-1:123456789012"
        self._revisions: dict[str, list[Response]] = {}

    def describe_clusters(self, parameters: Mapping[str, Any]) -> Response:
        """Return the cluster, where it is asked for by its name or ARN."""
        names = parameters.get("clusters", ("default",))
        known = [name for name in names if name.rpartition("/")[2] == self._cluster]
        arn = f"{self.arn_prefix}:cluster/{self._cluster}"
        cluster: Response = {"clusterArn": arn, "clusterName": self._cluster, "status": "ACTIVE"}
        cluster["capacityProviders"] = ["FARGATE", "FARGATE_SPOT"]
        missing = [{"arn": name, "reason": "MISSING"} for name in names if name not in known]
        return {"clusters": [cluster] if known else [], "failures": missing}

    def register(self, parameters: Mapping[str, Any]) -> Response:
        """Add a revision."""
        family = parameters["family"]
        revisions = self._revisions.setdefault(family, [])
        number = len(revisions) + 1
        given = {name: value for name, value in parameters.items() if name != "tags"}
        containers = [{**_FILLED_CONTAINER, **one} for one in given["containerDefinitions"]]
        definition = {
            **_FILLED,
            **given,
            "containerDefinitions": containers,
            "taskDefinitionArn": f"{self.arn_prefix}:task-definition/{family}:{number}",
            "revision": number,
            "status": "ACTIVE",
            "compatibilities": ["EC2", "FARGATE"],
        }
        revisions.append({**definition, "_tags": list(parameters.get("tags", ()))})
        return {"taskDefinition": definition, "tags": list(parameters.get("tags", ()))}

    def describe(self, parameters: Mapping[str, Any]) -> Response:
        """Return a revision; of a family alone, the newest."""
        found = self.find(parameters["taskDefinition"], "DescribeTaskDefinition")
        shown = {name: value for name, value in found.items() if name != "_tags"}
        with_tags = "TAGS" in parameters.get("include", ())
        return {"taskDefinition": shown, "tags": found["_tags"] if with_tags else []}

    def list(self, parameters: Mapping[str, Any]) -> Response:
        """Return the ARNs of the revisions."""
        prefix = parameters.get("familyPrefix", "")
        arns = [
            one["taskDefinitionArn"]
            for family, revisions in sorted(self._revisions.items())
            if family.startswith(prefix)
            for one in revisions
        ]
        is_reversed = parameters.get("sort") == "DESC"
        return {"taskDefinitionArns": arns[::-1] if is_reversed else arns}

    def deregister_all(self) -> None:
        """Make every revision inactive."""
        for revision in (one for revisions in self._revisions.values() for one in revisions):
            revision["status"] = "INACTIVE"

    def find(self, name: str, operation: str) -> Response:
        """Return the revision `name`, by family or ARN; raise boto3's error when there is none.

        A family alone is its newest active one, and RunTask takes no other.
        """
        family, _, number = name.rpartition("/")[2].partition(":")
        revisions = self._revisions.get(family, [])
        active = [one for one in revisions if one["status"] == "ACTIVE"]
        named = [one for one in revisions if str(one["revision"]) == number] if number else active
        if not named:
            raise client_error(operation, "ClientException", "Unable to describe task definition.")
        if operation == "RunTask" and named[-1] not in active:
            raise client_error(operation, "ClientException", "TaskDefinition is inactive")
        return named[-1]
