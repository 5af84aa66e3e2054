"""Signals to stop, polled or waited for instead of raised in the middle of other work."""

import os
import select
import signal
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Final, Self, TypeAlias, final

from tradai.core import SystemClock
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._process.forks import add_watch, remove_watch

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
    block no signal is recorded. The handler records each signal, whoever has the interpreter's
    wake-up descriptor, which asyncio takes for handlers of its own. The handler, and while that
    descriptor is ours the interpreter too, writes the signal into a pipe: a `select` on `fileno`
    wakes at once, and a first signal is seen even while the main thread is busy outside of Python.
    A forked child is a plain child, with the handlers from before. Only the main thread can watch;
    any thread can read.
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
        self._handled: list[int] = []
        self._first: int | None = None
        self._first_s: float | None = None
        self._clock = SystemClock()
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
    def received_s(self) -> float | None:
        """Time of the first signal, by `tradai.core.SystemClock`; None before any did.

        The handler takes it, so that a signal counts from its arrival, however late it is noticed.
        """
        self._collect()
        return self._first_s

    @property
    def count(self) -> int:
        """Number of signals that arrived.

        Only those that reached the handler: a signal that another handler takes in the meantime,
        and raises again when it is done (uvicorn does), counts as one.
        """
        self._collect()
        return len(self._handled) or int(self._first is not None)

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

    def ignore(self) -> None:
        """Ignore the signals from now on, after the block too: the exit code is decided.

        The interpreter gives back the default action of a signal when it ends, except of one that
        is ignored; with it, a late signal would take the place of the exit code.
        """
        self._former = dict.fromkeys(self._former, signal.SIG_IGN)
        self._restore(self._former)

    def _watch(self) -> None:
        self._former_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._former = {
            number: signal.signal(number, self._on_signal)
            for number in self._wanted
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
        }
        add_watch(self._forget_parent, tuple(self._former))

    def _unwatch(self) -> None:
        remove_watch(self._forget_parent)
        self._restore(self._former)
        self._return_wakeup_fd(self._former_fd)

    def _restore(self, former: Mapping[int, _Handler]) -> None:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _return_wakeup_fd(self, former_fd: int) -> None:
        """Give the descriptor back, unless another has taken it: asyncio does."""
        present_fd = signal.set_wakeup_fd(former_fd)
        if present_fd != self._writer:
            signal.set_wakeup_fd(present_fd)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._handled.append(number)
        self._note_time()
        # A full pipe wakes its reader already.
        with suppress(BlockingIOError):
            os.write(self._writer, bytes([number]))
        if self._raises:
            self._raises = False
            raise _error(number)

    def _collect(self) -> None:
        numbers = b""
        with suppress(BlockingIOError):
            while chunk := os.read(self._reader, _CHUNK_BYTES):
                numbers += chunk
        ours = [number for number in numbers if number in self._former] or self._handled
        if self._first is None and ours:
            self._first = ours[0]
            self._note_time()

    def _note_time(self) -> None:
        if self._first_s is None:
            self._first_s = self._clock()

    def _forget_parent(self) -> None:
        """Watch no more, and have a pipe that is not the parent's, in a forked child."""
        # A handler that has come on top of ours is not ours to remove.
        ours = [each for each in self._former if signal.getsignal(each) == self._on_signal]
        self._restore({number: self._former[number] for number in ours})
        self._return_wakeup_fd(-1)
        self._former, self._handled, self._first, self._raises = {}, [], None, False
        self._first_s = None
        for descriptor, new in zip((self._reader, self._writer), os.pipe(), strict=True):
            os.dup2(new, descriptor, inheritable=False)
            os.set_blocking(descriptor, False)
            os.close(new)


def stop_signal(number: int | None) -> int:
    """Return the signal that stops other processes when `number` arrived: SIGINT or SIGTERM."""
    return signal.SIGINT if number == signal.SIGINT else signal.SIGTERM


def _error(number: int) -> RunInterruptedError:
    name = signal.Signals(number).name
    return RunInterruptedError(f"{name} arrived before the work was done", signal_number=number)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
