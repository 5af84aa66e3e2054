"""Requests to launch a task: token, tags, placements, and the variables of our own."""

import hashlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final

from tradai.aws._ecs._launch.record import LaunchRecord
from tradai.aws._ecs.settings import EcsSettings
from tradai.core import Capacity, JobSpec, Utc

RUN_ID: Final = "TRADAI_RUN_ID"
JOB_DIGEST: Final = "JOB_SPEC_DIGEST"

TAG_JOB: Final = "tradai:job"
TAG_DIGEST: Final = "tradai:spec-digest"
TAG_EXPIRES: Final = "tradai:expires-at"
TAG_REAPABLE: Final = "tradai:may-be-reaped"

# Pull of the image, start and stop of the task.
_GRACE: Final = timedelta(minutes=30)


def started_by(cluster: str, job_id: str) -> str:
    """Return the text by which ListTasks finds the tasks of a job."""
    return f"tradai-{_hash(cluster, job_id)[:32]}"


def client_token(record: LaunchRecord) -> str:
    """Return the token of RunTask for the job, attempt and rung of a record."""
    return _hash(record.request["startedBy"], str(record.attempt), str(record.rung))


def run_task_request(record: LaunchRecord) -> dict[str, Any]:
    """Return the parameters of RunTask for the attempt and rung of a record, without the token."""
    request = deepcopy(dict(record.request))
    for override in request["overrides"]["containerOverrides"]:
        for item in override.get("environment", ()):
            if item["name"] == RUN_ID:
                item["value"] = record.run_id
    return {**request, **record.placements[record.rung]}


def own_variables(spec: JobSpec) -> dict[str, str]:
    """Return the variables that tell a task which run it is; `run_task_request` renews them."""
    return {RUN_ID: spec.job_id, JOB_DIGEST: spec.digest}


def base_request(
    spec: JobSpec,
    settings: EcsSettings,
    *,
    definition: str,
    overrides: Mapping[str, Any],
    now: Utc,
) -> dict[str, Any]:
    """Return the parameters of RunTask that all attempts and rungs of a job share."""
    return {
        "cluster": settings.cluster,
        "taskDefinition": definition,
        "count": 1,
        "startedBy": started_by(settings.cluster_name, spec.job_id),
        "overrides": dict(overrides),
        "tags": [{"key": key, "value": value} for key, value in sorted(_tags(spec, now).items())],
        "enableECSManagedTags": True,
    }


def placements(spec: JobSpec, settings: EcsSettings) -> Iterator[dict[str, Any]]:
    """Yield the rungs of the ladder: each kind of capacity, then the same in other subnets."""
    for subnets in filter(None, (settings.subnets, settings.other_subnets)):
        for capacity in spec.capacity:
            yield {**_capacity(capacity), "networkConfiguration": _network(settings, subnets)}


def _capacity(capacity: Capacity) -> dict[str, Any]:
    if capacity is Capacity.SPOT:
        return {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}
    return {"launchType": "FARGATE"}


def _network(settings: EcsSettings, subnets: tuple[str, ...]) -> dict[str, Any]:
    return {
        "awsvpcConfiguration": {
            "subnets": list(subnets),
            "securityGroups": list(settings.security_groups),
            "assignPublicIp": "ENABLED" if settings.assign_public_ip else "DISABLED",
        }
    }


def _tags(spec: JobSpec, now: Utc) -> dict[str, str]:
    own = {
        TAG_JOB: spec.job_id,
        TAG_DIGEST: spec.digest,
        TAG_REAPABLE: "yes" if spec.may_be_reaped else "no",
    }
    if spec.time_limit_s is not None:
        whole = timedelta(seconds=spec.time_limit_s + spec.stop_grace_s) + _GRACE
        own[TAG_EXPIRES] = (now + whole).isoformat()
    return {**spec.tags, **own}


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
