"""The engine as a child process: fed, listened to, stopped, and never left behind."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast, final

from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.exec_child import launcher
from tradai.entrypoint.freqtrade._engine.orphans import Strays
from tradai.entrypoint.freqtrade._engine.output import EngineOutput
from tradai.entrypoint.freqtrade._engine.pipes import EnginePipes

__all__ = ["EngineExit", "EngineProcess", "Woken"]

# Descendants of an engine that ended by itself have this long to tidy up.
_LINGER_S: Final = 0.5
_STRAYS_EVERY_S: Final = 1.0
# Where the kernel cannot tell us that a child ended, we look this often.
_LOOK_EVERY_S: Final = 0.05


@final
class Woken(Enum):
    """Why `EngineProcess.follow` returned."""

    EXITED = "the engine ended"
    INTERRUPTED = "a signal arrived"
    REACHED = "the condition holds"
    TIMEOUT = "the time is over"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineExit:
    """How the engine ended.

    Attributes:
        return_code: Its exit code; None when a signal ended it.
        signal: The signal that ended it; None when it exited.
        interrupted_by: The first signal that we were sent and acted on.
        timed_out: Whether it was stopped because its time was over.
        asked_to_stop: Whether it was stopped by us, for whatever reason.
        seconds: How long it lived.
    """

    return_code: int | None
    signal: int | None
    interrupted_by: int | None
    timed_out: bool
    asked_to_stop: bool
    seconds: float


@final
class EngineProcess:
    """One engine, alive inside a ``with`` block.

    It leads a session and process group of its own, so a terminal's Ctrl-C reaches only us and we
    decide what the engine is told. Everything happens in the calling thread, and only while
    `follow`, `wait` or `stop` runs: the engine's standard input is written, its output read. On
    Linux the engine dies with the thread that entered the block.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes,
        environ: Mapping[str, str],
        folder: Path,
        log_file: Path,
        on_line: Callable[[str], None],
    ) -> None:
        """Say what to run; nothing is started yet.

        Args:
            argv: The command.
            stdin: What the engine reads; handed over whole, then closed.
            environ: Its whole environment.
            folder: The folder it runs in.
            log_file: Receives its output, both streams, redacted.
            on_line: Called with each line of it, redacted, without the newline.
        """
        self._command = list(argv)
        self._stdin = stdin
        self._environ = dict(environ)
        self._folder = folder
        self._log_file = log_file
        self._on_line = on_line
        self._has_exited = False
        self._is_over = False
        self._obeyed = 0
        self._interrupted_by: int | None = None
        self._timed_out = False
        self._asked_to_stop = False

    def __enter__(self) -> Self:
        """Start the engine.

        Raises:
            StorageError: The log file cannot be opened.
        """
        self._strays = Strays()
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(EngineOutput(self._log_file, self._on_line))
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._started = time.monotonic()
            self._child = stack.enter_context(self._start())
            stack.callback(self._kill)
            self._strays.spare(self._child.pid)
            self._pidfd = self._watch_exit(stack)
            self._pipes = EnginePipes(
                self._child, payload=self._stdin, output=output, selector=self._selector
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what is left of the engine and its group, and close everything."""
        self._stack.close()

    @property
    def pid(self) -> int:
        """Process id of the engine, and id of its process group."""
        return self._child.pid

    def follow(
        self,
        interrupts: Interrupts,
        *,
        until: Callable[[], bool] | None = None,
        timeout_s: float | None = None,
    ) -> Woken:
        """Feed and listen to the engine until something is to be decided.

        Args:
            interrupts: Signals sent to us; each is reported once, by one call.
            until: Looked at after each piece of output.
            timeout_s: How long to follow at most.

        Raises:
            StorageError: The log file cannot be written.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._selector.register(interrupts, selectors.EVENT_READ)
        try:
            while (woken := self._reason(interrupts, until, deadline)) is None:
                self._turn(deadline)
        finally:
            self._selector.unregister(interrupts)
        return woken

    def wait(
        self, interrupts: Interrupts, *, deadline_s: float | None = None, grace_s: float = 1.0
    ) -> EngineExit:
        """Follow the engine to its end, and stop it when a signal or the deadline says so.

        The engine's group is sent the signal that we were sent, and killed when `grace_s` later it
        still lives. A second signal kills it at once.

        Args:
            interrupts: Signals sent to us.
            deadline_s: How long it may live from now on; None is for ever.
            grace_s: How long it may take to stop when told to.

        Raises:
            StorageError: The log file cannot be written.
        """
        woken = self.follow(interrupts, timeout_s=deadline_s)
        if woken is Woken.EXITED:
            return self._finish(linger_s=_LINGER_S)
        self._timed_out = woken is Woken.TIMEOUT
        return self.stop(
            interrupts, with_signal=self._interrupted_by or signal.SIGTERM, grace_s=grace_s
        )

    def stop(
        self,
        interrupts: Interrupts,
        *,
        with_signal: int = signal.SIGTERM,
        grace_s: float = 1.0,
    ) -> EngineExit:
        """Send the engine's group `with_signal`; kill it after `grace_s`, or at a second signal.

        Raises:
            StorageError: The log file cannot be written.
        """
        self._asked_to_stop = True
        self._signal_group(with_signal)
        if interrupts.count <= 1:
            self.follow(interrupts, timeout_s=grace_s)
        return self._finish(linger_s=_LINGER_S if self._has_exited else 0.0)

    def _start(self) -> "subprocess.Popen[bytes]":
        # The command is an argument list made by our own code; no shell sees it.
        return subprocess.Popen(  # noqa: S603
            launcher(self._command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            cwd=self._folder,
            env=self._environ,
            start_new_session=True,
        )

    def _watch_exit(self, stack: contextlib.ExitStack) -> int | None:
        """Have the selector wake when the engine ends; return None where that is not possible."""
        if sys.platform != "linux":
            return None
        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError:
            return None
        stack.callback(os.close, pidfd)
        self._selector.register(pidfd, selectors.EVENT_READ, self._note_exit)
        return pidfd

    def _reason(
        self, interrupts: Interrupts, until: Callable[[], bool] | None, deadline: float | None
    ) -> Woken | None:
        if until is not None and until():
            return Woken.REACHED
        if self._has_exited:
            return Woken.EXITED
        if interrupts.count > self._obeyed:
            self._obeyed = interrupts.count
            self._interrupted_by = interrupts.received
            return Woken.INTERRUPTED
        if deadline is not None and time.monotonic() >= deadline:
            return Woken.TIMEOUT
        return None

    def _turn(self, deadline: float | None) -> None:
        """Sleep until something happens, and see to it."""
        for key, _ in self._selector.select(self._nap_s(deadline)):
            if key.data is not None:
                key.data()
        self._strays.reap()
        if self._pidfd is None and self._child.poll() is not None:
            self._has_exited = True

    def _nap_s(self, deadline: float | None) -> float | None:
        limits = [] if deadline is None else [max(0.0, deadline - time.monotonic())]
        if self._strays.are_ours:
            limits.append(_STRAYS_EVERY_S)
        if self._pidfd is None:
            limits.append(_LOOK_EVERY_S)
        return min(limits, default=None)

    def _note_exit(self) -> None:
        self._has_exited = True
        # Registered by `_watch_exit`, so it is there.
        self._selector.unregister(cast("int", self._pidfd))

    def _finish(self, *, linger_s: float) -> EngineExit:
        """Leave nothing of the engine behind, and say how it ended."""
        deadline = time.monotonic() + linger_s
        while self._pipes.is_listening and time.monotonic() < deadline:
            self._turn(deadline)
        self._kill()
        code = self._child.wait()
        seconds = time.monotonic() - self._started
        self._strays.reap_group(self.pid)
        self._pipes.finish()
        return EngineExit(
            return_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            interrupted_by=self._interrupted_by,
            timed_out=self._timed_out,
            asked_to_stop=self._asked_to_stop,
            seconds=seconds,
        )

    def _kill(self) -> None:
        """Kill the whole group, once: later its number may belong to somebody else."""
        if not self._is_over:
            self._is_over = True
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        # A group whose last members are ending is gone on Linux and forbidden on macOS.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
