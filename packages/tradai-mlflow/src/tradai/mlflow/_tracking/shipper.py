"""Sends a spool in the background, and says at the end how much the server has."""

import logging
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Final, Protocol, final

from tradai.core import Delivery, carry_context
from tradai.core.exceptions import ExternalServiceError, TradAIError
from tradai.mlflow._tracking.sender import SpoolSender
from tradai.mlflow._tracking.spool import Spool

_log: Final = logging.getLogger(__name__)

_EVERY_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
# The end waits so long for a server that takes nothing.
_PATIENCE_S: Final = 1.9
_LOOK_S: Final = 0.05


class Timer(Protocol):
    """Time that passes while something is waited for; tests replace it."""

    def now_s(self) -> float:
        """Return seconds that only grow."""
        ...

    def wait(self, event: Event, timeout_s: float) -> bool:
        """Wait until `event` is set or the time is over; return whether it is set."""
        ...


@final
class SystemTimer:
    """The time of this machine."""

    def now_s(self) -> float:
        """Return seconds that only grow."""
        return monotonic()

    def wait(self, event: Event, timeout_s: float) -> bool:
        """Wait until `event` is set or the time is over."""
        return event.wait(timeout_s)


@final
class Shipper:
    """Sends one spool in a thread of its own, which closes the spool when it has ended."""

    def __init__(
        self, spool: Spool, make_sender: Callable[[], SpoolSender], *, timer: Timer | None = None
    ) -> None:
        """Send `spool`; the sender is made in the thread, since that imports the HTTP client."""
        self._spool = spool
        self._make_sender = make_sender
        self._timer = timer or SystemTimer()
        self._sender: SpoolSender | None = None
        self._problem: TradAIError | None = None
        self._wake = Event()
        self._has_ended = Event()
        self._is_over = Event()

    def start(self) -> None:
        """Begin to send."""
        work = carry_context(self._work)
        Thread(target=work, daemon=True, name="tradai-run-shipper").start()

    def wake(self) -> None:
        """Send now what is there."""
        self._wake.set()

    def state(self) -> Delivery:
        """Return what the server has by now."""
        sender, sent = self._sender, self._sent()
        return Delivery(
            # A fact may be sent before it is counted.
            waiting=max(0, self._spool.weight - sent),
            sent=sent,
            is_alive=not self._is_over.is_set(),
            problem=self._problem,
            place=sender.place if sender else None,
        )

    def finish(self, give_up: Callable[[], bool] | None = None) -> Delivery:
        """Send the rest, which has the end of the run; return what the server has.

        The wait goes on while the server takes something, and ends soon after the last time.
        """
        self._has_ended.set()
        self._wake.set()
        sent, deadline = self._sent(), self._timer.now_s() + _PATIENCE_S
        while self._timer.now_s() < deadline and not self._timer.wait(self._is_over, _LOOK_S):
            if give_up and give_up():
                break
            if self._sent() != sent:
                sent, deadline = self._sent(), self._timer.now_s() + _PATIENCE_S
        if self._sender:
            self._sender.is_stopped = True
        return self.state()

    def _sent(self) -> int:
        return self._sender.sent if self._sender else 0

    def _work(self) -> None:
        pause_s = _EVERY_S
        while not self._is_over.is_set():
            self._timer.wait(self._wake, pause_s)
            self._wake.clear()
            is_last = self._has_ended.is_set()
            pause_s = _EVERY_S if self._sends() else min(2 * pause_s, _LONGEST_PAUSE_S)
            if is_last:
                self._close()

    def _sends(self) -> bool:
        problem = problem_of(self._send)
        if problem:
            self._note(problem)
        self._problem = problem
        return problem is None

    def _send(self) -> None:
        self._sender = self._sender or self._make_sender()
        self._sender.send()

    def _note(self, problem: TradAIError) -> None:
        if self._problem is None:
            _log.warning(
                "the tracking server takes nothing; it is tried again",
                extra={"reason": str(problem)},
            )

    def _close(self) -> None:
        if self._sender and self._sender.is_done:
            mark_delivered(self._spool, self._sender)
        self._spool.close()
        self._is_over.set()


def problem_of(send: Callable[[], None]) -> TradAIError | None:
    """Call `send`, and return the reason why it failed; None when it did not."""
    try:
        send()
    except TradAIError as exc:
        return exc
    # The thread of a shipper has to live until it closes its spool, since a thread that crashed
    # looks alive; and other runs are to be delivered after this one.
    except Exception as exc:  # noqa: BLE001 - whatever an answer of the server brings about
        _log.debug("sending crashed", exc_info=True)
        message = f"sending failed with {type(exc).__name__}; see the log at level DEBUG"
        return ExternalServiceError(message, service="mlflow", operation="send")
    return None


def mark_delivered(spool: Spool, sender: SpoolSender) -> None:
    """Note in the spool that the server has everything."""
    try:
        spool.append("delivered", {"place": sender.place})
    except TradAIError as exc:
        # It is sent again, and the server has it already.
        _log.warning("the delivery of a run could not be noted", extra={"reason": str(exc)})
