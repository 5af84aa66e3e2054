"""First process of a container: run a command, and number the lines that it prints.

Run as a script, isolated and without site packages, so that it costs a few milliseconds:
``python -I -S contain.py COMMAND...``. It may import nothing but the standard library.

Each line is written as ``ID:NUMBER TEXT``, so that a reader can prove that all of them arrived;
`tradai.core.JobLog` reads them and says more. A line of more than 15 KiB is written in pieces, as
Docker would cut it at 16 KiB; every piece but the last has ``+`` in place of the space. A line that
ends without its newline looks like one that has it.

The command runs in a process group of its own, which gets SIGTERM, SIGINT and SIGHUP. When the
command has ended, what is left of its group is killed. The exit code is that of the command, 128
more than the number of the signal that ended it, or 127 and 126 when it cannot be started. The
container ends with this process, so it waits for orphans that are marked as `AWAITED` says: the
watchdog of a live session whose supervisor was killed still has orders to cancel.

With ``TRADAI_LOG_DELIVERY=non-blocking`` the command never waits for a slow reader: lines that do
not fit into the buffer are left out, and their numbers show it.
"""

import os
import select
import signal
import sys
from contextlib import suppress

# Importing typing would take a tenth of the time that this program needs to start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Final, NoReturn

DELIVERY: "Final" = "TRADAI_LOG_DELIVERY"
# Variable of a process that may outlive the command.
AWAITED: "Final" = "_TRADAI_AWAITED"
LONGEST_PIECE: "Final" = 15 * 1024

_FORWARDED: "Final" = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_READ_BYTES: "Final" = 64 * 1024
# A pipe that can be written to takes this much without waiting (POSIX: PIPE_BUF).
_WRITE_BYTES: "Final" = 4096 if sys.platform == "linux" else 512
_BLOCKING_BYTES: "Final" = 64 * 1024
_NON_BLOCKING_BYTES: "Final" = 4 * 1024 * 1024
# When the command has ended, its output is over once nothing came for so long. Others may hold the
# pipe and print on and on: more than it can have held at the end is not the command's.
_LAST_WORDS_S: "Final" = 0.5
_LAST_BYTES: "Final" = 128 * 1024
# Time after which a slow reader is left behind where the command does not wait for it.
_LAST_WRITE_S: "Final" = 10.0
_OUTPUT: "Final" = 1
_RUNNING: "Final" = -1
_NOT_EXECUTABLE: "Final" = 126
_NOT_FOUND: "Final" = 127
_USAGE: "Final" = 2
_CONFIGURATION: "Final" = 78


class Numbering:
    """Turns bytes into numbered records, of which a full buffer takes no more."""

    def __init__(self, stream_id: str, *, most_bytes: int | None) -> None:
        """Begin with the start marker.

        Args:
            stream_id: Id of this log, eight hexadecimal digits.
            most_bytes: Size of the buffer above which records are dropped; None drops none.
        """
        self.records = bytearray()
        self._id = stream_id.encode()
        self._most_bytes = most_bytes
        self._number = 0
        self._line = b""
        self._append(b"!tradai-log 1")

    def add(self, data: bytes) -> None:
        """Take bytes that the command printed."""
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._next(b" " + self._cut(line))
        self._line = self._cut(self._line)

    def end(self) -> None:
        """Take the last line, which may lack its newline, and add the end marker."""
        if self._line:
            self._next(b" " + self._line)
        count = self._number
        self._most_bytes = None
        self._next(b"!end %d" % count)

    def _cut(self, line: bytes) -> bytes:
        """Add all but the last piece of `line`, and return that."""
        while len(line) > LONGEST_PIECE:
            size = _whole_characters(line)
            self._next(b"+" + line[:size])
            line = line[size:]
        return line

    def _next(self, text: bytes) -> None:
        self._number += 1
        if self._most_bytes is None or len(self.records) + len(text) <= self._most_bytes:
            self._append(text)

    def _append(self, text: bytes) -> None:
        self.records += b"%s:%d%s\n" % (self._id, self._number, text)


