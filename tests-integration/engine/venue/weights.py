"""Request weights of a minute, as Binance counts them for one address."""

import threading
import time
from typing import Final

from engine.venue.market import Query
from engine.venue.refusals import too_many

MINUTE_S: Final = 60
_LIMIT: Final = 6_000


class Weights:
    """The weight used in this minute; threads share it."""

    def __init__(self) -> None:
        """Have used none."""
        self._lock = threading.Lock()
        self._minute = 0
        self._used = 0
        self.limit = _LIMIT

    def add(self, weight: int) -> int:
        """Count a request, and return the weight of this minute; refuse it over the limit."""
        now_s = time.time()
        with self._lock:
            minute = int(now_s // MINUTE_S)
            self._used = weight + (self._used if minute == self._minute else 0)
            self._minute = minute
            if self._used > self.limit:
                raise too_many(retry_after_s=int(MINUTE_S - now_s % MINUTE_S) + 1)
            return self._used


def open_orders_weight(query: Query) -> int:
    """Return the weight of a question about open orders."""
    return 6 if "symbol" in query else 80


def my_trades_weight(query: Query) -> int:
    """Return the weight of a question about fills."""
    return 5 if "orderId" in query else 20


def day_ticker_weight(query: Query) -> int:
    """Return the weight of a question about the last day."""
    return 2 if "symbol" in query else 80
