"""Errors of tradai, classified by who must act.

::

    TradAIError                      anything tradai raises on purpose
    ├── ConfigurationError           the operator must change configuration
    ├── ValidationError (ValueError) the caller passed a bad value
    │   └── JobConflictError         the id of a job has another specification
    ├── NotFoundError (LookupError)  the thing does not exist
    ├── ExternalServiceError         AWS, Redis, MLflow or the exchange failed
    │   └── StorageError             a file system or a store refused
    │       └── ConflictError        another writer was first
    ├── LeaseHeldError               another process holds the lease
    ├── LeaseLostError               this process does not hold its lease any more
    └── TradingError                 trading must not start or go on
        └── ApprovalError            no approval allows this live session

The message is a sentence for people: it names the thing, what was expected and what to do next.
Facts for programs are fields. Every error survives pickling and copying with its type, message,
fields, notes and a text of its cause, so that it can cross a process border.

This module imports nothing, so that catching an error never costs more than raising it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ApprovalError",
    "ConfigurationError",
    "ConflictError",
    "ExternalServiceError",
    "JobConflictError",
    "LeaseHeldError",
    "LeaseLostError",
    "NotFoundError",
    "StorageError",
    "TradAIError",
    "TradingError",
    "ValidationError",
]


class TradAIError(Exception):
    """Root of every error that tradai raises on purpose.

    Attributes:
        code: Stable name of the kind of error, for logs and metrics.
        exit_code: Exit code of a process that this error ends.
        retryable: Whether the same call may succeed later with nothing changed.
    """

    code: str = "tradai"
    exit_code: int = 70
    retryable: bool = False
    _cause_text: str = ""

    def __init__(self, message: str, /) -> None:
        """Hold `message`, a sentence for people."""
        super().__init__(message)

    @property
    def cause_text(self) -> str:
        """Type and message of the error that this one was raised from, secrets masked.

        It survives pickling and copying, which ``__cause__`` does not. Empty without a cause. After
        a process pool it is the text of the cause in the child, not the child's whole traceback,
        which the pool makes the cause.
        """
        cause = self.__cause__
        name = type(cause).__name__
        # The pools of the standard library, joblib and Celery each have a class of this name.
        if cause is None or name.endswith("RemoteTraceback"):
            return self._cause_text
        # Looked up late, and by name: the rest of the package is built upon this module.
        redact: Callable[[str], str] = __import__("tradai.core", fromlist=("redact",)).redact
        try:
            return redact(f"{name}: {cause}")
        # The cause comes from other code, and may fail when it is printed.
        except Exception:  # noqa: BLE001
            return name

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from message, fields, notes and cause; the constructor is not called again."""
        fields = {name: value for name, value in vars(self).items() if name != "__notes__"}
        cause_text = self.cause_text
        if cause_text:
            fields["_cause_text"] = cause_text
        notes = tuple(getattr(self, "__notes__", ()))
        return _rebuild, (type(self), self.args, fields, notes)


class ConfigurationError(TradAIError):
    """The operator must change configuration.

    Attributes:
        key: Dotted key or variable at fault (the first, when there are several).
        source: Where it was read: a file, a file with its line, an environment variable.
    """

    code = "configuration"
    exit_code = 78

    def __init__(
        self, message: str, /, *, key: str | None = None, source: str | None = None
    ) -> None:
        """Name the `key` at fault and the `source` it was read from."""
        super().__init__(message)
        self.key = key
        self.source = source


class ValidationError(TradAIError, ValueError):
    """The caller passed a bad value.

    Attributes:
        field: Name of the value at fault.
        expected: Description of an accepted value; never holds the value itself.
    """

    code = "validation"
    exit_code = 65

    def __init__(
        self, message: str, /, *, field: str | None = None, expected: str | None = None
    ) -> None:
        """Name the `field` at fault and what was `expected`."""
        super().__init__(message)
        self.field = field
        self.expected = expected


