"""The request weight that Binance allows an address in a minute; the engine uses it too."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, final

_MINUTE_S: Final = 60.0
_LIMIT: Final = 6_000
# Kept for orders and cancels, which must not wait for reads.
_RESERVED: Final = 500
_USED: Final = "x-mbx-used-weight-1m"
# Without word from the exchange: a ban lasts at least this long.
_SHORTEST_BAN_S: Final = 120.0


@final
class RequestWeights:
    """The weight that is left, and the time for which nothing may be sent; threads share it."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Have used nothing yet."""
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._used = 0
        self._seen_s = -_MINUTE_S
        self._paused_until_s = 0.0

    def wait_s(self, weight: int, *, is_change: bool) -> float:
        """Return for how many seconds a request of `weight` must wait, 0 to send it now."""
        now_s = self._monotonic()
        with self._lock:
            if now_s < self._paused_until_s:
                return self._paused_until_s - now_s
            age_s = now_s - self._seen_s
            limit = _LIMIT if is_change else _LIMIT - _RESERVED
            is_free = age_s >= _MINUTE_S or self._used + weight <= limit
            return 0.0 if is_free else _MINUTE_S - age_s

    def observe(self, headers: Mapping[str, str]) -> None:
        """Note the weight used in this minute, by all programs on this address."""
        used = headers.get(_USED, "")
        if used.isascii() and used.isdigit():
            with self._lock:
                self._used, self._seen_s = int(used), self._monotonic()

    def pause(self, headers: Mapping[str, str], *, is_ban: bool) -> float:
        """Send nothing until the exchange allows it again; return the seconds until then."""
        given = headers.get("retry-after", "")
        fallback_s = _SHORTEST_BAN_S if is_ban else _MINUTE_S
        wait_s = float(given) if given.isascii() and given.isdigit() else fallback_s
        with self._lock:
            self._paused_until_s = max(self._paused_until_s, self._monotonic() + wait_s)
        return wait_s
