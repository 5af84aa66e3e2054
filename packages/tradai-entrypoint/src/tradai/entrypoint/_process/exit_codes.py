"""How a run ended: one table of exit codes, and the verdict that names one of them.

The numbers follow BSD's sysexits where it has one. A caller (a shell, ECS, Step Functions) may
branch on them; they never change their meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self, final

from tradai.core.exceptions import TradAIError

__all__ = ["ExitCode", "Verdict"]


@final
class ExitCode(IntEnum):
    """Exit status of `tradai-entrypoint`."""

    DONE = 0
    USAGE = 2
    DATA = 65
    UNAVAILABLE = 69
    CRASHED = 70
    RESULT = 74
    MISMATCH = 76
    NOT_PERMITTED = 77
    CONFIGURATION = 78
    START_DEADLINE = 124
    INTERRUPTED = 130
    TERMINATED = 143

    @classmethod
    def of(cls, code: int) -> Self:
        """Return `code` as one of the table; CRASHED when the table does not have it."""
        return next((one for one in cls if one == code), cls.CRASHED)

    @classmethod
    def of_error(cls, error: TradAIError) -> Self:
        """Return what a process exits with that `error` ended: never DONE."""
        found = cls.of(error.exit_code)
        return cls.CRASHED if found is cls.DONE else found

    @property
    def meaning(self) -> str:
        """What it says, and with it who must act."""
        return _MEANINGS[self]


_MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.DONE: "The work is done, or the bot stopped on request and its records agree.",
    ExitCode.USAGE: "The command line was wrong; nothing was started.",
    ExitCode.DATA: "Candles, market rules or another input are missing or bad.",
    ExitCode.UNAVAILABLE: "The exchange or another service was not reachable; try again later.",
    ExitCode.CRASHED: "The engine or a handler crashed.",
    ExitCode.RESULT: "A result is missing or unreadable, or the disk refused it.",
    ExitCode.MISMATCH: "After the stop the records do not agree; a person must look.",
    ExitCode.NOT_PERMITTED: "The mode is not permitted; trading did not start.",
    ExitCode.CONFIGURATION: "The configuration must be changed.",
    ExitCode.START_DEADLINE: "The engine did not start in time.",
    ExitCode.INTERRUPTED: "Ctrl-C ended the run before its work was done.",
    ExitCode.TERMINATED: "SIGTERM ended the run before its work was done.",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of a run: an exit code and one sentence that names the thing and the fix."""

    exit_code: ExitCode
    sentence: str

    @property
    def is_success(self) -> bool:
        """Whether the work was done."""
        return self.exit_code is ExitCode.DONE
