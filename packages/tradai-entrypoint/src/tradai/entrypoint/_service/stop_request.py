"""The request to stop a service: a signal or a call, and the deadline that begins with it."""

import os
import select
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from signal import Signals
from types import TracebackType
from typing import Final, Self, final

from tradai.entrypoint._process.interrupts import Interrupts

__all__ = ["StopRequest", "run_bounded"]

_FORCING: Final = 2  # signals: the first asks, the second forces
_BOUND_S: Final = 1.0
_CHUNK_BYTES: Final = 4096


@final
class StopRequest:
    """Notices that a service shall stop, whatever the service itself is busy with.

    A ``with`` block watches in a thread of its own, so that neither work that never looks nor a
    call that blocks can keep the process alive past its deadline.

    Attributes:
        made: Done once the service was asked to stop.
    """

    def __init__(
        self,
        interrupts: Interrupts,
        *,
        drain_s: float,
        on_request: Callable[[str], None],
        on_overdue: Callable[[str], None],
    ) -> None:
        """Watch nothing yet.

        Args:
            interrupts: The signals that ask to stop.
            drain_s: Seconds from the request to `on_overdue`.
            on_request: Told why, once, before `made` is done.
            on_overdue: Told why, once, by the watching thread: the block did not end in time, or
                a second signal came.
        """
        self.made: Future[None] = Future()
        self._interrupts = interrupts
        self._drain_s = drain_s
        self._on_request = on_request
        self._on_overdue = on_overdue
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._has_ended = False
        self._reader, self._bell = os.pipe()
        weakref.finalize(self, _close, self._reader, self._bell)
        os.set_blocking(self._reader, False)
        os.set_blocking(self._bell, False)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._watch, name="tradai-stop", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the watch; a later deadline means nothing any more."""
        self._has_ended = True
        self._ring()
        self._thread.join()

    def make(self, reason: str) -> None:
        """Ask to stop; the deadline begins with the first request, later ones change nothing."""
        if self._is_first():
            self._ring()
            self._tell(reason)

    def wait(self, timeout_s: float | None) -> bool:
        """Sleep until the request is made, at most `timeout_s`; return whether it ever was."""
        with suppress(TimeoutError):
            self.made.result(timeout_s)
        return self.made.done()

    def _is_first(self) -> bool:
        with self._lock:
            if self._deadline is not None:
                return False
            self._deadline = time.monotonic() + self._drain_s
            return True

    def _tell(self, reason: str) -> None:
        self._on_request(reason)
        self.made.set_result(None)

    def _watch(self) -> None:
        while not self._has_ended:
            overdue = self._overdue()
            if overdue:
                self._on_overdue(overdue)
                return
            # Last: whoever looks takes what would end the sleep.
            self._look_for_signals()
            watched = (self._interrupts.fileno(), self._reader)
            select.select(watched, (), (), self._sleep_s())
            with suppress(BlockingIOError):
                os.read(self._reader, _CHUNK_BYTES)

    def _look_for_signals(self) -> None:
        number = self._interrupts.received
        if number is not None and self._is_first():
            # Whoever is told will log, and a log that is stuck must not stop the clock.
            run_bounded(lambda: self._tell(f"{Signals(number).name} asked to stop"))

    def _overdue(self) -> str:
        if self._left_s() == 0:
            return f"not done {self._drain_s:g} s after it was asked to stop"
        return "a second signal came" if self._interrupts.count >= _FORCING else ""

    def _sleep_s(self) -> float:
        """Return for how long to sleep; another thread may look, and take what would end it."""
        left_s = self._left_s()
        return _BOUND_S if left_s is None else min(left_s, _BOUND_S)

    def _left_s(self) -> float | None:
        deadline = self._deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def _ring(self) -> None:
        # A pipe that is full rings already.
        with suppress(BlockingIOError):
            os.write(self._bell, b"!")


def run_bounded(work: Callable[[], None]) -> None:
    """Do `work` in a thread of its own and wait for it, but no longer than a second."""
    thread = threading.Thread(target=work, name="tradai-bounded", daemon=True)
    thread.start()
    thread.join(_BOUND_S)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
