"""Limits of following logs: calls per second, pauses between looks, patience."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """Limits for all logs that are followed together; times are in seconds.

    Attributes:
        calls_per_s: Requests for log events in a second, for all logs together. The quota of
            CloudWatch is one of the account and region, which other programs share.
        first_pause_s: Pause between the first two looks at a log; each further pause is twice as
            long.
        longest_pause_s: Longest pause between looks at a log that is written to.
        quiet_pause_s: Longest pause between looks at a log without new lines for a minute.
        settle_s: Time without new lines after which the log of an ended job without an end marker
            is taken for whole.
        reorder_s: Time to wait for a line that is missing before later ones are given out.
    """

    calls_per_s: float = 5.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 10.0
    quiet_pause_s: float = 20.0
    settle_s: float = 15.0
    reorder_s: float = 30.0
