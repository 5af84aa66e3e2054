"""Resources of ECS jobs: cluster, subnets, security groups, log group and job store."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from tradai.aws._client.client import client_for
from tradai.aws._client.errors import translated
from tradai.aws._ecs._checks.rights import check_rights
from tradai.aws._ecs.settings import EcsSettings
from tradai.core import ObjectStore, ResourceCheck, backend_for
from tradai.core.exceptions import ConfigurationError, TradAIError

# boto3's clients, or fakes of them.
Client: TypeAlias = Any

_PREFIX: Final = "ECS_"


def check_ecs() -> Iterator[ResourceCheck]:
    """Yield what the ECS jobs of this environment need; nothing where no ECS is configured."""
    variables = [name for name in EcsSettings.variables() if name.startswith(_PREFIX)]
    if not any(name in os.environ for name in variables):
        return
    try:
        settings = EcsSettings.from_environment()
        clients = {name: client_for(name) for name in ("ecs", "ec2", "logs")}
        store = backend_for("tradai.stores", settings.job_store)
    except TradAIError as exc:
        yield ResourceCheck(resource="settings of ECS", error=exc)
        return
    yield from check_resources(settings, clients, store)
    yield from check_rights(settings, clients, store)


def check_resources(
    settings: EcsSettings, clients: Mapping[str, Client], store: ObjectStore
) -> Iterator[ResourceCheck]:
    """Yield whether each resource that `settings` name is there."""
    for resource, find in _searches(settings, clients, store):
        try:
            find()
        except TradAIError as exc:
            yield ResourceCheck(resource=resource, error=exc)
        else:
            yield ResourceCheck(resource=resource)


def _searches(
    settings: EcsSettings, clients: Mapping[str, Client], store: ObjectStore
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each resource with the function that raises when it is not there."""
    ecs, ec2, logs = clients["ecs"], clients["ec2"], clients["logs"]
    cluster, groups, log_group = settings.cluster, settings.security_groups, settings.log_group
    subnets = (*settings.subnets, *settings.other_subnets)
    networks: list[str] = []
    yield f"cluster {settings.cluster_name}", lambda: _find_cluster(ecs, cluster)
    yield f"subnets {', '.join(subnets)}", lambda: networks.extend(_find_subnets(ec2, subnets))
    yield f"security groups {', '.join(groups)}", lambda: _find_groups(ec2, groups, networks)
    yield f"log group {log_group}", lambda: _find_log_group(logs, log_group)
    yield f"job store {settings.job_store}", lambda: next(store.list(settings.job_store), None)


def _find_cluster(ecs: Client, cluster: str) -> None:
    with translated("ecs", "describe_clusters", cluster):
        found = ecs.describe_clusters(clusters=[cluster])["clusters"]
    if not found:
        raise _missing(f"there is no cluster {cluster} in this region and account", "ECS_CLUSTER")
    if found[0].get("status") != "ACTIVE":
        status = found[0].get("status")
        raise _missing(f"the cluster {cluster} is {status}, not ACTIVE", "ECS_CLUSTER")


def _find_subnets(ec2: Client, subnets: tuple[str, ...]) -> Iterator[str]:
    """Yield the networks of the subnets, which must be one and the same."""
    # A filter, as AWS refuses a list of ids as a whole and names one of them.
    named = [{"Name": "subnet-id", "Values": list(subnets)}]
    with translated("ec2", "describe_subnets", ", ".join(subnets)):
        found = ec2.describe_subnets(Filters=named)["Subnets"]
    known = {subnet["SubnetId"]: subnet["VpcId"] for subnet in found}
    absent = [subnet for subnet in subnets if subnet not in known]
    if absent:
        raise _missing(f"there is no subnet {', '.join(absent)} in this region", "ECS_SUBNETS")
    if len(set(known.values())) > 1:
        raise _missing("the subnets belong to several VPCs; choose those of one", "ECS_SUBNETS")
    yield from set(known.values())


def _find_groups(ec2: Client, groups: tuple[str, ...], networks: list[str]) -> None:
    named = [{"Name": "group-id", "Values": list(groups)}]
    with translated("ec2", "describe_security_groups", ", ".join(groups)):
        found = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    known = {group["GroupId"]: group.get("VpcId") for group in found}
    for group in groups:
        if group not in known:
            message = f"there is no security group {group} in this region"
            raise _missing(message, "ECS_SECURITY_GROUPS")
        if networks and known[group] not in networks:
            message = f"the security group {group} is in another VPC than the subnets"
            raise _missing(message, "ECS_SECURITY_GROUPS")


def _find_log_group(logs: Client, name: str) -> None:
    with translated("logs", "describe_log_groups", name):
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    if name not in {group["logGroupName"] for group in found}:
        raise _missing(f"there is no log group {name} in this region", "ECS_LOG_GROUP")


def _missing(problem: str, key: str) -> ConfigurationError:
    return ConfigurationError(f"{problem}; check {key} and AWS_REGION", key=key)
