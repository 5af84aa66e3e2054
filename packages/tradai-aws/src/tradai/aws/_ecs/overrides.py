"""Overrides of a task: the command and the variables of one job, measured before the call."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from tradai.aws._client.arn import Arn
from tradai.aws._ecs.task_definition import MAIN_CONTAINER
from tradai.core import (
    JobSpec,
    ObjectStore,
    SecretReference,
    SecretReferenceSettings,
    canonical_json,
    digest,
)
from tradai.core.exceptions import ConflictError, ValidationError

Overrides: TypeAlias = dict[str, Any]

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
MOST_CHARACTERS: Final = 8192
_LARGEST: Final = 5
# A program that runs what `spill` wrote.
_RUN_SPILLED: Final = ("tradai-entrypoint", "jobs", "exec")
_TRACE_ID: Final = "TRADAI_RUN_TRACE_ID"
(_REFERENCES,) = SecretReferenceSettings.variables()
# Only the machine that submits a job can read these.
_LOCAL_SCHEMES: Final = frozenset({"env", "file"})


def overrides_of(spec: JobSpec, *, runner: Mapping[str, str] | None = None) -> Overrides:
    """Return the overrides of the task that runs `spec` in an image of ours.

    The task gets references to secrets, never their values: tradai in the image resolves
    ``env:NAME`` with the role of the task, when the secret is used.

    Args:
        spec: The job.
        runner: Variables that the job runner adds.

    Raises:
        ValidationError: A secret is in a variable or a file of the machine that submits the job.
    """
    for name, reference in spec.secrets.items():
        if reference.scheme in _LOCAL_SCHEMES:
            raise _secret_error(spec, name, "a reference that the task can read, such as aws-sm:")
    references = {_REFERENCES: canonical_json(dict(spec.secrets)).decode()} if spec.secrets else {}
    return _overrides(spec, {**spec.environment, **references, **(runner or {})})


def foreign_overrides_of(spec: JobSpec, *, runner: Mapping[str, str] | None = None) -> Overrides:
    """Return the overrides of the task that runs `spec` in an image without tradai.

    Its secrets are in the task definition instead; see `value_from`.
    """
    return _overrides(spec, {**spec.environment, **(runner or {})})


def value_from(spec: JobSpec) -> dict[str, str]:
    """Return the secrets of `spec` as ECS itself resolves them, into variables of the program.

    The values are then in the environment of the container's first process, for anyone to see who
    may look into the container. This is for images without tradai, and never for a bot that
    trades.

    >>> from tradai.core import JobSpec, SecretReference
    >>> key = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:trading/key-AbCdEf"
    >>> reference = SecretReference(f"aws-sm:{key}#token@AWSPREVIOUS")
    >>> spec = JobSpec(job_id="job-1", command=("run",), secrets={"TOKEN": reference})
    >>> value_from(spec)["TOKEN"].removeprefix(key)
    ':token:AWSPREVIOUS:'

    Raises:
        ValidationError: A secret is not named by its ARN, or its key has several steps.
    """
    return {name: _value_from(spec, name, ref) for name, ref in spec.secrets.items()}


def check_size(overrides: Overrides, spec: JobSpec) -> None:
    """Refuse overrides that RunTask would refuse.

    AWS counts the characters of the JSON, its syntax included, and does not say in what form.
    The form that boto3 sends is counted here, which is the longest.

    Raises:
        ValidationError: They are too large; the message names the largest entries.
    """
    size = _size(overrides)
    if size > MOST_CHARACTERS:
        largest = sorted(_entries(overrides), key=lambda entry: entry[1], reverse=True)
        named = ", ".join(f"{name} with {length}" for name, length in largest[:_LARGEST])
        expected = f"at most {MOST_CHARACTERS} characters"
        raise ValidationError(
            f"the command and variables of the job {spec.job_id} are {size} characters of JSON, "
            f"but ECS takes {MOST_CHARACTERS}; the largest are {named}: shorten them, or set "
            "TRADAI_JOB_SPILL=true, which keeps them in the job store",
            field="overrides",
            expected=expected,
        )


def spill(
    spec: JobSpec, store: ObjectStore, folder: str, *, runner: Mapping[str, str] | None = None
) -> Overrides:
    """Write the command and the variables of `spec` to a store; return overrides that run them.

    The object is named after its digest, which ``tradai-entrypoint jobs exec`` checks in the task:
    the image must have it, and the role of the task may read the object.

    Args:
        spec: The job.
        store: Where to write.
        folder: URI of the folder for such objects; it ends with ``/``.
        runner: Variables that the job runner adds; they are not spilled.
    """
    whole = overrides_of(spec)["containerOverrides"][0]
    variables = {item["name"]: item["value"] for item in whole["environment"]}
    content = {"command": whole["command"], "environment": variables}
    uri = f"{folder}{digest(content)}.json"
    # When there is such an object, it has this content.
    with suppress(ConflictError):
        store.write(uri, canonical_json(content), if_absent=True)
    return _container_overrides((*_RUN_SPILLED, uri), runner or {})


def _overrides(spec: JobSpec, variables: Mapping[str, str]) -> Overrides:
    return _container_overrides(spec.command, {_TRACE_ID: spec.trace_id, **variables})


def _container_overrides(command: tuple[str, ...], variables: Mapping[str, str]) -> Overrides:
    environment = [{"name": name, "value": variables[name]} for name in sorted(variables)]
    container = {"name": MAIN_CONTAINER, "command": list(command), "environment": environment}
    return {"containerOverrides": [container]}


def _value_from(spec: JobSpec, name: str, reference: SecretReference) -> str:
    key = reference.key or ""
    if reference.scheme != "aws-sm" or not reference.name.startswith("arn:"):
        raise _secret_error(spec, name, "aws-sm: and the ARN of a secret, for an image of others")
    if "." in key:
        raise _secret_error(spec, name, "a key of one step, for an image of others")
    arn = str(Arn.parse(reference.name))
    return f"{arn}:{key}:{reference.stage or ''}:" if key or reference.stage else arn


def _size(part: object) -> int:
    return len(json.dumps(part))


def _entries(overrides: Overrides) -> Iterator[tuple[str, int]]:
    for container in overrides["containerOverrides"]:
        for item in container["environment"]:
            yield f"variable {item['name']}", _size(item)
        for number, argument in enumerate(container["command"]):
            yield f"argument {number}", _size(argument)


def _secret_error(spec: JobSpec, name: str, expected: str) -> ValidationError:
    return ValidationError(
        f"the secret {name} of the job {spec.job_id} cannot be read in a task of ECS: "
        f"expected {expected}",
        field="secrets",
        expected=expected,
    )
