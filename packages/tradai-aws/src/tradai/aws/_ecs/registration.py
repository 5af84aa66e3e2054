"""Registration of task definitions: one revision for equal content, found again by its digest."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, final
from weakref import WeakKeyDictionary

from tradai.aws._client.errors import AwsError, translated
from tradai.aws._ecs.task_definition import Definition
from tradai.core import ForkLock, digest

# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any
# A part of a definition: JSON of any depth.
Part: TypeAlias = Any

_SERVICE: Final = "ecs"
_PREFIX: Final = "tradai-"
_DIGITS: Final = 32
_DELAYS_S: Final = (0.5, 1.0, 2.0)
_ABSENT: Final = "nothing"
# Facts about a revision that its request does not have.
_ADDED_BY_AWS: Final = frozenset(
    {
        "compatibilities",
        "deleteRequestedAt",
        "deregisteredAt",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "revision",
        "status",
        "taskDefinitionArn",
    }
)
_NO_CONTENT: Final = _ADDED_BY_AWS | {"family", "tags"}
# AWS fills these in; empty values are left out anyway.
_DEFAULTS: Final[Mapping[str, object]] = {
    "cpu": 0,
    "disableNetworking": False,
    "enableFaultInjection": False,
    "essential": True,
    "interactive": False,
    "privileged": False,
    "protocol": "tcp",
    "pseudoTerminal": False,
    "readOnly": False,
    "versionConsistency": "enabled",
}
# Lists that mean the same in any order, by the key of their items; None for plain text.
_UNORDERED: Final[Mapping[str, str | None]] = {
    "containerDefinitions": "name",
    "dependsOn": "containerName",
    "environment": "name",
    "environmentFiles": "value",
    "extraHosts": "hostname",
    "mountPoints": "containerPath",
    "placementConstraints": "expression",
    "portMappings": "containerPort",
    "requiresCompatibilities": None,
    "resourceRequirements": "type",
    "secrets": "name",
    "systemControls": "namespace",
    "ulimits": "name",
    "volumes": "name",
    "volumesFrom": "sourceContainer",
}


class DefinitionsClient(Protocol):
    """Methods of boto3's client for ECS that are called here."""

    def register_task_definition(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Register a revision."""
        ...

    def describe_task_definition(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Describe a revision; of a family alone, its newest active one."""
        ...


@final
class _Family:
    """A family that one client looks up once, and the ARN of its revision."""

    def __init__(self) -> None:
        self.lock = ForkLock()
        self.arn: str | None = None


_FAMILIES: Final[WeakKeyDictionary[DefinitionsClient, dict[str, _Family]]] = WeakKeyDictionary()
_LOCK: Final = ForkLock()


def register_once(
    client: DefinitionsClient,
    wanted: Definition,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Return the ARN of a revision with the content `wanted`; register it if there is none.

    The family is named after the digest of the content, so that every process finds a revision
    that any of them registered. Threads that want the same at the same time share one look-up.
    Two processes that are first at the same instant may make two revisions of equal content;
    either serves.

    Args:
        client: boto3's client for ECS.
        wanted: Content as `task_definition` returned it.
        wait: Sleeps before another attempt, when others register the same at this instant.

    Raises:
        AwsError: AWS refused or did not answer.
    """
    name = family_of(wanted)
    family = _family(client, name)
    with family.lock:
        if family.arn is None:
            family.arn = _find(client, name, wanted) or _register(client, name, wanted, wait)
        return family.arn


def register_again(
    client: DefinitionsClient, arn: str, *, wait: Callable[[float], None] = time.sleep
) -> str:
    """Return the ARN of an active revision with the content of the inactive revision `arn`.

    Raises:
        AwsError: AWS refused or did not answer, or it has deleted the revision.
    """
    with translated(_SERVICE, "describe_task_definition", arn):
        found = client.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    forget(client, arn)
    tags = {"tags": found["tags"]} if found.get("tags") else {}
    return register_once(client, {**normalized(found["taskDefinition"]), **tags}, wait=wait)


def forget(client: DefinitionsClient, arn: str) -> None:
    """Look up the revision `arn` anew when it is next wanted: AWS says that it is not active."""
    name = arn.rpartition("/")[2].partition(":")[0]
    with _LOCK:
        _FAMILIES.get(client, {}).pop(name, None)


def _family(client: DefinitionsClient, name: str) -> _Family:
    with _LOCK:
        return _FAMILIES.setdefault(client, {}).setdefault(name, _Family())


def family_of(definition: Mapping[str, Any]) -> str:
    """Return the family of all revisions with the content of `definition`."""
    return f"{_PREFIX}{digest(normalized(definition))[:_DIGITS]}"


def normalized(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a request or a description, in one form for equal content."""
    content = {name: value for name, value in definition.items() if name not in _NO_CONTENT}
    for name in ("cpu", "memory"):
        if name in content:
            content[name] = str(content[name])
    plain: dict[str, Part] = _plain(content, "")
    return plain


def explain_drift(wanted: Mapping[str, Any], registered: Mapping[str, Any]) -> list[str]:
    """Return a line for each difference between `wanted` and a description of AWS.

    >>> explain_drift({"cpu": "1024"}, {"cpu": "512", "status": "ACTIVE"})
    ['cpu: wanted 1024, registered 512']
    """
    return list(_differences("", normalized(wanted), normalized(registered)))


def _find(client: DefinitionsClient, name: str, wanted: Definition) -> str | None:
    """Return the ARN of the newest revision of a family, if it has the content `wanted`."""
    try:
        with translated(_SERVICE, "describe_task_definition", name):
            found = client.describe_task_definition(taskDefinition=name)["taskDefinition"]
    except AwsError as exc:
        # ECS says no more than this of a family that does not exist.
        if exc.reason == "ClientException":
            return None
        raise
    is_same = found.get("status", "ACTIVE") == "ACTIVE" and not explain_drift(wanted, found)
    return str(found["taskDefinitionArn"]) if is_same else None


def _register(
    client: DefinitionsClient, name: str, wanted: Definition, wait: Callable[[float], None]
) -> str:
    delays_s = iter(_DELAYS_S)
    while True:
        try:
            with translated(_SERVICE, "register_task_definition", name):
                reply = client.register_task_definition(family=name, **wanted)
            return str(reply["taskDefinition"]["taskDefinitionArn"])
        except AwsError as exc:
            # The reply was lost, or another process registers this family at this instant.
            arn = _find(client, name, wanted)
            if arn is not None:
                return arn
            delay_s = next(delays_s, None)
            if delay_s is None or not (exc.retryable or exc.reason == "ClientException"):
                raise
            wait(delay_s)


def _plain(value: Part, key: str) -> Part:
    if isinstance(value, Mapping):
        items = ((name, _plain(item, name)) for name, item in value.items())
        return {name: item for name, item in items if not _is_default(name, item)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        plain = [_plain(item, "") for item in value]
        return sorted(plain, key=lambda item: _place(item, key)) if key in _UNORDERED else plain
    return value


def _is_default(name: str, value: object) -> bool:
    # The value of a variable may be empty.
    is_empty = value is None or value in ([], {}) or (value == "" and name != "value")
    return is_empty or (name in _DEFAULTS and value == _DEFAULTS[name])


def _place(item: Part, key: str) -> str:
    name = _UNORDERED[key]
    return str(item) if name is None or not isinstance(item, Mapping) else str(item.get(name, ""))


def _differences(path: str, wanted: Part, registered: Part) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(registered, Mapping):
        for name in sorted({*wanted, *registered}):
            below = f"{path}.{name}" if path else name
            yield from _differences(below, wanted.get(name), registered.get(name))
    elif isinstance(wanted, list) and isinstance(registered, list):
        yield from _differences(path, _by_name(path, wanted), _by_name(path, registered))
    elif wanted != registered:
        shown = (_ABSENT if value is None else value for value in (wanted, registered))
        yield "{}: wanted {}, registered {}".format(path, *shown)


def _by_name(path: str, items: list[Part]) -> dict[str, Part]:
    """Return the items of a list under the name that tells them apart, or their number."""
    key = path.rpartition(".")[2]
    if key not in _UNORDERED:
        return {str(number): item for number, item in enumerate(items)}
    return {_place(item, key): item for item in items}
