"""Reasons to look up while the engine runs, and how it ended."""

from dataclasses import dataclass
from enum import Enum
from typing import final

from tradai.core.exceptions import StorageError


@final
class WakeReason(Enum):
    """Why `EngineProcess.follow` returned."""

    EXITED = "the engine ended"
    INTERRUPTED = "a signal arrived"
    REACHED = "the condition holds"
    STORAGE = "the disk refused something, or is nearly full"
    TIMEOUT = "the time is over"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineExit:
    """The end of the engine.

    Attributes:
        return_code: Its exit code; None when a signal ended it.
        signal: The signal that ended it; None when it exited.
        interrupted_by: The first signal to this process that was handled.
        timed_out: Whether it was stopped because its deadline had passed.
        asked_to_stop: Whether this process stopped it, for any reason.
        storage_error: What the disk refused while it ran; None when nothing.
        seconds: Time from its start to its end.
    """

    return_code: int | None
    signal: int | None
    interrupted_by: int | None
    timed_out: bool
    asked_to_stop: bool
    seconds: float
    storage_error: StorageError | None = None
