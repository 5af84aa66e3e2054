"""Request to stop a service, by signal or call, and the deadline that starts with it."""

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

from tradai.core import ForkLock
from tradai.entrypoint._process.interrupts import Interrupts

_FORCING: Final = 2  # signals: the first asks to stop, the second forces it
_BOUND_S: Final = 1.0
_CHUNK_BYTES: Final = 4096


@final
class StopRequest:
    """Detects requests to stop a service, whatever the service itself is doing.

    A ``with`` block watches in a thread of its own, so that neither work that never checks nor a
    call that blocks can keep the process alive past its deadline.

    Attributes:
        requested: Done once the service was asked to stop.
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
            on_request: Called once with the reason, before `requested` is done.
            on_overdue: Called once with the reason, in the watching thread, when the block did
                not end in time or a second signal arrived.
        """
        self.requested: Future[None] = Future()
        self._interrupts = interrupts
        self._drain_s = drain_s
        self._on_request = on_request
        self._on_overdue = on_overdue
        self._lock = ForkLock()
        self._deadline: float | None = None
        self._has_ended = False
        self._reader, self._writer = os.pipe()
        weakref.finalize(self, _close, self._reader, self._writer)
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def __enter__(self) -> Self:
        """Start to watch."""
        self._thread = threading.Thread(target=self._watch, name="tradai-stop", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop watching; the deadline no longer applies."""
        self._has_ended = True
        self._wake()
        self._thread.join()

    def request(self, reason: str) -> None:
        """Ask to stop; the deadline starts with the first request, later ones change nothing."""
        if self._is_first():
            self._wake()
            self._announce(reason)

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until the service is asked to stop, at most `timeout_s`; return whether it was."""
        with suppress(TimeoutError):
            self.requested.result(timeout_s)
        return self.requested.done()

    def _is_first(self) -> bool:
        with self._lock:
            if self._deadline is not None:
                return False
            self._deadline = time.monotonic() + self._drain_s
            return True

    def _announce(self, reason: str) -> None:
        self._on_request(reason)
        self.requested.set_result(None)

    def _watch(self) -> None:
        while not self._has_ended:
            overdue = self._overdue()
            if overdue:
                self._on_overdue(overdue)
                return
            # Just before the sleep: reading the signals consumes the bytes that would end it.
            self._look_for_signals()
            watched = (self._interrupts.fileno(), self._reader)
            select.select(watched, (), (), self._sleep_s())
            with suppress(BlockingIOError):
                os.read(self._reader, _CHUNK_BYTES)

    def _look_for_signals(self) -> None:
        number = self._interrupts.received
        if number is not None and self._is_first():
            # The callback logs, and a log handler that blocks must not stop the deadline.
            run_bounded(lambda: self._announce(f"{Signals(number).name} asked to stop"))

    def _overdue(self) -> str:
        if self._left_s() == 0:
            return f"not done {self._drain_s:g} s after it was asked to stop"
        return "a second signal arrived" if self._interrupts.count >= _FORCING else ""

    def _sleep_s(self) -> float:
        """Return the time to sleep; bounded, as another thread may read the signal that ends it."""
        left_s = self._left_s()
        return _BOUND_S if left_s is None else min(left_s, _BOUND_S)

    def _left_s(self) -> float | None:
        deadline = self._deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def _wake(self) -> None:
        # A full pipe wakes the thread already.
        with suppress(BlockingIOError):
            os.write(self._writer, b"!")


def run_bounded(work: Callable[[], None]) -> None:
    """Do `work` in a thread of its own and wait for it, at most a second."""
    thread = threading.Thread(target=work, name="tradai-bounded", daemon=True)
    thread.start()
    thread.join(_BOUND_S)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
