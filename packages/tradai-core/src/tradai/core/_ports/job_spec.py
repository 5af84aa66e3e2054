"""Specification of a job: a command, where it may run, and everything it is given."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar, cast, final

from tradai.core._documents.canonical import digest
from tradai.core._documents.json_values import FrozenMapping, JsonValue, thaw
from tradai.core._secrets.named_texts import holds_secret
from tradai.core._secrets.reference import SecretReference
from tradai.core.exceptions import ValidationError

T = TypeVar("T", bound=StrEnum)

_JOB_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SPACE: Final = re.compile(r"\s")
_EXPECTED_ID: Final = (
    "up to 100 letters, digits, dots, dashes and underscores, starting with a letter or digit"
)
_EXPECTED_PLAIN: Final = "no secret; put a reference such as env:NAME into secrets"


@final
class Capacity(StrEnum):
    """Kind of capacity that a job may run on; a runner without kinds ignores it."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"


@final
class JobPlatform(StrEnum):
    """Operating system and processor that a job needs, as container images name them."""

    LINUX_AMD64 = "linux/amd64"
    LINUX_ARM64 = "linux/arm64"


@final
class LogDelivery(StrEnum):
    """Choice for a log that is not read fast enough: the job waits, or the log has gaps."""

    BLOCKING = "blocking"
    NON_BLOCKING = "non-blocking"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A job to run. It never changes, and holds no secrets.

    Equal specifications have equal digests. The job finds its trace id in the variable
    ``TRADAI_RUN_TRACE_ID``.

    Attributes:
        job_id: Id of the job; a runner launches each id once.
        command: Program and arguments.
        trace_id: Id of the work in every system it passes through; by default the job id.
        image: Container image; None where the runner needs none.
        environment: Plain variables. References such as ``aws-sm:name`` are plain text here.
        secrets: Variables whose values the runner resolves when it launches the job.
        cpu_units: Processor share, 1024 for one core; None is the runner's default.
        memory_mib: Memory in MiB; None is the runner's default.
        disk_gib: Disk space in GiB; None is the runner's default.
        time_limit_s: Seconds that the job may run; None is without limit.
        stop_grace_s: Seconds between the request to stop and the kill.
        capacity: Kinds of capacity to try, in this order.
        platform: System and processor it needs; None for any.
        log_delivery: Whether the job waits for a slow log.
        may_be_reaped: Whether a reaper may stop the job when its time has expired.
        tags: Labels to find and charge the job by.
    """

    job_id: str
    command: tuple[str, ...]
    trace_id: str = ""
    image: str | None = None
    environment: Mapping[str, str] = field(default_factory=FrozenMapping)
    secrets: Mapping[str, SecretReference] = field(default_factory=FrozenMapping)
    cpu_units: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    time_limit_s: int | None = None
    stop_grace_s: int = 30
    capacity: tuple[Capacity, ...] = (Capacity.ON_DEMAND,)
    platform: JobPlatform | None = None
    log_delivery: LogDelivery = LogDelivery.BLOCKING
    may_be_reaped: bool = False
    tags: Mapping[str, str] = field(default_factory=FrozenMapping)

    def __post_init__(self) -> None:
        """Check and freeze every value.

        Raises:
            ValidationError: A value is not usable, or plain text looks like a secret. No value of
                a variable, an argument or a tag is quoted.
        """
        check_job_id(self.job_id)
        self._set("trace_id", _text("trace_id", self.trace_id or self.job_id))
        self._set("command", _command(self.command))
        self._set("environment", _texts("environment", self.environment))
        self._set("tags", _texts("tags", self.tags))
        self._set("secrets", _references(self.secrets))
        self._check_variables()
        self._set("capacity", tuple(_member("capacity", Capacity, kind) for kind in self.capacity))
        self._set("log_delivery", _member("log_delivery", LogDelivery, self.log_delivery))
        if self.platform is not None:
            self._set("platform", _member("platform", JobPlatform, self.platform))
        self._check_amounts()

    @property
    def digest(self) -> str:
        """SHA-256 of the whole specification, in hex."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, JsonValue]:
        """Return the specification as JSON."""
        return {item.name: thaw(getattr(self, item.name)) for item in dataclasses.fields(self)}

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_variables(self) -> None:
        names = [*self.environment, *self.secrets]
        if len(set(names)) < len(names):
            raise _error("environment", "no variable that is among the secrets too")
        if not all(map(_VARIABLE.fullmatch, names)):
            raise _error("environment", "names of letters, digits and underscores")

    def _check_amounts(self) -> None:
        for name in ("cpu_units", "memory_mib", "disk_gib", "time_limit_s"):
            _check_amount(name, getattr(self, name), least=1)
        if self.stop_grace_s is None:
            raise _error("stop_grace_s", "a whole number of 0 or more")
        _check_amount("stop_grace_s", self.stop_grace_s, least=0)
        if not self.capacity:
            raise _error("capacity", "at least one kind of capacity")
        if not isinstance(self.may_be_reaped, bool):
            raise _error("may_be_reaped", "True or False")
        if self.image is not None:
            _text("image", self.image)


