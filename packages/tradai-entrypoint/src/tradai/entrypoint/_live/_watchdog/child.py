"""The watchdog's process: wait to be fed, and end the engine when that does not happen.

It imports nothing but the standard library until it must act, so that it costs little beside the
engine, and so that the kill depends on as little as possible.
"""

import contextlib
import json
import os
import select
import signal
import time

from tradai.entrypoint._live._watchdog.engine_group import EngineGroup
from tradai.entrypoint._live._watchdog.lines import ParentLines, ParentWord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from tradai.entrypoint._live._watchdog.duty import SignIn

READY: "Final" = b"ready\n"
STOOD_DOWN: "Final" = 0
NO_ENGINE: "Final" = 69
# Time that a killed engine has to be gone, whatever it waits for.
DEATH_S: "Final" = 10.0
# Those of the exit-code table: the lease was lost, and an order was left.
ACTED: "Final" = 75
ORDERS_LEFT: "Final" = 76
# A timer of the kernel stands still with the machine. So the clock, which does not, is looked at.
_LOOK_S: "Final" = 0.5
_BOOT_CLOCK: "Final" = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_clock() -> float:
    """Return the seconds of `SystemClock`, which also count while the machine sleeps."""
    return time.clock_gettime(_BOOT_CLOCK)


def main(sign_in: "SignIn") -> int:
    """Watch as the parent says on standard input, and return the exit code.

    Args:
        sign_in: Makes the client that cancels, from the facts; called when it must act.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parent = os.getppid()
    lines = ParentLines(0)
    first, *more = _first_lines(lines) or [b"null"]
    facts = json.loads(first)
    if facts is None:
        return STOOD_DOWN
    try:
        group = EngineGroup(facts["engine"], started=facts["engine_started"])
    except ProcessLookupError:
        return NO_ENGINE
    word = ParentWord(boot_clock() + facts["first_feed_s"])
    for line in more:
        word.take(line)
    os.write(1, READY)
    os.set_blocking(1, False)
    why = watch(word, lines, parent=parent, answer=_answer)
    return STOOD_DOWN if why is None else act(why, facts, group, sign_in)


def watch(
    word: ParentWord,
    lines: ParentLines,
    *,
    parent: int,
    answer: "Callable[[], None]" = lambda: None,
) -> str | None:
    """Wait until the engine must be ended, and return why; None when the watch is over.

    `answer` tells the parent that lines were read.
    """
    while True:
        if not lines.is_over:
            select.select([lines], [], [], _LOOK_S)
        # All of them, before the clock: the last one may say that the engine has ended.
        for line in lines.read():
            word.take(line)
            answer()
        if word.is_relieved:
            return None
        if lines.is_over or os.getppid() != parent:
            return "the supervisor has ended and left the engine"
        if boot_clock() >= word.until_s:
            return "the lease was not renewed in time"


def act(why: str, facts: "dict[str, Any]", group: EngineGroup, sign_in: "SignIn") -> int:
    """End the engine, cancel its open entries, and return the exit code."""
    group.kill()
    has_ended = group.wait(DEATH_S)
    # From here on it may take what it needs: the engine is gone.
    from tradai.entrypoint._live._watchdog.duty import Duty

    with Duty(facts) as duty:
        duty.record("engine killed", why=why, has_ended=has_ended)
        return ACTED if duty.cancel_entries(sign_in) else ORDERS_LEFT


def _answer() -> None:
    # A parent that does not read, or is gone: neither may keep the engine alive.
    with contextlib.suppress(OSError):
        os.write(1, b".")


def _first_lines(lines: ParentLines) -> list[bytes]:
    while not lines.is_over:
        select.select([lines], [], [])
        if found := lines.read():
            return found
    return []
