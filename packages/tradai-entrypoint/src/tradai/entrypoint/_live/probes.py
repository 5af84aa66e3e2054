"""Probes for the system that runs the container: is it alive, is it ready, has it started.

A venue that does not answer makes a session not ready and leaves it alive: a restart would not mend
the venue, and would put the engine's orders at risk.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeAlias, final

from tradai.core.exceptions import ConfigurationError
from tradai.core.live import SessionState
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._process.loopback_http import LoopbackServer, Response

_CLIENT_S: Final = 5.0
# A turn of the supervisor's loop may wait for stores and for the engine, one after the other.
_TURN_S: Final = 60.0
# Beside its own pause, the engine's loop ends every few seconds.
_FRESH_S: Final = 30.0
# A stop has deadlines of its own, and must not be cut off.
_ENDING: Final = frozenset(
    {SessionState.DRAINING, *(state for state in SessionState if state.is_final)}
)

Look: TypeAlias = Callable[[], str | None]
"""Returns why the answer is no, None for yes; called in the thread of the server."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswers:
    """The questions of a platform, each answered with the reason for a no.

    Attributes:
        live: Whether the supervisor's loop turns; a no asks for a restart.
        ready: Whether the engine trades on fresh data.
        startup: Whether the engine has started.
    """

    live: Look
    ready: Look
    startup: Look


@final
class SessionProbes:
    """The answers of a live session, from the beginning of its start to its end."""

    def __init__(self, *, pause_s: float) -> None:
        """Begin before there is a session.

        Args:
            pause_s: Pause of the engine between two turns of its loop.
        """
        self._still_s = _FRESH_S + pause_s
        self._session: Session | None = None
        self._heartbeat: Heartbeat | None = None
        self._stalled: Look = lambda: None

    def begin(self, session: Session) -> None:
        """Answer for `session`, which starts."""
        self._session = session

    def watch(self, heartbeat: Heartbeat, stalled: Look) -> None:
        """Answer by the session's `heartbeat`, and by the reason why its engine is `stalled`."""
        self._heartbeat, self._stalled = heartbeat, stalled

    @property
    def answers(self) -> ProbeAnswers:
        """The answers."""
        return ProbeAnswers(live=self._live, ready=self._ready, startup=self._startup)

    @property
    def _state(self) -> SessionState:
        return self._session.state if self._session else SessionState.STARTING

    def _startup(self) -> str | None:
        return "the engine has not started" if self._state is SessionState.STARTING else None

    def _live(self) -> str | None:
        if self._heartbeat is None or self._state in _ENDING:
            return None
        seconds = self._heartbeat.unasked_for_s
        problem = f"the supervisor's loop has made no turn for {seconds:.0f} s"
        return problem if seconds > _TURN_S else None

    def _ready(self) -> str | None:
        if self._heartbeat is None or self._state is SessionState.STARTING:
            return self._startup()
        if self._state in _ENDING:
            return f"the session is {self._state}"
        if not self._heartbeat.has_progressed:
            return "the engine's loop has made no turn yet"
        seconds = self._heartbeat.still_for_s
        if seconds > self._still_s:
            return f"the engine's loop has made no turn for {seconds:.0f} s"
        return self._stalled()


@final
class Probes:
    """Answers GET /live, /ready and /startup on loopback inside a ``with`` block.

    200 is yes and 503 is no; the body is JSON and has the reason.
    """

    def __init__(self, answers: ProbeAnswers, *, port: int = 0) -> None:
        """Take the answers; nothing listens yet.

        Args:
            answers: The answers.
            port: Port to listen on; 0 is any that is free.
        """
        self._looks: Mapping[str, Look] = {
            "/live": answers.live,
            "/ready": answers.ready,
            "/startup": answers.startup,
        }
        self._wanted_port = port
        self._server = LoopbackServer(self._respond, deadline_s=_CLIENT_S, name="probes", port=port)

    @property
    def port(self) -> int:
        """The port."""
        return self._server.port

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            ConfigurationError: The port cannot be had.
        """
        try:
            self._server.__enter__()
        except OSError as exc:
            raise ConfigurationError(
                f"the probes cannot listen on port {self._wanted_port} of 127.0.0.1 "
                f"({exc.strerror}): choose another port in TRADAI_LIVE_PROBE_PORT, or 0 for any",
                key="TRADAI_LIVE_PROBE_PORT",
            ) from exc
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._server.__exit__(kind, error, trace)

    def _respond(self, target: str) -> Response:
        look = self._looks.get(target.partition("?")[0])
        if look is None:
            known = " ".join(self._looks)
            return HTTPStatus.NOT_FOUND, _body({"problem": f"expected one of {known}"})
        problem = look()
        if problem is None:
            return HTTPStatus.OK, _body({"ok": True})
        return HTTPStatus.SERVICE_UNAVAILABLE, _body({"ok": False, "problem": problem})


def _body(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts).encode()
