"""Record of a trading session: the row that the session and its operators share."""

import json
from typing import Annotated, Final, Literal, Self, TypeAlias, final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError as InvalidModelError,
)

from tradai.core._secrets.redaction import redact
from tradai.core._sessions.state import SessionState, TradingStatus
from tradai.core._time.instants import Utc
from tradai.core._types.pattern import Grammar
from tradai.core.exceptions import StorageError

SESSION_NAME: Final = Grammar(
    "session",
    r"[a-z0-9][a-z0-9._-]{0,99}",
    "1 to 100 small letters, digits, dots, underscores and hyphens, a letter or a digit first",
)
_LONGEST: Final = 2000


def check_session_name(name: str) -> str:
    """Return `name`, which is that of a session.

    >>> check_session_name("trend-2")
    'trend-2'

    Raises:
        ValidationError: It is not a name of a session.
    """
    return SESSION_NAME.check(name)


def _shown(sentence: str) -> str:
    """Mask secrets, then cut: a long text of an error must not keep a session from stopping."""
    return redact(sentence.strip())[:_LONGEST].rstrip()


_Sentence: TypeAlias = Annotated[str, Field(pattern=r"\S"), AfterValidator(_shown)]


@final
class SessionRequest(BaseModel):
    """A request of an operator, which stays in the record until the session has obeyed it.

    Attributes:
        state: State that the operator wants: running, paused or stopped.
        reason: A sentence for people.
        by: Name of the operator.
        at: Instant of the request, by the operator's clock.
    """

    model_config = ConfigDict(frozen=True)

    state: Literal[SessionState.RUNNING, SessionState.PAUSED, SessionState.STOPPED]
    reason: _Sentence
    by: _Sentence
    at: Utc


@final
class SessionRecord(BaseModel):
    """Facts about a trading session at one instant; secrets in its sentences are masked.

    The heartbeat is `progress`, a number that the engine's loop makes grow: a process that writes
    records beside an engine that stands still does not look alive.

    Attributes:
        session: Name of the session: small letters, digits, dots, underscores and hyphens.
        version: Number of the write, from 1.
        run_id: Id of the run.
        owner: Random id of the process that writes the state: ids of runs may repeat.
        predecessor: Id of the run that had the session before; None for the first.
        state: State of the session.
        reason: Reason of the last move, for people.
        moved_at: Instant of the last move.
        progress: Turns that the engine's loop has made.
        progressed_at: Instant at which `progress` grew last.
        beat_at: Instant at which the session wrote last.
        request: Request of an operator that the session has not obeyed yet, or leaves to the next
            one.
        starts: Instants of the last starts of the session, oldest first, without those of sessions
            that a signal or an operator has stopped in good order.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    session: Annotated[str, SESSION_NAME]
    version: int = Field(ge=1)
    run_id: str
    owner: str
    predecessor: str | None = None
    state: SessionState
    reason: _Sentence
    moved_at: Utc
    progress: int = Field(ge=0)
    progressed_at: Utc
    beat_at: Utc
    request: SessionRequest | None = None
    starts: tuple[Utc, ...] = ()

    @property
    def status(self) -> TradingStatus:
        """Status that the platform's tables show."""
        return self.state.status

    @classmethod
    def from_bytes(cls, data: bytes, *, place: str) -> Self:
        """Return the record that `to_bytes` returned as `data`, read from `place`.

        Raises:
            StorageError: `data` is not a record of this version.
        """
        try:
            return cls.model_validate_json(data)
        except InvalidModelError as exc:
            message = (
                f"the session at {place} cannot be read: expected a record of format 1; find out "
                "which program wrote it, and delete it when its session has ended"
            )
            raise StorageError(message, operation="read", service="sessions") from exc

    def to_bytes(self) -> bytes:
        """Return the record as JSON, with the status of the platform in a field of its own."""
        fields = self.model_dump(mode="json")
        return json.dumps({**fields, "status": self.status.value}, ensure_ascii=False).encode()
