"""The halt latch: after a halt no session starts until a person has cleared it with a reason."""

from typing import Annotated, Final, Literal, TypeAlias, final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tradai.core import (
    Clock,
    ObjectStore,
    StoredObject,
    SystemClock,
    Utc,
    backend_for,
    redact,
)
from tradai.core.exceptions import (
    ConflictError,
    NotFoundError,
    StorageError,
    TradingError,
    ValidationError,
)
from tradai.entrypoint._live._risk.strict_record import parsed_record, stored_record

_TRIES: Final = 10
_LONGEST: Final = 2000


def _shown(sentence: str) -> str:
    """Mask secrets, then cut: a long text of an error must not keep a session from stopping."""
    return redact(sentence.strip())[:_LONGEST].rstrip()


_Sentence: TypeAlias = Annotated[str, Field(pattern=r"\S"), AfterValidator(_shown)]


@final
class HaltedError(TradingError):
    """A session was halted, and the halt was not cleared."""

    code = "halted"
    exit_code = 79


@final
class Clearance(BaseModel):
    """The decision of a person that trading may start again.

    Attributes:
        reason: A sentence for people.
        by: Name of the person.
        at: Instant of the decision.
        new_marks: Whether losses are measured anew from the next session on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: _Sentence
    by: _Sentence
    at: Utc
    new_marks: bool = False


@final
class Halt(BaseModel):
    """A halt, which is never removed; `number` counts from 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    cause: _Sentence
    run_id: str
    at: Utc
    cleared: Clearance | None = None


@final
class _History(BaseModel):
    """All halts of an account, as the file has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    halts: tuple[Halt, ...] = ()

    @property
    def newest(self) -> int:
        """Number of the newest halt; 0 for none."""
        return self.halts[-1].number if self.halts else 0

    @property
    def is_whole(self) -> bool:
        """Whether there are halts, and their numbers grow: no latch was ever written without."""
        numbers = [halt.number for halt in self.halts]
        return bool(numbers) and numbers == sorted(set(numbers))

    @property
    def standing(self) -> Halt | None:
        """The newest halt, if it was not cleared."""
        newest = self.halts[-1] if self.halts else None
        return newest if newest is not None and newest.cleared is None else None


@final
class HaltLatch:
    """Latch in an object store: it survives the process and, with ``s3:``, the machine.

    A latch that cannot be read counts as halted.
    """

    def __init__(self, store: ObjectStore, uri: str, *, clock: Clock | None = None) -> None:
        """Use the object at `uri` in `store`; without it, nothing was ever halted."""
        self._store = store
        self._uri = uri
        self._clock = clock or SystemClock()

    @classmethod
    def for_uri(cls, uri: str) -> "HaltLatch":
        """Return the latch at `uri`, whose scheme names the store."""
        return cls(backend_for("tradai.stores", uri), uri)

    def halts(self) -> tuple[Halt, ...]:
        """Return all halts with their clearances, oldest first.

        Raises:
            HaltedError: They cannot be read.
            ExternalServiceError: The store refused or did not answer.
        """
        return self._read()[0].halts

    def check(self) -> None:
        """Let a session start.

        Raises:
            HaltedError: A halt stands, or the latch cannot be read.
            ExternalServiceError: The store refused or did not answer.
        """
        halt = self._read()[0].standing
        if halt is not None:
            message = (
                f"trading was halted at {halt.at:%Y-%m-%d %H:%M:%S} UTC by run {halt.run_id}: "
                f"{halt.cause}; find out why, then clear halt {halt.number} with a reason"
            )
            raise HaltedError(message, reason="halted")

    def trip(self, cause: str, *, run_id: str, after: int = 0) -> Halt:
        """Record a halt, also beside one that stands, and return it.

        No `cause` is refused: what it lacks must not keep a halt from being recorded.

        Args:
            cause: A sentence for people.
            run_id: Run of the session.
            after: Number of a halt that the latch has lost; the new one has a larger number.

        Raises:
            HaltedError: The latch cannot be read, so it is halted already.
            ExternalServiceError: The store refused or did not answer.
        """
        shown_cause = cause.strip() or "no cause was given"
        for tries_left in reversed(range(_TRIES)):
            history, stored = self._read()
            number = max(after, history.newest) + 1
            halt = Halt(number=number, cause=shown_cause, run_id=run_id, at=self._clock.now())
            try:
                self._write((*history.halts, halt), stored)
            except ConflictError:
                if not tries_left:
                    raise
            else:
                return halt
        raise AssertionError  # the last try returns or raises

    def clear(self, number: int, *, reason: str, by: str, new_marks: bool = False) -> None:
        """Clear the halts up to `number`, the newest one, and keep the clearance with it.

        Args:
            number: Number of the newest halt.
            reason: A sentence for people.
            by: Name of the person who clears it.
            new_marks: Whether losses are measured anew from the next session on.

        Raises:
            NotFoundError: No halt stands.
            ConflictError: Another halt stands: it was recorded after the person had looked.
            ValidationError: `reason` or `by` is empty.
            HaltedError: The latch cannot be read; repair it by hand.
            ExternalServiceError: The store refused or did not answer.
        """
        history, stored = self._read()
        halt = history.standing
        if halt is None:
            message = f"no halt stands at {self._uri}: there is nothing to clear"
            raise NotFoundError(message, kind="halt", key=str(number))
        if halt.number != number:
            message = f"cannot clear halt {number}: halt {halt.number} stands; look at it first"
            raise ConflictError(message, operation="clear", service="halts")
        _require_words(reason=reason, by=by)
        clearance = Clearance(reason=reason, by=by, at=self._clock.now(), new_marks=new_marks)
        cleared = halt.model_copy(update={"cleared": clearance})
        self._write((*history.halts[:-1], cleared), stored)

    def _read(self) -> tuple[_History, StoredObject | None]:
        try:
            stored = stored_record(self._store, self._uri)
        except (StorageError, ValidationError) as exc:
            raise self._unreadable(f"a readable file or object ({exc})") from exc
        if stored is None:
            return _History(), None
        history = parsed_record(_History, stored.data)
        if history is None or not history.is_whole:
            raise self._unreadable("the halts in format 1")
        return history, stored

    def _unreadable(self, expected: str) -> HaltedError:
        message = (
            f"the halt latch at {self._uri} cannot be read, which counts as halted: expected "
            f"{expected}; restore it, or delete it if nothing was halted"
        )
        return HaltedError(message, reason="halt_latch_unreadable")

    def _write(self, halts: tuple[Halt, ...], stored: StoredObject | None) -> None:
        data = _History(halts=halts).model_dump_json(indent=2).encode()
        if stored is None:
            self._store.write(self._uri, data, if_absent=True)
        else:
            self._store.write(self._uri, data, if_match=stored.etag)


def _require_words(*, reason: str, by: str) -> None:
    for field, text in (("reason", reason), ("by", by)):
        if not text.strip():
            expected = "a sentence" if field == "reason" else "the name of a person"
            message = f"the {field} of a clearance is empty: expected {expected}"
            raise ValidationError(message, field=field, expected=expected)