class Container:
    """A command and its output, from start to end."""

    def __init__(self, command: "list[str]", *, is_blocking: bool) -> None:
        """Take the command, and whether it waits for a slow reader."""
        self._command = command
        self._is_blocking = is_blocking
        most_bytes = None if is_blocking else _NON_BLOCKING_BYTES
        self._numbering = Numbering(os.urandom(4).hex(), most_bytes=most_bytes)
        self._is_output_open = _is_open(_OUTPUT)
        self._child = 0
        self._code = _RUNNING

    def run(self) -> int:
        """Run the command to its end and return its exit code."""
        watched = {*_FORWARDED, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        source, writer = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            _become(self._command, writer)
        os.close(writer)
        wake = self._watch_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, watched)
        self._follow(source, wake)
        # With another action, the end of the interpreter lets a signal take the place of the code.
        for number in _FORWARDED:
            signal.signal(number, signal.SIG_IGN)
        self._numbering.end()
        self._write_rest()
        if os.getpid() == 1:
            _await_marked_orphans()
        return self._code

    def _watch_signals(self) -> int:
        """Return a descriptor that can be read as soon as a signal has arrived."""
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in _FORWARDED:
            signal.signal(number, self._forward)
        # The wake-up descriptor tells that it has arrived.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return reader

    def _follow(self, source: int, wake: int) -> None:
        """Number the output until the command has ended and its last words are read."""
        last_bytes = _LAST_BYTES
        is_open = True
        while is_open or self._code == _RUNNING:
            outputs = self._outputs()
            wanted = [source] if is_open and self._has_room() else []
            timeout_s = None if self._code == _RUNNING else _LAST_WORDS_S
            ready, writable, _ = select.select([wake, *wanted], outputs, [], timeout_s)
            self._write(writable)
            if source in ready:
                data = os.read(source, _READ_BYTES)
                self._numbering.add(data)
                last_bytes -= 0 if self._code == _RUNNING else len(data)
                is_open = bool(data) and last_bytes > 0
            if wake in ready:
                os.read(wake, _READ_BYTES)
                self._reap()
            is_quiet = bool(wanted) and not ready and not writable
            is_open = is_open and not is_quiet

    def _reap(self) -> None:
        """Wait for every child that has ended; others than the command are orphans."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._child:
                    code = os.waitstatus_to_exitcode(ended[1])
                    self._code = code if code >= 0 else 128 - code
                    _signal_group(self._child, signal.SIGKILL)

    def _has_room(self) -> bool:
        return not self._is_blocking or len(self._numbering.records) < _BLOCKING_BYTES

    def _outputs(self) -> "list[int]":
        """Return the descriptor to write to, while there is something to write."""
        if not self._is_output_open:
            self._numbering.records.clear()
        return [_OUTPUT] if self._numbering.records else []

    def _write(self, writable: "list[int]") -> None:
        """Write as much as a pipe takes without waiting."""
        try:
            for descriptor in writable:
                records = self._numbering.records
                del records[: os.write(descriptor, records[:_WRITE_BYTES])]
        except BlockingIOError:
            # Another process has just filled it.
            pass
        except OSError:
            # Its reader is gone; the command goes on.
            self._is_output_open = False

    def _write_rest(self) -> None:
        timeout_s = None if self._is_blocking else _LAST_WRITE_S
        while outputs := self._outputs():
            _, writable, _ = select.select([], outputs, [], timeout_s)
            if not writable:
                return
            self._write(writable)

    def _forward(self, number: int, _: "FrameType | None") -> None:
        if self._code != _RUNNING:
            return
        try:
            os.killpg(self._child, number)
        except (ProcessLookupError, PermissionError):
            # It has not made its group yet: the signal waits until it is the command. Or it has
            # just ended.
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self._child, number)


def main(arguments: "list[str]") -> int:
    """Run the command in `arguments` and return its exit code."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    delivery = os.environ.get(DELIVERY, "blocking")
    if not command:
        return _refuse(_USAGE, "there is no command to run; write it after two dashes")
    if delivery not in {"blocking", "non-blocking"}:
        return _refuse(_CONFIGURATION, f"{DELIVERY} must be blocking or non-blocking")
    return Container(command, is_blocking=delivery == "blocking").run()


def _refuse(code: int, reason: str) -> int:
    os.write(2, f"contain: {reason}\n".encode())
    return code


def _become(command: "list[str]", output: int) -> "NoReturn":
    """Become the command, in a session of its own and with the signals of a fresh process."""
    code = _NOT_EXECUTABLE
    try:
        os.setsid()
        # Python ignores the last two, and a program would inherit that.
        for number in (*_FORWARDED, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for stream in (1, 2):
            os.dup2(output, stream)
            # The pipe has the number itself where the stream was closed at the start.
            os.set_inheritable(stream, True)  # noqa: FBT003 - the standard library's signature
        # To become the given program is the purpose; it does not pass through a shell.
        os.execvp(command[0], command)  # noqa: S606
    except OSError as exc:
        code = _NOT_FOUND if isinstance(exc, FileNotFoundError) else _NOT_EXECUTABLE
        _refuse(code, f"the program {command[0]} cannot be started: {exc.strerror}")
    finally:
        # Nothing else of this program may run twice.
        os._exit(code)


def _await_marked_orphans() -> None:
    """Wait for the marked children of this process; the command itself is no child any more."""
    with open("/proc/1/task/1/children", "rb") as file:
        children = file.read().split()
    for pid in map(int, children):
        with suppress(OSError):
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = file.read().split(b"\0")
            if any(each.startswith(b"%s=" % AWAITED.encode()) for each in variables):
                os.waitpid(pid, 0)


def _whole_characters(line: bytes) -> int:
    """Return the size of the next piece, which ends between two characters of UTF-8."""
    for size in range(LONGEST_PIECE, LONGEST_PIECE - 4, -1):
        if line[size] & 0xC0 != 0x80:  # noqa: PLR2004 - the mark of bytes inside of a character
            return size
    return LONGEST_PIECE


def _is_open(descriptor: int) -> bool:
    with suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def _signal_group(group: int, number: int) -> None:
    # A group whose last members are ending is gone on Linux and forbidden on macOS.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
