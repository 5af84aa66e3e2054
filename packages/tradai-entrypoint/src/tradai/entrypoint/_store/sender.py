"""Sends a run to its store in the background, and the rest of it when it has ended."""

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, final

from tradai.core import carry_context
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._store.upload import RunUpload

_log: Final = logging.getLogger(__name__)

_EVERY_S: Final = 3.0
_LONGEST_PAUSE_S: Final = 60.0
# Signals are looked for this often while the rest is sent.
_LOOK_S: Final = 0.05
# Time that a first signal leaves to the call that is under way.
_GRACE_S: Final = 2.0


@final
class RunSender:
    """Sends one run while it goes on, in a thread of its own, and the rest at its end.

    No call of the store is made in the thread of the run, so that a store that is slow or gone
    changes nothing about the run.
    """

    def __init__(
        self, upload: RunUpload, *, interrupts: Interrupts, every_s: float = _EVERY_S
    ) -> None:
        """Send with `upload`, every `every_s` seconds; nothing is sent yet.

        Args:
            upload: Upload of the run.
            interrupts: Signals that end the wait for the rest.
            every_s: Seconds between two looks for something new.
        """
        self._upload = upload
        self._interrupts = interrupts
        self._every_s = every_s
        self._manifest = b""
        self._has_ended = Event()
        self._is_done = Event()
        self._problem: str | None = None

    def start(self) -> None:
        """Begin to send."""
        work = carry_context(self._work)
        Thread(target=work, daemon=True, name="tradai-run-sender").start()

    def finish(self, manifest: bytes) -> str | None:
        """Send the rest of the run, which has ended; return a sentence when something is missing.

        A signal that arrives meanwhile ends it after the call under way, a second one at once.
        """
        before = self._interrupts.count
        self._manifest = manifest
        self._has_ended.set()
        self._await_end(before)
        if self._is_done.is_set() and self._problem is None:
            return None
        self._upload.give_up()
        return (
            f"the run is not complete in {self._upload.uri}, which lacks {self._upload.lacks}: "
            f"{self._problem or self._reason()}"
        )

    def _work(self) -> None:
        pause_s = self._every_s
        while not self._has_ended.wait(pause_s):
            pause_s = self._every_s if self._sends_progress() else _longer(pause_s)
        try:
            self._upload.send_rest(self._manifest)
        except TradAIError as exc:
            self._problem = str(exc)
        self._is_done.set()

    def _sends_progress(self) -> bool:
        try:
            self._upload.send_progress()
        except TradAIError as exc:
            _log.warning("run store refused", extra={"reason": str(exc)})
            return False
        return True

    def _reason(self) -> str:
        return "a signal arrived" if self._interrupts.received else "the store is too slow"

    def _await_end(self, before: int) -> None:
        """Wait until all is sent, the time is over, or a signal came besides those `before`."""
        interrupts = self._interrupts
        limit_s = self._upload.timeout_s if before else self._upload.limit_s
        self._await_until(time.monotonic() + limit_s, lambda: interrupts.count > before)
        if interrupts.count > before:
            self._upload.give_up()
            grace = time.monotonic() + _GRACE_S
            self._await_until(grace, lambda: interrupts.count > before + 1)

    def _await_until(self, deadline: float, is_over: Callable[[], bool]) -> None:
        while time.monotonic() < deadline and not is_over() and not self._is_done.wait(_LOOK_S):
            pass


def _longer(pause_s: float) -> float:
    return min(2 * pause_s, _LONGEST_PAUSE_S)
