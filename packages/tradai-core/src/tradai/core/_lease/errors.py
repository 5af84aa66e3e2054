"""Errors of leases, with their sentences."""

from tradai.core._lease.record import LeaseRecord
from tradai.core._logging.printable import printable
from tradai.core.exceptions import LeaseHeldError, LeaseLostError


def held_error(found: LeaseRecord, *, lease: str, left_s: float) -> LeaseHeldError:
    """Return the error of a process that wants the lease of the holder of `found`."""
    # Any program may have written the name.
    holder = printable(found.holder)
    message = (
        f"the lease {lease} is held by {holder}, which renewed it last at "
        f"{found.renewed_at:%Y-%m-%d %H:%M:%S} UTC: leave it, or stop it by its own command; "
        f"when it was killed, start again: the lease runs out {found.ttl_s:g} s after its last "
        "renewal, and deleting it is not safe"
    )
    return LeaseHeldError(message, lease=lease, holder=holder, retry_after_s=left_s)


def lost_error(lease: str, reason: str) -> LeaseLostError:
    """Return the error of a process that does not hold the lease any more, for `reason`."""
    message = (
        f"this process has lost the lease {lease}: {reason}; stop what needs it, then acquire it "
        "again"
    )
    return LeaseLostError(message, lease=lease)
