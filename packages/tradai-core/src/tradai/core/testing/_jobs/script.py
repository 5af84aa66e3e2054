"""Behaviour of a test's job, independent of the runner that runs it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobScript:
    """Steps of a job: it prints, then waits until it is stopped or ends.

    Attributes:
        lines: Lines it prints on standard output.
        errors: Lines it prints on standard error after them.
        variables: Variables of its environment that it prints as ``NAME=value`` after them.
        unfinished: Text it prints last, without a newline.
        waits: Whether it goes on until it is stopped.
        exit_code: Exit code, unless it is stopped.
        exit_code_when_stopped: Exit code after the request to stop; None is that of the signal.
        is_deaf: Whether it ignores the request to stop, and must be killed.
    """

    lines: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    unfinished: str = ""
    waits: bool = False
    exit_code: int = 0
    exit_code_when_stopped: int | None = None
    is_deaf: bool = False

    def command(self) -> tuple[str, ...]:
        """Return a command that does it, for any machine with a POSIX shell."""
        return ("sh", "-c", "\n".join(self._statements()))

    def _statements(self) -> Iterator[str]:
        if self.is_deaf:
            yield "trap '' TERM"
        elif self.exit_code_when_stopped is not None:
            yield f"trap 'exit {self.exit_code_when_stopped}' TERM"
        yield from (f"printf '%s\\n' {shlex.quote(line)}" for line in self.lines)
        yield from (f"printf '%s\\n' {shlex.quote(line)} >&2" for line in self.errors)
        yield from (f'printf "%s\\n" "{name}=${{{name}-}}"' for name in self.variables)
        if self.unfinished:
            yield f"printf '%s' {shlex.quote(self.unfinished)}"
        if self.waits:
            yield "while :; do sleep 600 & wait; done"
        yield f"exit {self.exit_code}"
