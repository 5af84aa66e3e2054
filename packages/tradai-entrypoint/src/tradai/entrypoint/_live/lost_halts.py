"""Halts that the latch has lost, as with an older copy of it: session and losses remember them."""

from tradai.core.exceptions import NotFoundError
from tradai.core.live import SessionRecord, SessionState
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._live._risk.risk_record import newest_known_halt


def require_recorded_halt(latch: HaltLatch, record: SessionRecord | None) -> None:
    """Refuse a session that was halted while the latch knows no halt at all.

    Raises:
        HaltedError: It was, or the latch cannot be read.
        ExternalServiceError: The store refused or did not answer.
    """
    if record is not None and record.state is SessionState.HALTED and not latch.halts():
        message = (
            f"run {record.run_id} of the session {record.session} was halted, and the halt latch "
            f"has no halt at all: restore it, or look at TRADAI_LIVE_LATCH; if it was deleted on "
            f"purpose, clear the halt with `tradai-entrypoint resume --lost --session "
            f"{record.session} --reason ...`"
        )
        raise HaltedError(message, reason="halt_latch_rolled_back")


def record_lost_halt(latch: HaltLatch, record: SessionRecord, *, place: str) -> None:
    """Record the halt again that the latch at the URI `place` has lost.

    Raises:
        NotFoundError: The latch has all halts that the session and the records of losses know.
        HaltedError: The latch cannot be read.
        StorageError: A record of losses is damaged.
        ExternalServiceError: The store refused or did not answer.
    """
    halts, known = latch.halts(), newest_known_halt(place)
    is_lost = record.state is SessionState.HALTED and not halts
    if not is_lost and known <= (halts[-1].number if halts else 0):
        message = f"no halt of the session {record.session} is lost: use `resume` without --lost"
        raise NotFoundError(message, kind="halt", key=record.session)
    cause = f"the latch had lost a halt; the last words of the session: {record.reason}"
    latch.trip(cause, run_id=record.run_id, after=known)