class JobConflictError(ValidationError):
    """The id of a job belongs to a job with another specification.

    Attributes:
        job_id: The id.
    """

    code = "job_conflict"

    def __init__(self, message: str, /, *, job_id: str) -> None:
        """Name the `job_id`."""
        super().__init__(message, field="job_id", expected="an id that was not used before")
        self.job_id = job_id


class NotFoundError(TradAIError, LookupError):
    """The thing does not exist.

    Attributes:
        kind: Kind of thing that was looked for, for example ``"secret"``.
        key: The name it was looked for under.
    """

    code = "not_found"
    exit_code = 65

    def __init__(self, message: str, /, *, kind: str, key: str) -> None:
        """Name the `kind` of thing and the `key` it was looked for under."""
        super().__init__(message)
        self.kind = kind
        self.key = key


class ExternalServiceError(TradAIError):
    """Something outside the process failed: AWS, Redis, MLflow, the exchange.

    Attributes:
        service: Name of the service, for example ``"s3"``.
        operation: Operation that was requested, for example ``"get_object"``.
    """

    code = "external_service"
    exit_code = 69

    def __init__(
        self, message: str, /, *, service: str, operation: str, retryable: bool = False
    ) -> None:
        """Name the `service` and the `operation`; `retryable` when trying again may help."""
        super().__init__(message)
        self.service = service
        self.operation = operation
        self.retryable = retryable


class StorageError(ExternalServiceError):
    """A file system or a store refused: disk full, no permission, an unreadable file."""

    code = "storage"
    exit_code = 74

    def __init__(
        self,
        message: str,
        /,
        *,
        operation: str,
        service: str = "filesystem",
        retryable: bool = False,
    ) -> None:
        """Name the `operation` that was refused."""
        super().__init__(message, service=service, operation=operation, retryable=retryable)


class ConflictError(StorageError):
    """A conditional write came too late: another writer was first. Read again, then decide."""

    code = "conflict"


class LeaseHeldError(TradAIError):
    """Another process holds the lease.

    Attributes:
        lease: Name of the lease.
        holder: Name of its holder.
        retry_after_s: Seconds after which it is free, unless its holder renews it.
    """

    code = "lease_held"
    exit_code = 75
    retryable = True

    def __init__(self, message: str, /, *, lease: str, holder: str, retry_after_s: float) -> None:
        """Name the `lease`, its `holder`, and when to try again."""
        super().__init__(message)
        self.lease = lease
        self.holder = holder
        self.retry_after_s = retry_after_s


class LeaseLostError(TradAIError):
    """This process does not hold its lease any more; another one may hold it.

    Attributes:
        lease: Name of the lease.
    """

    code = "lease_lost"
    exit_code = 75

    def __init__(self, message: str, /, *, lease: str) -> None:
        """Name the `lease`."""
        super().__init__(message)
        self.lease = lease


class TradingError(TradAIError):
    """Trading must not start or go on.

    Attributes:
        reason: Short stable name of the rule that stops trading.
    """

    code = "trading"
    exit_code = 77

    def __init__(self, message: str, /, *, reason: str | None = None) -> None:
        """Name the `reason`."""
        super().__init__(message)
        self.reason = reason


class ApprovalError(TradingError):
    """No approval allows this live session.

    Attributes:
        reason: The reason, a value of `tradai.core.live.ApprovalRefusal`.
        differences: Names of the parts that differ from the approved ones; empty for other reasons.
    """

    code = "approval"

    def __init__(self, message: str, /, *, reason: str, differences: tuple[str, ...] = ()) -> None:
        """Name the `reason`, and the parts that differ."""
        super().__init__(message, reason=reason)
        self.reason: str = reason
        self.differences = differences


def _rebuild(
    kind: type[TradAIError],
    args: tuple[object, ...],
    fields: dict[str, object],
    notes: tuple[str, ...],
) -> TradAIError:
    error = kind.__new__(kind, *args)
    vars(error).update(fields)
    for note in notes:
        error.add_note(note)
    return error
