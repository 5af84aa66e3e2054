"""Circuit breaker: a server that failed is left alone for a while."""

from typing import Final, final

from tradai.core import ForkLock
from tradai.mlflow._http.deadline import SystemTimer, Timer

COOL_DOWN_S: Final = 5.0
# A server that names a longer pause is asked again after this one.
_LONGEST_S: Final = 300.0


@final
class CircuitBreaker:
    """Whether calls to a server may be sent.

    It opens when a call ends without a usable answer, and refuses calls until the cool-down is
    over. Then one call may try the server: its success closes the breaker, its failure starts
    another cool-down.
    """

    def __init__(self, timer: Timer) -> None:
        """Begin closed."""
        self._timer = timer
        self._lock = ForkLock()
        self._open_until: float | None = None
        self.reason = ""

    def refused_s(self) -> float:
        """Return the seconds for which no call may be sent; 0 lets the caller send one."""
        if self._open_until is None:
            return 0.0
        with self._lock:
            if self._open_until is None:
                return 0.0
            left = self._open_until - self._timer.monotonic()
            if left <= 0:
                # This caller tries the server; the others wait for what it finds.
                self._open_until = self._timer.monotonic() + COOL_DOWN_S
                return 0.0
            return left

    def record_answer(self) -> None:
        """Close: the server answered."""
        if self._open_until is not None:
            self._open_until = None

    def record_failure(self, reason: str, pause_s: float | None = None) -> None:
        """Open for the cool-down, or for `pause_s` when the server asked for longer."""
        pause = min(max(pause_s or 0.0, COOL_DOWN_S), _LONGEST_S)
        with self._lock:
            self.reason = reason
            self._open_until = self._timer.monotonic() + pause


_SHARED: Final[dict[str, CircuitBreaker]] = {}
_LOCK: Final = ForkLock()


def breaker_of(uri: str, timer: Timer) -> CircuitBreaker:
    """Return the breaker of the server at `uri`, which all clients of this process share.

    A client with a time of its own has a breaker of its own.
    """
    if not isinstance(timer, SystemTimer):
        return CircuitBreaker(timer)
    with _LOCK:
        return _SHARED.setdefault(uri, CircuitBreaker(timer))
