"""The lease of a live session: renewed while the loop turns, and passed on to the watchdog.

No thread renews: it would prove that a thread lives, and not that the engine is supervised. The
loop calls `LeaseKeeper.keep` at each turn. The time to live is so long that a drain that begins
when a renewal is overdue ends while the lease is sure, so a drain need not renew.
"""

import logging
import math
from typing import Final, Protocol, final

from tradai.core import SystemClock, WaitingClock
from tradai.core.exceptions import (
    ConfigurationError,
    LeaseLostError,
    TradAIError,
    TradingError,
)

# Share of its time to live in which `tradai.core.Lease` believes in itself.
_BELIEVED: Final = 0.8
_RENEWED_EVERY: Final = 1 / 3
_RETRIED_EVERY: Final = 1 / 20
# Time for the kill before another process can have the lease.
_MARGIN_S: Final = 2.0
_log: Final = logging.getLogger(__name__)


class KeptLease(Protocol):
    """A lease that is held: `tradai.core.Lease`, or several as one.

    Attributes:
        ttl_s: Its time to live in seconds.
        remaining_s: Seconds for which it is sure.
    """

    @property
    def ttl_s(self) -> float: ...
    @property
    def remaining_s(self) -> float: ...

    def renew(self) -> None:
        """Extend it; see `tradai.core.Lease.renew`."""
        ...


class FedWatchdog(Protocol):
    """The part of `Watchdog` that keeping a lease needs.

    Attributes:
        is_alive: Whether its process lives.
    """

    @property
    def is_alive(self) -> bool: ...

    def answers(self) -> bool:
        """Ask it for an answer when that is due; return whether one of the last came."""
        ...

    def feed(self, seconds: float) -> None:
        """Let the engine live for `seconds`; raise `TradingError` when it is gone."""
        ...


def least_ttl_s(drain_s: float) -> float:
    """Return the shortest time to live with which a drain of `drain_s` ends in time, in seconds.

    It begins when a renewal is overdue, which is after a third of the time to live.

    >>> least_ttl_s(25.0)
    58.0
    """
    return float(math.ceil((drain_s + _MARGIN_S) / (_BELIEVED - _RENEWED_EVERY)))


def check_ttl(ttl_s: float, *, drain_s: float) -> None:
    """Check that a drain ends while the lease is sure.

    Raises:
        ConfigurationError: The time to live is too short for the drain.
    """
    least = least_ttl_s(drain_s)
    if ttl_s < least:
        raise ConfigurationError(
            f"the lease lives for {ttl_s:g} s, which is too short for a drain of {drain_s:g} s: "
            f"expected {least:g} s or more, or a shorter drain",
            key="lease",
        )


@final
class LeaseKeeper:
    """Keeps a lease beside a live engine, and its watchdog fed."""

    def __init__(
        self,
        lease: KeptLease,
        watchdog: FedWatchdog,
        *,
        drain_s: float,
        clock: WaitingClock | None = None,
    ) -> None:
        """Renew the lease, which is held, and feed the watchdog for the first time.

        Args:
            lease: The lease.
            watchdog: The watchdog, which watches.
            drain_s: Longest time from the decision to stop to the end of the engine.
            clock: A clock for durations; by default that of this machine.

        Raises:
            ConfigurationError: The time to live is too short for the drain.
        """
        check_ttl(lease.ttl_s, drain_s=drain_s)
        self._has_lost = self._is_unwatched = False
        self._lease = lease
        self._watchdog = watchdog
        self._drain_s = drain_s
        self._clock = clock or SystemClock()
        self._due_s = -math.inf
        self._problem: str | None = None
        self.keep()

    @property
    def due_in_s(self) -> float:
        """Seconds until `keep` has something to do."""
        return math.inf if self.is_lost else max(0.0, self._due_s - self._clock())

    @property
    def is_lost(self) -> bool:
        """Whether the lease is not sure any more; the watchdog ends the engine."""
        return self._has_lost or self._sure_s <= 0

    @property
    def reason_to_stop(self) -> str | None:
        """Why the engine must be stopped now; None while it may trade.

        When the lease `is_lost`, no more may be asked of the engine: the watchdog ends it.
        Otherwise there is time for a drain.
        """
        is_short = self.is_lost or self._is_unwatched or self._sure_s < self._drain_s
        return (self._problem or "the lease was not renewed in time") if is_short else None

    @property
    def sure_s(self) -> float:
        """Seconds for which the engine may still trade or be stopped; 0 when the lease is lost."""
        return 0.0 if self.is_lost else self._sure_s

    def renew(self) -> None:
        """Renew it now, though it is not due: a stop that begins needs the whole time."""
        self._due_s = -math.inf
        self.keep()

    def keep(self) -> None:
        """Renew the lease when that is due, and feed the watchdog.

        An outage, or a store that refuses this process, is tried again: the lease is sure for a
        while, in which the engine can be stopped in good order.
        """
        if not self._watchdog.is_alive:
            self._note_unwatched("the watchdog beside the engine has ended")
        elif not self._watchdog.answers():
            self._note_unwatched("the watchdog beside the engine does not answer: it is frozen")
        if self.due_in_s > 0:
            return
        # The lease is sure from here on, and not from the answer: the next renewal is due before
        # it is too short for a drain, however slow the store is.
        asked_s = self._clock()
        try:
            self._lease.renew()
        except LeaseLostError as exc:
            self._has_lost, self._problem = True, str(exc)
            _log.error("lease lost", extra={"error": str(exc)})
        except TradAIError as exc:
            self._due_s = self._clock() + _RETRIED_EVERY * self._lease.ttl_s
            self._problem = f"the lease cannot be renewed: {exc}"
            _log.warning("lease not renewed", extra={"error": str(exc)})
            return
        else:
            self._due_s = asked_s + _RENEWED_EVERY * self._lease.ttl_s
            self._problem = self._problem if self._is_unwatched else None
        self._feed()

    @property
    def _sure_s(self) -> float:
        return self._lease.remaining_s - _MARGIN_S

    def _feed(self) -> None:
        """Pass on how long the lease is sure; a lost one ends the engine at once."""
        try:
            self._watchdog.feed(self.sure_s)
        except TradingError as exc:
            self._note_unwatched(str(exc))

    def _note_unwatched(self, problem: str) -> None:
        if not self._is_unwatched:
            self._is_unwatched, self._problem = True, problem
            _log.error("watchdog gone", extra={"error": problem})
