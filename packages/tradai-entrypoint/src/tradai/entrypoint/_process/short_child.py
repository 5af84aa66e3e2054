"""Run a child process to its end, unless a signal or its deadline comes first."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final, final

from tradai.entrypoint._process.exec_child import child_command
from tradai.entrypoint._process.interrupts import Interrupts

NO_REASON: Final = "it gave no reason"
"""The last words of a child that wrote none."""

_POLL_S: Final = 0.02


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChildExit:
    """The end of a child.

    Attributes:
        return_code: Its exit code; negative when a signal ended it, as after its deadline.
        output: All of its standard output.
        last_words: The last line of its standard error.
    """

    return_code: int
    output: str
    last_words: str


def run_child(
    command: Sequence[str],
    *,
    interrupts: Interrupts,
    stdin: bytes = b"",
    environ: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> ChildExit:
    """Run `command` to its end; kill it after `timeout_s`.

    Args:
        command: The command.
        interrupts: Signals that end the child.
        stdin: Its whole standard input.
        environ: Its whole environment; by default that of this process.
        timeout_s: How long it may take; None is without limit.

    Raises:
        RunInterruptedError: A signal came first; the child is gone.
    """
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        given.write(stdin)
        given.seek(0)
        # A session of its own: Ctrl-C reaches only this process, which then ends the child.
        # The command is an argument list made by our own code (S603).
        with subprocess.Popen(  # noqa: S603
            child_command(command),
            stdin=given,
            stdout=output,
            stderr=errors,
            env=environ,
            start_new_session=True,
        ) as child:
            _wait(child, interrupts, timeout_s)
        return ChildExit(
            return_code=child.returncode, output=_text(output), last_words=_last_line(errors)
        )


def _wait(
    child: "subprocess.Popen[bytes]", interrupts: Interrupts, timeout_s: float | None
) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        while child.poll() is None and (deadline is None or time.monotonic() < deadline):
            interrupts.wait(_POLL_S)
            interrupts.check()
    finally:
        if child.returncode is None:
            # It may be gone already, and some systems forbid to signal a dead group.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _last_line(file: IO[bytes]) -> str:
    return (_text(file).strip().splitlines() or [NO_REASON])[-1]
