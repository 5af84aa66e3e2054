"""The right to trade while an engine does: the lease is renewed, and the session's heart beats."""

import logging
import time
from collections.abc import Callable
from typing import Final, final

from tradai.core import Lease
from tradai.core.exceptions import ExternalServiceError, TradingError
from tradai.core.live import SessionState
from tradai.entrypoint._live.session import Session

_log: Final = logging.getLogger(__name__)
# A lease is renewed at this share of its time to live.
_RENEWED_AT: Final = 3
_BEAT_EVERY_S: Final = 15.0


@final
class LiveSession:
    """The lease of an account and the record of its session; not for use from several threads.

    Attributes:
        stop_reason: Why the session is to be stopped in good order; None while it may go on.
    """

    def __init__(
        self, lease: Lease, session: Session, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take a lease that is held, and a session that starts."""
        self.stop_reason: str | None = None
        self._lease = lease
        self._session = session
        self._clock = clock
        self._renewed_s = self._beat_s = clock()

    def beat(self, progress: Callable[[], int] | None = None) -> None:
        """Renew the lease and write a heartbeat, each when it is due.

        Args:
            progress: Asks for the number of turns of the engine's loop, which a heartbeat shows;
                None while the engine has none.

        Raises:
            LeaseLostError: Another process may hold the lease by now: the engine must be ended.
        """
        now_s = self._clock()
        if now_s - self._renewed_s >= self._lease.ttl_s / _RENEWED_AT:
            self._renewed_s = now_s
            self._renew()
        self._lease.check()
        if progress is not None and now_s - self._beat_s >= _BEAT_EVERY_S:
            self._beat_s = now_s
            self._write(progress())

    def move(self, state: SessionState, reason: str) -> None:
        """Move the session; without its store it is moved nevertheless."""
        try:
            self._session.move(state, reason)
        except (ExternalServiceError, TradingError) as exc:
            _log.warning("the session record was not written", extra={"error": str(exc)})

    def end(self, reason: str, *, is_success: bool) -> None:
        """Move the session to its last state, which is failed unless it was stopped in order."""
        is_stopped = is_success and self._session.state is SessionState.DRAINING
        self.move(SessionState.STOPPED if is_stopped else SessionState.FAILED, reason)

    def _renew(self) -> None:
        try:
            self._lease.renew()
        except ExternalServiceError as exc:
            # It holds for a while yet, and the next beat tries again.
            _log.warning("the lease was not renewed", extra={"error": str(exc)})

    def _write(self, progress: int) -> None:
        try:
            request = self._session.beat(progress)
        except ExternalServiceError as exc:
            _log.warning("the heartbeat was not written", extra={"error": str(exc)})
        except TradingError as exc:
            self.stop_reason = str(exc)
        else:
            if request is not None and request.state is SessionState.STOPPED:
                self.stop_reason = f"{request.by} asked for it: {request.reason}"
