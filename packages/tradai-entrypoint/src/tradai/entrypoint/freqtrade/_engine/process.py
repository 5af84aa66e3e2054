"""The engine as a child process: start, feed, follow, stop, and never leave it behind."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast, final

from tradai.entrypoint._process.exec_child import child_command
from tradai.entrypoint._process.interrupts import Interrupts, stop_signal
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.free_space import FreeSpace
from tradai.entrypoint.freqtrade._engine.orphans import OrphanReaper
from tradai.entrypoint.freqtrade._engine.output import EngineOutput
from tradai.entrypoint.freqtrade._engine.pipes import LAST_CHUNKS, EnginePipes
from tradai.entrypoint.freqtrade._engine.records import EngineRecord, RecordPipe

# Time that descendants of an engine that ended by itself have to end too.
_LINGER_S: Final = 0.5
_REAP_EVERY_S: Final = 1.0
# Where the kernel cannot report that a child ended, it is polled.
_POLL_EVERY_S: Final = 0.05


@final
class EngineProcess:
    """One engine, alive inside a ``with`` block.

    It leads a session and process group of its own, so that a terminal's Ctrl-C reaches only this
    process, which decides what to send the engine. Its standard input is written and its output
    read in the calling thread, and only while `follow`, `wait` or `stop` runs. On Linux the engine
    dies with the thread that entered the block.
    """

    # Each is one part of a process: a group of some of them would be another name to learn.
    def __init__(  # noqa: PLR0913
        self,
        argv: Sequence[str],
        *,
        stdin: bytes,
        environ: Mapping[str, str],
        folder: Path,
        log_file: Path,
        on_line: Callable[[str], None],
        records: RecordPipe | None = None,
        on_record: Callable[[EngineRecord], None] = lambda _: None,
    ) -> None:
        """Note what to run; nothing is started yet.

        Args:
            argv: The command.
            stdin: Its whole standard input.
            environ: Its whole environment.
            folder: The folder it runs in.
            log_file: Receives its output, both streams, redacted.
            on_line: Called with each line of it, redacted, without the newline.
            records: The open pipe it logs to.
            on_record: Called with each record in that pipe.
        """
        self._command = list(argv)
        self._stdin = stdin
        self._environ = dict(environ)
        self._folder = folder
        self._log_file = log_file
        self._on_line = on_line
        self._records = records
        self._on_record = on_record
        self._space = FreeSpace(log_file.parent)
        self._is_storage_handled = False
        self._has_exited = False
        self._is_killed = False
        self._handled = 0
        self._interrupted_by: int | None = None
        self._timed_out = False
        self._asked_to_stop = False

    def __enter__(self) -> Self:
        """Start the engine.

        Raises:
            StorageError: The log file cannot be opened.
        """
        self._orphans = OrphanReaper()
        with contextlib.ExitStack() as stack:
            self._output = stack.enter_context(EngineOutput(self._log_file, self._on_line))
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._started = time.monotonic()
            self._child = stack.enter_context(self._start())
            stack.callback(self._kill)
            self._orphans.exclude(self._child.pid)
            self._pidfd = self._watch_exit(stack)
            self._pipes = EnginePipes(
                self._child, payload=self._stdin, output=self._output, selector=self._selector
            )
            if self._records is not None:
                self._selector.register(self._records, selectors.EVENT_READ, self._read_records)
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

    def storing(self) -> AbstractContextManager[None]:
        """Return a block in which a disk that refuses becomes a reason to stop the engine."""
        return self._output.storing()

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
    ) -> WakeReason:
        """Feed the engine and read its output until something is to be decided.

        Args:
            interrupts: Signals to this process; each is reported once, by one call.
            until: Condition to wait for; checked after each piece of output.
            timeout_s: Longest time to follow it.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._selector.register(interrupts, selectors.EVENT_READ)
        try:
            while (reason := self._wake_reason(interrupts, until, deadline)) is None:
                self._handle_events(deadline)
        finally:
            self._selector.unregister(interrupts)
        return reason

    def wait(
        self, interrupts: Interrupts, *, deadline_s: float | None = None, grace_s: float = 1.0
    ) -> EngineExit:
        """Follow the engine to its end, and stop it when a signal or the deadline says so.

        The signal is passed on to the engine's group, which is killed when it still lives `grace_s`
        later. A second signal kills it at once.

        Args:
            interrupts: Signals to this process.
            deadline_s: Time that it may live from now on; None is without limit.
            grace_s: Time that it has to stop after the signal.
        """
        reason = self.follow(interrupts, timeout_s=deadline_s)
        if reason is WakeReason.EXITED:
            return self._finish(linger_s=_LINGER_S)
        self._timed_out = reason is WakeReason.TIMEOUT
        return self.stop(interrupts, with_signal=stop_signal(self._interrupted_by), grace_s=grace_s)

    def stop(
        self,
        interrupts: Interrupts,
        *,
        with_signal: int = signal.SIGTERM,
        grace_s: float = 1.0,
    ) -> EngineExit:
        """Send the engine's group `with_signal`; kill it after `grace_s`, or at a second signal."""
        self._asked_to_stop = True
        self._signal_group(with_signal)
        if interrupts.count <= 1:
            self.follow(interrupts, timeout_s=grace_s)
        return self._finish(linger_s=_LINGER_S if self._has_exited else 0.0)

    def _start(self) -> "subprocess.Popen[bytes]":
        # The command is an argument list made by our own code; it does not pass through a shell.
        return subprocess.Popen(  # noqa: S603
            child_command(self._command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            cwd=self._folder,
            env=self._environ,
            start_new_session=True,
        )

    def _watch_exit(self, stack: contextlib.ExitStack) -> int | None:
        """Have the selector report the engine's end; return None where that is not possible."""
        if sys.platform != "linux":
            return None
        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError:
            return None
        stack.callback(os.close, pidfd)
        self._selector.register(pidfd, selectors.EVENT_READ, self._note_exit)
        return pidfd

    def _wake_reason(
        self, interrupts: Interrupts, until: Callable[[], bool] | None, deadline: float | None
    ) -> WakeReason | None:
        if until is not None and until():
            return WakeReason.REACHED
        if self._has_exited:
            return WakeReason.EXITED
        if interrupts.count > self._handled:
            self._handled = interrupts.count
            self._interrupted_by = interrupts.received
            return WakeReason.INTERRUPTED
        if self._is_short_of_storage():
            return WakeReason.STORAGE
        if deadline is not None and time.monotonic() >= deadline:
            return WakeReason.TIMEOUT
        return None

    def _is_short_of_storage(self) -> bool:
        """Return whether the disk is a reason to stop the engine, once, unless it is stopping."""
        with self._output.storing():
            self._space.check()
        is_stopping = self._asked_to_stop or self._handled > 0 or self._is_storage_handled
        self._is_storage_handled = self._output.error is not None
        return self._is_storage_handled and not is_stopping

    def _handle_events(self, deadline: float | None) -> None:
        """Wait for the next events and handle them."""
        for key, _ in self._selector.select(self._timeout_s(deadline)):
            if key.data is not None:
                key.data()
        self._orphans.reap()
        if self._pidfd is None and self._child.poll() is not None:
            self._has_exited = True

    def _timeout_s(self, deadline: float | None) -> float:
        limits = [self._space.due_in_s]
        if deadline is not None:
            limits.append(max(0.0, deadline - time.monotonic()))
        if self._orphans.is_active:
            limits.append(_REAP_EVERY_S)
        if self._pidfd is None:
            limits.append(_POLL_EVERY_S)
        return min(limits)

    def _note_exit(self) -> None:
        self._has_exited = True
        # Registered by `_watch_exit`, so it is there.
        self._selector.unregister(cast("int", self._pidfd))

    def _finish(self, *, linger_s: float) -> EngineExit:
        """Kill what is left of the engine, and return how it ended."""
        deadline = time.monotonic() + linger_s
        while self._pipes.is_listening and time.monotonic() < deadline:
            self._handle_events(deadline)
        self._kill()
        code = self._child.wait()
        seconds = time.monotonic() - self._started
        self._orphans.reap_group(self.pid)
        self._pipes.finish()
        for _ in range(LAST_CHUNKS):
            if not self._read_records():
                break
        return EngineExit(
            return_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            interrupted_by=self._interrupted_by,
            timed_out=self._timed_out,
            asked_to_stop=self._asked_to_stop,
            seconds=seconds,
            storage_error=self._output.error,
        )

    def _read_records(self) -> bool:
        """Pass on the records of a chunk; return whether there may be more at once."""
        records = self._records.read() if self._records is not None else None
        for record in records or ():
            with self._output.storing():
                self._on_record(record)
        return records is not None

    def _kill(self) -> None:
        """Kill the whole group, once: later its number may be given to another group."""
        if not self._is_killed:
            self._is_killed = True
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        # A group whose last members are ending is gone on Linux and forbidden on macOS.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
