"""Settings of ECS jobs, from the environment variables of the platform."""

import re
from collections.abc import Callable
from typing import Annotated, Final, Literal, Self, TypeAlias, final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from tradai.aws._client.arn import Arn
from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError

_CLUSTER: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_SUBNET: Final = re.compile(r"subnet-[0-9a-f]{8,17}")
_GROUP: Final = re.compile(r"sg-[0-9a-f]{8,17}")
_LOG_GROUP: Final = re.compile(r"[A-Za-z0-9_./#-]{1,512}")
_STORE: Final = re.compile(r"[a-z][a-z0-9+.-]+:[^\s]+")


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValidationError(f"it is not usable: expected {expected}", expected=expected)
        return text

    return check


def _listed(value: object) -> object:
    """Split a list that is written with commas."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _role(text: str) -> str:
    arn = Arn.parse(text)
    expected = "the ARN of a role, such as arn:aws:iam::123456789012:role/name"
    if arn.service != "iam" or not arn.account or not arn.resource.startswith("role/"):
        raise ValidationError(f"it is not usable: expected {expected}", expected=expected)
    return text


def _cluster(text: str) -> str:
    """Return the name of a cluster that is given by name or by ARN."""
    name = text
    if text.startswith("arn:"):
        arn = Arn.parse(text)
        is_cluster = arn.service == "ecs" and arn.resource.startswith("cluster/")
        name = arn.resource.removeprefix("cluster/") if is_cluster else ""
    return text if _CLUSTER.fullmatch(name) else _matching(_CLUSTER, _EXPECTED_CLUSTER)(name)


_EXPECTED_CLUSTER: Final = "the name or the ARN of a cluster"

_Subnet: TypeAlias = Annotated[
    str, AfterValidator(_matching(_SUBNET, "ids such as subnet-0123456789abcdef0, with commas"))
]
_Group: TypeAlias = Annotated[
    str, AfterValidator(_matching(_GROUP, "ids such as sg-0123456789abcdef0, with commas"))
]
_Role: TypeAlias = Annotated[str, AfterValidator(_role)]
_Subnets: TypeAlias = Annotated[tuple[_Subnet, ...], NoDecode, BeforeValidator(_listed)]


@final
class EcsSettings(BaseSettings):
    """Cluster, network, roles, log group and store of ECS jobs.

    No id has a default. An ARN may be of any partition.

    Attributes:
        cluster: Cluster that jobs run on, by name or ARN.
        subnets: Subnets that tasks are placed in.
        other_subnets: Subnets to try when the first have no capacity; may be left out.
        security_groups: Security groups of tasks.
        assign_public_ip: Whether tasks get a public address, as they need in a public subnet.
        task_role_arn: Role of the program in a task.
        execution_role_arn: Role with which ECS pulls the image and writes the log.
        log_group: Log group of CloudWatch that tasks write to.
        launch_type: Launch type; only Fargate is supported.
        job_store: URI of the objects that record which jobs were launched, such as
            ``s3://bucket/jobs/``. Every process that works with the same jobs needs the same.
        job_spill: Whether a command and variables that are too large for ECS are written to the
            job store, where ``tradai-entrypoint jobs exec`` in the image reads them.
    """

    model_config = SettingsConfigDict(env_prefix="ECS_")

    cluster: Annotated[str, AfterValidator(_cluster)]
    subnets: Annotated[_Subnets, Field(min_length=1, max_length=16)]
    other_subnets: Annotated[_Subnets, Field(max_length=16)] = ()
    security_groups: Annotated[
        tuple[_Group, ...], NoDecode, BeforeValidator(_listed), Field(min_length=1, max_length=5)
    ]
    assign_public_ip: bool = False
    task_role_arn: _Role
    execution_role_arn: _Role
    log_group: Annotated[
        str, AfterValidator(_matching(_LOG_GROUP, "the name of a log group, such as /tradai/jobs"))
    ]
    launch_type: Literal["FARGATE"]
    job_store: Annotated[
        str, AfterValidator(_matching(_STORE, "a URI such as s3://bucket/jobs/"))
    ] = Field(validation_alias="TRADAI_JOB_STORE")
    job_spill: bool = Field(default=False, validation_alias="TRADAI_JOB_SPILL")

    @classmethod
    def from_environment(cls) -> Self:
        """Return the settings of the environment.

        Raises:
            ConfigurationError: Variables are missing or malformed; the message lists all of them.
        """
        # Every value comes from the environment.
        return cls.load()

    @property
    def cluster_name(self) -> str:
        """Name of the cluster, also when it is given as an ARN."""
        return self.cluster.rpartition("/")[2]