def check_job_id(job_id: object) -> None:
    """Raise `ValidationError` unless `job_id` can name a job."""
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise ValidationError(
            f"job id {job_id!r} is not usable: expected {_EXPECTED_ID}",
            field="job_id",
            expected=_EXPECTED_ID,
        )


def _command(command: object) -> tuple[str, ...]:
    if isinstance(command, str) or not isinstance(command, Sequence) or not command:
        raise _error("command", "a program and its arguments")
    arguments = tuple(_text("command", argument, may_be_empty=True) for argument in command)
    for before, argument in zip(("", *arguments), arguments, strict=False):
        for pair in _named_texts(before, argument):
            _check_plain("command", pair)
    return arguments


def _named_texts(before: str, argument: str) -> Iterator[tuple[str, str]]:
    """Yield the names that `argument` may have, as an option or after a flag, each with its text.

    A text that ends in ``=``, as in base64, is no option.
    """
    name, _, value = argument.partition("=")
    if value.strip("=") and not _SPACE.search(name):
        yield name.lstrip("-"), value
        if _is_dotted(name.lstrip("-")):
            return
    is_flag = before.startswith("-") and not argument.startswith("-")
    yield before.lstrip("-") if is_flag else "", argument


def _is_dotted(name: str) -> bool:
    return name.replace("-", "_").replace(".", "_").isidentifier()


def _texts(name: str, values: object) -> FrozenMapping[str]:
    if not isinstance(values, Mapping):
        raise _error(name, "a mapping of text to text")
    for key, value in values.items():
        _check_plain(name, (_text(name, key), _text(name, value, may_be_empty=True)))
    return FrozenMapping(values)


def _references(values: object) -> FrozenMapping[SecretReference]:
    if not isinstance(values, Mapping):
        raise _error("secrets", "a mapping of variables to references")
    return FrozenMapping(
        {_text("secrets", key): SecretReference(_text("secrets", values[key])) for key in values}
    )


def _check_plain(name: str, pair: tuple[str, str]) -> None:
    key, value = pair
    if holds_secret(key, value):
        # A traceback may show what this frame holds.
        del pair, value
        # Any other text before an equals sign may hold a secret itself, such as that of a URL.
        place = f"{name} {key}" if _is_dotted(key) else name
        message = f"{place} of a job seems to hold a secret: expected {_EXPECTED_PLAIN}"
        raise ValidationError(message, field=name, expected=_EXPECTED_PLAIN)


def _text(name: str, value: object, *, may_be_empty: bool = False) -> str:
    if isinstance(value, str) and "\0" not in value and (value or may_be_empty):
        return value
    raise _error(name, "text without null characters")


def _member(name: str, kind: type[T], value: object) -> T:
    if value in list(kind):
        return kind(cast("str", value))
    raise _error(name, " or ".join(kind))


def _check_amount(name: str, value: object, *, least: int) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (is_whole and cast("int", value) >= least):
        raise _error(name, f"a whole number of {least} or more")


def _error(name: str, expected: str) -> ValidationError:
    return ValidationError(
        f"{name} of a job is not usable: expected {expected}", field=name, expected=expected
    )
