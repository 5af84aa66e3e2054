"""The session of a dry-run: heartbeat, and the pauses and stops that its operators ask for."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, Self, final

from tradai.core import JournalEntry, JsonValue, RunJournal, backend_for
from tradai.core.exceptions import TradAIError
from tradai.core.live import SessionRequest, SessionState, SessionStore
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.supervision import PausableEngine
from tradai.entrypoint._process.exit_codes import Verdict

PAUSED: Final = "bot paused"
RESUMED: Final = "bot resumed"

_log: Final = logging.getLogger(__name__)
_FOLDER: Final = "session"
_TRADING: Final = frozenset({SessionState.RUNNING, SessionState.PAUSED})
# States of the engine, in its own words, and events in the journal of a run.
_STATES: Final = {"RUNNING": SessionState.RUNNING, "PAUSED": SessionState.PAUSED}
_EVENTS: Final = {SessionState.RUNNING: RESUMED, SessionState.PAUSED: PAUSED}
_ELSEWHERE: Final = "the engine's own API"


def paper_store(scratch: Path) -> SessionStore:
    """Return the store with the one session of the dry-run that has the folder `scratch`.

    Raises:
        ConfigurationError: The store cannot be used.
    """
    return backend_for("tradai.sessions", f"{(scratch / _FOLDER).resolve().as_uri()}/")


def paper_name(run_id: str) -> str:
    """Return the name of the session of run `run_id`."""
    return run_id.lower()


@final
class PaperSession:
    """Record of a dry-run for its operators, who may pause and stop it by a request there.

    Not for use from several threads. What cannot be written is logged, and trading goes on.

    Attributes:
        stop_reason: Why the bot is to be stopped in good order; None while it may go on.
    """

    def __init__(
        self, session: Session, journal: RunJournal, *, starts_paused: bool = False
    ) -> None:
        """Take the record, and the journal of the run, which gets the pauses."""
        self.stop_reason: str | None = None
        self._starts_paused = starts_paused
        self._session = session
        self._journal = journal
        self._heartbeat: Heartbeat | None = None
        self._engine: PausableEngine | None = None
        self._report: Callable[[], None] = _nothing
        self._engine_state: Callable[[], str | None] = _nothing
        self._seen: str | None = None

    @classmethod
    def start(
        cls, scratch: Path, *, run_id: str, journal: RunJournal, starts_paused: bool = False
    ) -> Self:
        """Write the record of a dry-run that starts; its engine may be paused from the start.

        Raises:
            TradAIError: The record cannot be written.
        """
        session = Session.start(
            paper_store(scratch),
            session=paper_name(run_id),
            run_id=run_id,
            journal=_NoJournal(),
        )
        return cls(session, journal, starts_paused=starts_paused)

    def supervise(
        self,
        engine: PausableEngine,
        last_loop_s: Callable[[], float | None],
        report: Callable[[], None],
        engine_state: Callable[[], str | None],
    ) -> None:
        """Beat beside `engine` from now on, call `report` at each beat, and go where it goes.

        Others can pause and resume the engine too, over its own API; `engine_state` returns its
        state in its own words.
        """
        self._engine, self._report, self._engine_state = engine, report, engine_state
        self._heartbeat = Heartbeat(self._session, last_loop_s)

    def beat(self) -> None:
        """Write heartbeat and status when they are due, and obey a request."""
        if self._heartbeat is None or self._heartbeat.due_in_s > 0:
            return
        try:
            request = self._heartbeat.beat()
            try:
                self._report()
                self._go_along()
            finally:
                # Also where neither status nor journal can be written.
                if request is not None and self._engine is not None:
                    self._obey(request, self._engine)
        except TradAIError as exc:
            _log.warning("the status of the dry-run was not written", extra={"error": str(exc)})

    def move(self, state: SessionState, reason: str) -> None:
        """Move the session; a bot that warms up trades at once. A final state stays."""
        if self._session.state.is_final:
            return
        self._move(state, reason)
        if state is SessionState.WARM_UP:
            self._move(SessionState.RUNNING, reason)
            if self._starts_paused:
                self._move(SessionState.PAUSED, "the run before it was paused")

    def verdict(self, verdict: Verdict) -> Verdict:
        """Return the verdict of the run: one in good order has the reason of the request."""
        if self.stop_reason is None or not verdict.is_success:
            return verdict
        return replace(verdict, sentence=f"stopped: {self.stop_reason}")

    def note_stall(self, reason: str, *, has_stopped: bool) -> None:
        """Leave it to the journal of the run, which has it."""

    def note_recovery(self, reason: str) -> None:
        """Leave it to the journal of the run, which has it."""

    def _move(self, state: SessionState, reason: str) -> None:
        # It is made also when its record cannot be written, and so the next one can follow.
        try:
            self._session.move(state, reason)
        except TradAIError as exc:
            _log.warning("the session record was not written", extra={"error": str(exc)})

    def _obey(self, request: SessionRequest, engine: PausableEngine) -> None:
        state, wanted = self._session.state, request.state
        reason = f"{request.by} asked for it: {request.reason}"
        if wanted is SessionState.STOPPED:
            self._stop(request, reason)
        elif wanted is state:
            self._note(request)
            self._session.obey(request, reason)
        elif state in _TRADING and _ask(engine, wanted):
            # First the journal, by which a run that continues this one knows of the pause: the
            # move is made also when its record cannot be written.
            self._note(request)
            self._session.move(wanted, reason, obeyed=request)

    def _note(self, request: SessionRequest) -> None:
        self._journal.append(_EVENTS[request.state], by=request.by, reason=request.reason)

    def _go_along(self) -> None:
        """Move with the engine, once it has moved: a request of ours reaches it a loop later."""
        seen, state = self._engine_state(), self._session.state
        if state not in _TRADING or seen == self._seen:
            return
        wanted = _STATES.get(seen or "", state)
        if wanted is not state:
            self._journal.append(_EVENTS[wanted], by=_ELSEWHERE, reason="no reason was given")
            self._session.move(wanted, f"asked for over {_ELSEWHERE}")
        self._seen = seen

    def _stop(self, request: SessionRequest, reason: str) -> None:
        if self.stop_reason is None:
            self.stop_reason = reason
            self._journal.append("bot stop requested", by=request.by, reason=request.reason)


@final
class _NoJournal:
    """A journal that keeps nothing: that of the run has the events that its readers want."""

    def append(self, event: str, /, **facts: JsonValue) -> None:
        """Forget the event."""

    def entries(self) -> Iterator[JournalEntry]:
        """Return no event."""
        return iter(())

    def close(self) -> None:
        """Do nothing."""


def _nothing() -> None:
    """Report nothing."""


def _ask(engine: PausableEngine, wanted: SessionState) -> bool:
    return engine.pause_entries() if wanted is SessionState.PAUSED else engine.resume_entries()
