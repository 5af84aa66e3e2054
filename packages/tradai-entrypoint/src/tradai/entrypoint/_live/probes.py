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
from tradai.entrypoint._process.loopback_http import LoopbackServer, Response

_CLIENT_S: Final = 5.0

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
                f"({exc.strerror}): choose another port",
                key="probe port",
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
