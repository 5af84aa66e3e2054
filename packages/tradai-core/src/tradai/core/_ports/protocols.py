"""Ports: the protocols of stores, secret sources, journals, approvals, mode handlers and clocks.

An adapter needs no base class, only these methods. The suites in `tradai.core.testing` test that
it keeps the promises made here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._secrets.secret import Secret
from tradai.core._time.instants import Utc
from tradai.core._types.symbols import SHA256, check_strategy_name
from tradai.core.exceptions import TradAIError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """The bytes of an object, and the tag of exactly these bytes in this place."""

    data: bytes
    etag: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """Facts about an object without its bytes: size in bytes, last change in UTC.

    Attributes:
        etag: Tag that `ObjectStore.read` would return with the bytes; None when the store would
            have to read them to know it. Size and time do not prove that an object is unchanged.
    """

    uri: str
    size: int
    modified: Utc
    etag: str | None = None


class ObjectStore(Protocol):
    """Whole objects under URIs; a reader never sees half a write.

    Every method raises `NotFoundError` for an object that is not there (`delete` does not),
    `ValidationError` for a URI the store does not serve, and `ExternalServiceError` (a
    `StorageError`, on a disk) when the store refuses.
    """

    def read(self, uri: str) -> StoredObject:
        """Return the object at `uri`."""
        ...

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        """Replace the object at `uri` and return its new tag.

        Args:
            uri: Where to write; missing folders are created.
            data: The whole new content.
            if_match: Write only over the object with this tag.
            if_absent: Write only where no object exists.

        Raises:
            ConflictError: The condition does not hold. Of several callers, one wins.
            ValidationError: Both conditions are given.
        """
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose URI starts with `prefix`, sorted by URI; there may be none."""
        ...

    def delete(self, uri: str) -> None:
        """Remove the object at `uri`; a missing one is ignored."""
        ...

    def stat(self, uri: str) -> ObjectInfo:
        """Describe the object at `uri`."""
        ...

    def copy(self, source: str, target: str) -> str:
        """Write the object at `source` to `target` as well, and return the tag there."""
        ...


class SecretSource(Protocol):
    """Resolves references, which may be written down, to secrets, which may not."""

    def resolve(self, reference: str) -> Secret:
        """Return the secret that `reference` names.

        Raises:
            NotFoundError: The secret does not exist.
            ConfigurationError: It is empty or others may read it, or the reference is malformed.
            ExternalServiceError: The source refused or cannot be reached.
        """
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One event of a run; `sequence` counts from 1, `at` is UTC."""

    sequence: int
    at: Utc
    event: str
    facts: Mapping[str, JsonValue]


class RunJournal(Protocol):
    """Events of a run, in order; entries are added and never changed."""

    def append(self, event: str, /, **facts: JsonValue) -> None:
        """Record `event`; once this returns, the entry is kept. Secrets are masked.

        Raises:
            ValidationError: A fact is not JSON, or is NaN or infinite.
            ExternalServiceError: The entry could not be kept.
        """
        ...

    def entries(self) -> Iterator[JournalEntry]:
        """Yield all entries in the order they were made."""
        ...

    def close(self) -> None:
        """Release the resources of the journal; closing twice is allowed."""
        ...


class ModeHandler(Protocol):
    """Runs a strategy in one mode."""

    def run(self) -> int:
        """Do the work and return the exit code."""
        ...


class Clock(Protocol):
    """Source of the present instant, which tests can replace."""

    def now(self) -> Utc:
        """Return the present instant as an aware UTC datetime."""
        ...


class WaitingClock(Clock, Protocol):
    """Clock to measure durations and to wait by, which tests can replace."""

    def __call__(self) -> float:
        """Return the seconds since some instant; they never go back."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Pause for `seconds`."""
        ...


ApprovalEntryKind: TypeAlias = Literal["approval", "revocation"]
"""Kind of an entry: an approval, or the revocation of one."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEntry:
    """An approval or a revocation as it is stored; there is at most one of each for an id.

    Attributes:
        strategy: Name of the strategy.
        approval_id: Id of the approval: 64 hexadecimal digits.
        kind: Whether the entry approves or revokes.
        data: Content, which a store does not look into.
    """

    strategy: str
    approval_id: str
    kind: ApprovalEntryKind
    data: bytes

    @property
    def name(self) -> tuple[str, str, ApprovalEntryKind]:
        """Strategy, id and kind, by which a store keeps the entry.

        Raises:
            ValidationError: The strategy or the id is not usable as a name.
        """
        return check_strategy_name(self.strategy), SHA256.check(self.approval_id), self.kind


class ApprovalStore(Protocol):
    """Place of approvals and revocations: entries are added, never changed and never removed.

    A store keeps bytes. It judges none of them: `tradai.core.live.Approvals` does.
    """

    def add(self, entry: ApprovalEntry) -> None:
        """Keep `entry`; the same entry again changes nothing, also after an answer was lost.

        Raises:
            ConflictError: It has an entry of this strategy, id and kind with other content. Of
                several callers, one wins.
            ValidationError: The strategy or the id is not usable as a name.
            ExternalServiceError: The store refused or did not answer.
        """
        ...

    def entries(self, strategy: str) -> Sequence[ApprovalEntry]:
        """Return all entries of `strategy`, sorted by id and kind; there may be none.

        An entry that was added is in every answer from then on.

        Raises:
            ValidationError: The strategy is not usable as a name.
            ExternalServiceError: The store refused or did not answer.
        """
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCheck:
    """A resource or a right that a backend needs, and whether it is there.

    An entry point of the group ``tradai.checks`` returns these; it changes nothing, and returns
    none where its backend is not in use.

    Attributes:
        resource: The resource or the right, such as ``cluster jobs``.
        error: Reason why it cannot be used; None when it can.
    """

    resource: str
    error: TradAIError | None = None
