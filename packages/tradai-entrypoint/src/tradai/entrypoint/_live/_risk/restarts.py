"""The restart budget: a session that starts again and again is halted, until a person looks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from tradai.entrypoint._live._risk.halt_latch import HaltLatch
from tradai.entrypoint._process.checks import CheckRow
from tradai.entrypoint._process.exit_codes import ExitCode

CHECK_NAME: Final = "restart budget"


def starts_since_halt(latch: HaltLatch, starts: Sequence[datetime]) -> tuple[datetime, ...]:
    """Return the `starts` since a person cleared the newest halt, which gives a new budget.

    Raises:
        HaltedError: The latch cannot be read.
        ExternalServiceError: The store refused or did not answer.
    """
    cleared = [halt.cleared.at for halt in latch.halts() if halt.cleared is not None]
    since = max(cleared, default=None)
    return tuple(at for at in starts if since is None or at > since)


def halt_restarts(latch: HaltLatch, rows: Iterable[CheckRow], *, run_id: str) -> None:
    """Halt trading when the restart budget is among `rows` as spent.

    Raises:
        HaltedError: The latch cannot be read, so it is halted already.
        ExternalServiceError: The store refused or did not answer.
    """
    for row in rows:
        if row.name == CHECK_NAME and row.exit_code is ExitCode.HALTED:
            latch.trip(row.detail, run_id=run_id)
