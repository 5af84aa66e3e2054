"""Scripted faults: what goes wrong with which request, and how often."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.venue.refusals import RefusedError, not_cancelled, rejected, too_many


class Fault(StrEnum):
    """Something that goes wrong."""

    LOST_REPLY = "lost reply"  # The request is served; the connection ends without an answer.
    HANG = "hang"  # The request is not served, and never answered.
    LATE = "late"  # The request is served after `late_s`, whether or not its client waits.
    SERVED_HANG = "served hang"  # The request is served, and never answered.
    UNAVAILABLE = "unavailable"  # 503, and not served.
    UNKNOWN = "unknown"  # The request is served; the answer says that its outcome is unknown.
    REJECTED_ORDER = "rejected order"
    REJECTED_CANCEL = "rejected cancel"
    TOO_MANY = "too many"  # 429 with Retry-After.
    BANNED = "banned"  # 418 with Retry-After.
    GARBLED = "garbled"  # The request is served; the answer is not JSON.

    @property
    def is_served(self) -> bool:
        """Whether the request does its work."""
        return self in {Fault.LOST_REPLY, Fault.SERVED_HANG, Fault.UNKNOWN, Fault.GARBLED}

    @property
    def is_silent(self) -> bool:
        """Whether the client waits for an answer in vain."""
        return self in {Fault.HANG, Fault.SERVED_HANG}


@dataclass(kw_only=True)
class Rule:
    """A fault of an endpoint such as ``POST /api/v3/order``, `times` times after `skip` others."""

    on: str
    fault: Fault
    times: int = 1
    skip: int = 0
    retry_after_s: int = 7
    late_s: float = 3.0


class Faults:
    """The faults still to come; threads share it."""

    def __init__(self) -> None:
        """Have none."""
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def script(self, rows: list[dict[str, Any]]) -> None:
        """Replace the faults to come."""
        with self._lock:
            self._rules = [Rule(**{**row, "fault": Fault(row["fault"])}) for row in rows]

    def next(self, endpoint: str) -> Rule | None:
        """Return the fault of this request, which is then used up."""
        with self._lock:
            for rule in (rule for rule in self._rules if rule.on == endpoint and rule.times):
                if rule.skip:
                    rule.skip -= 1
                    return None
                rule.times -= 1
                return rule
        return None


def refusal_of(rule: Rule) -> RefusedError | None:
    """Return the answer to a request that is not served; None when it hangs."""
    refusals = {
        Fault.UNAVAILABLE: RefusedError(-1000, "An unknown error occurred.", status=503),
        Fault.REJECTED_ORDER: rejected("Market is closed."),
        Fault.REJECTED_CANCEL: not_cancelled("This action is disabled on this account."),
        Fault.TOO_MANY: too_many(retry_after_s=rule.retry_after_s),
        Fault.BANNED: too_many(retry_after_s=rule.retry_after_s, is_banned=True),
    }
    return refusals.get(rule.fault)


def unknown_outcome() -> RefusedError:
    """Say that the request may have been served."""
    text = "Timeout waiting for response from backend server. Send status unknown; execution status"
    return RefusedError(-1007, f"{text} unknown.", status=408)
