"""Supervisor of one job, a process of its own: start the job, stop it, and write down its end.

Run as a script, isolated and without site packages, so that it costs a few milliseconds:
``python -I -S supervisor.py LOCK``, with the job as JSON on standard input. It may import nothing
but the standard library.

LOCK is the descriptor of the job's lock, which the submitting process holds and this process
inherits: it is held for as long as any of them works on the job. The first process returns as soon
as the job's status is written down, and a child of it goes on. The status is written before the
job is started, so that no later supervisor can start it a second time.
"""

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

# Importing typing would take a tenth of the time that this program needs to start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final, NoReturn, Self

STATE: "Final" = "state.json"
STOP: "Final" = "stop.json"
LOG: "Final" = "output.log"
WORK: "Final" = "work"

_LOOK_EVERY_S: "Final" = 0.1
# A disk that is full may be freed: until then the verdict is kept in memory.
_WRITE_EVERY_S: "Final" = 1.0
_WRITE_TIMES: "Final" = 600
_NOT_EXECUTABLE: "Final" = 126
_NOT_FOUND: "Final" = 127


def main(arguments: list[str]) -> None:
    """Take over the job that is given on standard input."""
    lock = int(arguments[0])
    job = json.load(sys.stdin)
    # The signature is that of the standard library (FBT003).
    os.set_inheritable(lock, False)  # noqa: FBT003
    os.chdir(job["folder"])
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        # The child writes when it has begun; when it fails, its last words say why.
        os._exit(0 if os.read(reader, 1) else 1)
    os.close(reader)
    Supervisor(job).run(begun=writer, lock=lock)


