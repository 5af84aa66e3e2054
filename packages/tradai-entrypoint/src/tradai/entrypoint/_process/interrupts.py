"""Signals to stop, polled or waited for instead of raised in the middle of other work."""

import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Final, Self, TypeAlias, final

from tradai.core.exceptions import TradAIError

_WATCHED: Final = (signal.SIGTERM, signal.SIGINT)
_CHUNK_BYTES: Final = 4096

_Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None


@final
class RunInterruptedError(TradAIError):
    """Work was interrupted by a signal before it was done.

    Attributes:
        signal_number: The signal; the exit code is 128 more than its `stop_signal`, as in a shell.
    """

    code = "interrupted"

    def __init__(self, message: str, /, *, signal_number: int) -> None:
        """Take the message and the signal."""
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + stop_signal(signal_number)


@final
class Interrupts:
    """SIGTERM, SIGINT and perhaps SIGHUP, watched inside a ``with`` block.

    Blocks may be nested; the outermost one restores the handlers from before. Outside of any
    block no signal is recorded. The interpreter writes each signal into a pipe as soon as it
    arrives, in whatever thread, and all properties are read from that pipe; so a `select` on
    `fileno` wakes at once and no signal is lost between a look and the sleep after it. Only the
    main thread can watch; any thread can read.
    """

    def __init__(self, *, hangup: bool = False) -> None:
        """Open the pipe; nothing is watched before the ``with`` block.

        Args:
            hangup: Whether SIGHUP is watched too, unless it is ignored, as ``nohup`` has it. A
                service may have a use of its own for it.
        """
        self._wanted = (*_WATCHED, signal.SIGHUP) if hangup else _WATCHED
        self._former: dict[int, _Handler] = {}
        self._reader, self._writer = os.pipe()
        weakref.finalize(self, _close, self._reader, self._writer)
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._first: int | None = None
        self._count = 0
        self._collecting = threading.Lock()
        self._depth = 0
        self._raises = False

    def __enter__(self) -> Self:
        """Watch the signals.

        Raises:
            ValueError: This is not the main thread.
        """
        if self._depth == 0:
            self._watch()
        self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the handlers from before when this is the outermost block."""
        self._depth -= 1
        if self._depth == 0:
            self._unwatch()

    @property
    def received(self) -> int | None:
        """Number of the first signal that arrived; None before any did."""
        self._collect()
        return self._first

    @property
    def count(self) -> int:
        """Number of signals that arrived."""
        self._collect()
        return self._count

    def fileno(self) -> int:
        """Return a descriptor that is readable once a signal arrived since the last read."""
        return self._reader

    def wait(self, timeout_s: float | None) -> bool:
        """Sleep until a signal arrives, at most `timeout_s`; return whether one ever did."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while self.received is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            select.select([self._reader], [], [], left)
        return True

    def check(self) -> None:
        """Raise when a signal has arrived.

        Raises:
            RunInterruptedError: A signal has arrived.
        """
        if self.received is not None:
            raise _error(self.received)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise as soon as a signal arrives inside the block, for work that cannot poll.

        Raises:
            RunInterruptedError: A signal arrived in the block or before it.
        """
        before = self._raises
        self.check()
        self._raises = True
        try:
            yield
        finally:
            self._raises = before
        self.check()

    def _watch(self) -> None:
        self._former_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._former = {
            number: signal.signal(number, self._on_signal)
            for number in self._wanted
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
        }

    def _unwatch(self) -> None:
        for number, handler in self._former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._former_fd)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # Signals are recorded by the pipe; the interpreter writes to it only with a handler set.
        if self._raises:
            self._raises = False
            raise _error(number)

    def _collect(self) -> None:
        with self._collecting, suppress(BlockingIOError):
            while numbers := os.read(self._reader, _CHUNK_BYTES):
                ours = [number for number in numbers if number in self._former]
                self._count += len(ours)
                if self._first is None and ours:
                    self._first = ours[0]


def stop_signal(number: int | None) -> int:
    """Return the signal that stops other processes when `number` arrived: SIGINT or SIGTERM."""
    return signal.SIGINT if number == signal.SIGINT else signal.SIGTERM


def _error(number: int) -> RunInterruptedError:
    name = signal.Signals(number).name
    return RunInterruptedError(f"{name} arrived before the work was done", signal_number=number)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
