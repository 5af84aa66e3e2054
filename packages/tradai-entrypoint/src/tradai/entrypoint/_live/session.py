"""The session of this process: its moves, its heartbeat, and the requests of its operators."""

import secrets
from datetime import datetime
from typing import Final, Self, final

from tradai.core import Clock, RunJournal, SystemClock
from tradai.core.exceptions import ConflictError, TradingError
from tradai.core.live import SessionRecord, SessionRequest, SessionState, SessionStore

_TRIES: Final = 10
# More than a restart budget counts.
_STARTS_KEPT: Final = 100


@final
class Session:
    """A session whose record this process writes; the lease of its account must be held.

    A move is made here and in the journal first, and then written: when the store does not answer,
    the session is in its new state nevertheless, and the next heartbeat writes it. Not for use from
    several threads.
    """

    def __init__(
        self, store: SessionStore, record: SessionRecord, *, journal: RunJournal, clock: Clock
    ) -> None:
        """Go on from `record`, which is in `store`."""
        self._store = store
        self._record = record
        self._journal = journal
        self._clock = clock
        self._obeyed: SessionRequest | None = None
        self._left: SessionRequest | None = None
        self._is_counted = False
        self._unwritten_since: datetime | None = None

    @classmethod
    def start(
        cls,
        store: SessionStore,
        *,
        session: str,
        run_id: str,
        journal: RunJournal,
        clock: Clock | None = None,
    ) -> Self:
        """Write the record of a session that starts, over that of its predecessor.

        A request that the predecessor did not obey before it was killed is left to this session,
        and so is the pause in which it was killed. A pause of an operator is left also by one that
        has ended.

        Raises:
            ConflictError: Another process starts the session.
            ValidationError: `session` is not a name of a session.
            ExternalServiceError: The store refused or did not answer.
        """
        clock = clock or SystemClock()
        now = clock.now()
        before = store.read(session)
        record = SessionRecord(
            session=session,
            version=before.version + 1 if before else 1,
            run_id=run_id,
            owner=secrets.token_hex(8),
            predecessor=before.run_id if before else None,
            state=SessionState.STARTING,
            reason="the session starts",
            moved_at=now,
            progress=0,
            progressed_at=now,
            beat_at=now,
            request=_left_to_successor(before) if before else None,
            starts=(*(before.starts if before else ()), now)[-_STARTS_KEPT:],
        )
        store.write(record)
        journal.append("session_started", session=session, predecessor=record.predecessor)
        return cls(store, record, journal=journal, clock=clock)

    @property
    def name(self) -> str:
        """Name by which operators ask for it."""
        return self._record.session

    @property
    def state(self) -> SessionState:
        """State of the session."""
        return self._record.state

    @property
    def predecessor(self) -> str | None:
        """Id of the run that had the session before; None for the first."""
        return self._record.predecessor

    @property
    def unwritten_since(self) -> datetime | None:
        """Instant since which the store has not taken the record; None when it has it."""
        return self._unwritten_since

    @property
    def starts(self) -> tuple[datetime, ...]:
        """Instants of the last starts that count in the restart budget, oldest first.

        That of a session which a signal or an operator has stopped in good order does not.
        """
        return self._record.starts

    @property
    def request(self) -> SessionRequest | None:
        """Request that the session has not obeyed yet, as of the last write."""
        return self._record.request

    def move(
        self,
        state: SessionState,
        reason: str,
        *,
        obeyed: SessionRequest | None = None,
        left: SessionRequest | None = None,
    ) -> None:
        """Move to `state`.

        Args:
            state: The new state.
            reason: Sentence for people.
            obeyed: Request that is taken from the record.
            left: Pause that is left to the next session, unless another request waits.

        Raises:
            ValidationError: The move is not legal; see `SessionState`.
            TradingError: Another process has the record.
            ExternalServiceError: The store refused or did not answer; the move is made.
        """
        start, now = self.state, self._clock.now()
        reason = reason.strip() or "no reason was given"
        self._change(state=start.move_to(state), reason=reason, moved_at=now, beat_at=now)
        if state is SessionState.STOPPED and not self._is_counted:
            self._change(starts=self.starts[:-1])
        if obeyed is not None:
            self._obeyed = obeyed
            self._change(request=self._unless_obeyed(self.request))
        if left is not None and self.request is None:
            # It was obeyed here, and is to be obeyed again.
            self._left, self._obeyed = left, None
            self._change(request=left)
        try:
            self._journal.append("session_moved", start=start.value, end=state.value, reason=reason)
        finally:
            # Operators elsewhere see the move also when this disk is full.
            self._publish()

    def count_start(self) -> None:
        """Count this start in the restart budget, also when it ends in good order."""
        self._is_counted = True

    def obey(self, request: SessionRequest, reason: str) -> None:
        """Take `request` from the record: the session has the state that it asks for.

        The record has the `reason` of the last request from then on.

        Raises:
            TradingError: Another process has the record.
            ExternalServiceError: The store refused or did not answer; the next beat writes it.
        """
        self._obeyed = request
        self._change(request=self._unless_obeyed(self.request), reason=reason)
        self._publish()

    def beat(self, progress: int) -> SessionRequest | None:
        """Write a heartbeat, and return the request that is to be obeyed.

        Args:
            progress: Turns that the engine's loop has made. The instant of progress moves only
                when this number has changed.

        Raises:
            TradingError: Another process has the record.
            ExternalServiceError: The store refused or did not answer.
        """
        now = self._clock.now()
        if progress != self._record.progress:
            self._change(progress=progress, progressed_at=now)
        self._change(beat_at=now)
        self._publish()
        return self.request

    def _change(self, **changes: object) -> None:
        self._record = SessionRecord.model_validate({**self._fields(), **changes})

    def _fields(self) -> dict[str, object]:
        return {name: getattr(self._record, name) for name in SessionRecord.model_fields}

    def _publish(self) -> None:
        self._unwritten_since = self._unwritten_since or self._clock.now()
        self._write()
        self._unwritten_since = None

    def _write(self) -> None:
        for tries_left in reversed(range(_TRIES)):
            new = self._record.model_copy(update={"version": self._record.version + 1})
            try:
                self._store.write(new)
            except ConflictError:
                if not tries_left:
                    raise
                self._adopt()
            else:
                self._record = new
                return

    def _adopt(self) -> None:
        """Take over what an operator wrote, or our own write whose answer was lost."""
        found = self._store.read(self._record.session)
        if found is None or found.owner != self._record.owner:
            message = (
                f"the session {self._record.session} is not ours any more: its record is gone or "
                "another process has it; stop this one, and look which of them may trade"
            )
            raise TradingError(message, reason="session_taken")
        request = self._unless_obeyed(found.request) or self._left
        self._change(version=found.version, request=request)

    def _unless_obeyed(self, request: SessionRequest | None) -> SessionRequest | None:
        return None if request == self._obeyed else request


def _left_to_successor(before: SessionRecord) -> SessionRequest | None:
    request = before.request
    if before.state.is_final:
        return request if request and request.state is SessionState.PAUSED else None
    if before.request is not None or before.state is not SessionState.PAUSED:
        return before.request
    by = f"run {before.run_id}"
    return SessionRequest(
        state=SessionState.PAUSED, reason=before.reason, by=by, at=before.moved_at
    )