class Supervisor:
    """One job from its start to its end; the working directory is the job's folder."""

    def __init__(self, job: "Mapping[str, Any]") -> None:
        """Take the job: command, environment and limits."""
        self._job = job
        self._is_asked = False
        # Instants of the monotonic and the wall clock at the start.
        self._began: tuple[float, float] | None = None

    def run(self, *, begun: int, lock: int) -> None:
        """Run the job to its end.

        Args:
            begun: Descriptor to write to as soon as the status is written down.
            lock: Descriptor of the job's lock, which nothing that is started here may keep.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        end = self._end_before_start()
        if end is None:
            self._began = time.monotonic(), time.time()
        write_json(STATE, end or self._state("running"))
        _release_terminal()
        os.write(begun, b"1")
        os.close(begun)
        if end is None:
            self._supervise(log, lock)

    def _end_before_start(self) -> dict[str, object] | None:
        reason = _stop_reason()
        if reason is not None:
            return self._state("cancelled", reason=f"it was stopped: {reason}")
        if not self._job["is_found"]:
            program = self._job["command"][0]
            return self._state("failed", _NOT_FOUND, f"the program {program} was not found")
        return None

    def _supervise(self, log: int, lock: int) -> None:
        child = _start(self._job, log, lock)
        with ExitWatch(child) as watch:
            cause = self._follow(child, watch)
            # Before the child is waited for: its number is still the group's.
            _signal_group(child, signal.SIGKILL)
            end = verdict(watch.exit_code(), cause)
        write_until_it_works(self._state(*end))

    def _follow(self, child: int, watch: "ExitWatch") -> tuple[str, str] | None:
        """Wait for the end of the job; return why it was stopped, None when it was not."""
        limit = self._job["time_limit_s"]
        deadline = None if limit is None else time.monotonic() + limit
        cause, kill_at = None, None
        while not watch.has_ended():
            if cause is None and (cause := self._cause(deadline)):
                kill_at = time.monotonic() + self._job["stop_grace_s"]
                _signal_group(child, signal.SIGTERM)
            if kill_at is not None and time.monotonic() >= kill_at:
                _signal_group(child, signal.SIGKILL)
            watch.wait(_LOOK_EVERY_S)
        return cause

    def _cause(self, deadline: float | None) -> tuple[str, str] | None:
        """Return the status of a job that is to be stopped now, and the reason."""
        reason = _stop_reason()
        if reason is not None:
            return "cancelled", f"it was stopped: {reason}"
        if self._is_asked:
            return "cancelled", "it was stopped: SIGTERM was sent to its supervisor"
        if deadline is not None and time.monotonic() >= deadline:
            return "failed", f"its time limit of {self._job['time_limit_s']} s has passed"
        return None

    def _state(
        self,
        status: str,
        exit_code: int | None = None,
        reason: str = "",
    ) -> dict[str, object]:
        is_end = bool(reason)
        return {
            "status": status,
            "exit_code": exit_code,
            "reason": reason,
            "started_at": _utc(self._began[1]) if self._began else None,
            "ended_at": _utc(self._now()) if is_end else None,
            "log_bytes": os.stat(LOG).st_size if is_end else None,
        }

    def _now(self) -> float:
        # The wall clock may have jumped since the start, also backwards.
        return self._began[1] + time.monotonic() - self._began[0] if self._began else time.time()

    def _on_signal(self, *_: object) -> None:
        self._is_asked = True


class ExitWatch:
    """Tells when a child has ended; until `exit_code` its number stays taken, where possible."""

    def __init__(self, child: int) -> None:
        """Take the child's process id."""
        self._child = child
        self._pidfd: int | None = None
        self._status: int | None = None

    def __enter__(self) -> "Self":
        """Have the kernel report the end, where it can; elsewhere it is polled."""
        with suppress(AttributeError, OSError):
            self._pidfd = os.pidfd_open(self._child)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the descriptor."""
        if self._pidfd is not None:
            os.close(self._pidfd)

    def has_ended(self) -> bool:
        """Tell whether the child has ended."""
        if self._status is not None:
            return True
        # macOS has it only since Python 3.13.
        if hasattr(os, "waitid"):
            how = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._child, how) is not None
        pid, status = os.waitpid(self._child, os.WNOHANG)
        self._status = status if pid else None
        return bool(pid)

    def wait(self, timeout_s: float) -> None:
        """Wait for the end, at most `timeout_s`."""
        select.select([] if self._pidfd is None else [self._pidfd], [], [], timeout_s)

    def exit_code(self) -> int:
        """Wait for the child and return its exit code; negative when a signal ended it."""
        if self._status is None:
            _, self._status = os.waitpid(self._child, 0)
        return os.waitstatus_to_exitcode(self._status)


def verdict(code: int, cause: tuple[str, str] | None) -> tuple[str, int, str]:
    """Return status, exit code and reason of a job that ended.

    Args:
        code: Its exit code; negative when a signal ended it.
        cause: Status and reason of its stop; None when it was not stopped.
    """
    shown = code if code >= 0 else 128 - code
    if cause is not None:
        return cause[0], shown, cause[1]
    if code < 0:
        names = {number.value: number.name for number in signal.Signals}
        return "failed", shown, f"{names.get(-code, f'signal {-code}')} ended it"
    return "failed" if code else "completed", shown, f"it ended with exit code {code}"


def write_json(name: str, value: object) -> None:
    """Write `value` to the file `name`, whole and safe on disk, or not at all."""
    temporary = f".tradai-{os.urandom(8).hex()}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def write_until_it_works(state: object) -> None:
    """Write the last status; on a disk that refuses, try again for some minutes."""
    for _ in range(_WRITE_TIMES):
        with suppress(OSError):
            return write_json(STATE, state)
        time.sleep(_WRITE_EVERY_S)
    return None


def _stop_reason() -> str | None:
    with suppress(FileNotFoundError), open(STOP, encoding="utf-8") as file:
        return str(json.load(file)["reason"])
    return None


def _start(job: "Mapping[str, Any]", log: int, lock: int) -> int:
    """Start the job in a session of its own, and return its process id once it is in it."""
    parent = os.getpid()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(lock)
        os.setsid()
        # Before it is reported: the supervisor's handler would swallow a stop that comes at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.write(writer, b"1")
        _become(job, parent, log)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    return child


def _become(job: "Mapping[str, Any]", parent: int, log: int) -> "NoReturn":
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(WORK)
        command = [*job["starter"], str(parent), *job["command"]]
        # To become the given program is the purpose; it does not pass through a shell.
        os.execve(command[0], command, job["environment"])  # noqa: S606
    except OSError as exc:
        os.write(2, f"the job cannot be started: {exc}\n".encode())
    finally:
        # Nothing else of this program may run twice.
        os._exit(_NOT_EXECUTABLE)


def _release_terminal() -> None:
    """Hold no pipe or terminal of the submitting process."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _signal_group(group: int, number: int) -> None:
    # A group whose last members are ending is gone on Linux and forbidden on macOS.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _utc(seconds: float) -> str:
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{int(seconds % 1 * 1_000_000):06d}+00:00"


if __name__ == "__main__":
    main(sys.argv[1:])
