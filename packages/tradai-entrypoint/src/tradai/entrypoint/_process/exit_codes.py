"""Exit codes and their meanings; an error of ours carries its code, `_evidence` judges the engine.

The codes of errors are in `tradai.core.exceptions`: a missing pair is a `NotFoundError` there. The
verdict on an engine that ended is made in `tradai.entrypoint.freqtrade._evidence`.

The numbers follow BSD's sysexits where it has one. A caller (a shell, ECS, Step Functions) may
branch on them, so their meaning never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self, final

from tradai.core.exceptions import TradAIError


@final
class ExitCode(IntEnum):
    """Exit status of `tradai-entrypoint`."""

    DONE = 0
    USAGE = 2
    DATA = 65
    UNAVAILABLE = 69
    CRASHED = 70
    RESULT = 74
    OWNED = 75
    MISMATCH = 76
    NOT_PERMITTED = 77
    CONFIGURATION = 78
    HALTED = 79
    STRATEGY_ERRORS = 80
    STALLED = 81
    MAX_IDLE = 82
    START_DEADLINE = 124
    INTERRUPTED = 130
    TERMINATED = 143

    @classmethod
    def of(cls, code: int) -> Self:
        """Return the member equal to `code`; CRASHED when there is none."""
        return next((member for member in cls if member == code), cls.CRASHED)

    @classmethod
    def of_error(cls, error: TradAIError) -> Self:
        """Return the exit code of a process that `error` ended: never DONE."""
        exit_code = cls.of(error.exit_code)
        return cls.CRASHED if exit_code is cls.DONE else exit_code

    @property
    def meaning(self) -> str:
        """One sentence that says what happened and what to do about it."""
        return _MEANINGS[self]

    @property
    def is_refusal(self) -> bool:
        """Whether inputs, rights or services stop a run, where no engine was started."""
        return self in _REFUSALS

    @property
    def is_retryable(self) -> bool:
        """Whether a machine may start the same again after a while: the cause may have gone."""
        return self in _RETRYABLE


_MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.DONE: "The work is done, or the bot stopped on request and its records agree.",
    ExitCode.USAGE: "The command line was wrong; nothing was started.",
    ExitCode.DATA: "Candles, market rules or another input are missing or bad.",
    ExitCode.UNAVAILABLE: "The exchange or another service was not reachable; try again later.",
    ExitCode.CRASHED: "The engine or a handler crashed.",
    ExitCode.RESULT: "A result is missing or unreadable, or could not be written.",
    ExitCode.OWNED: "Another process owns the run of this id and has not ended it, holds the "
    "lease, or writes into the folder of candles; nothing was started.",
    ExitCode.MISMATCH: "Records that must agree do not, after a stop or in a repeated run; "
    "a person must look.",
    ExitCode.NOT_PERMITTED: "The mode is not permitted; trading did not start.",
    ExitCode.CONFIGURATION: "The configuration must be changed.",
    ExitCode.HALTED: "Trading was halted; it does not start until a person has cleared the halt.",
    ExitCode.STRATEGY_ERRORS: "Callbacks of the strategy raised; the result is kept and marked.",
    ExitCode.STALLED: "The bot stood still, and still did when it was stopped.",
    ExitCode.MAX_IDLE: "The bot stood still for as long as --max-idle allows, and was stopped.",
    ExitCode.START_DEADLINE: "The engine did not start in time.",
    ExitCode.INTERRUPTED: "Ctrl-C ended the run before its work was done.",
    ExitCode.TERMINATED: "SIGTERM ended the run before its work was done.",
}
_REFUSALS: Final = frozenset(
    {
        ExitCode.DATA,
        ExitCode.UNAVAILABLE,
        ExitCode.OWNED,
        ExitCode.NOT_PERMITTED,
        ExitCode.CONFIGURATION,
        ExitCode.HALTED,
    }
)
_RETRYABLE: Final = frozenset(
    {ExitCode.UNAVAILABLE, ExitCode.OWNED, ExitCode.MAX_IDLE, ExitCode.START_DEADLINE}
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of a run: an exit code, and a sentence that names the problem and the fix."""

    exit_code: ExitCode
    sentence: str

    @property
    def is_success(self) -> bool:
        """Whether the work was done."""
        return self.exit_code is ExitCode.DONE
