"""Cancel the open entries of an engine that is dead, again and again until none comes up."""

from typing import Final, TypeAlias, final

from tradai.core import WaitingClock
from tradai.core.exceptions import ExternalServiceError, NotFoundError
from tradai.entrypoint._live._account.account import ExchangeOrder, SignedClient
from tradai.entrypoint._live._account.account_errors import (
    ExchangeRateLimitedError,
    KeyRefusedError,
)
from tradai.entrypoint._live._account.order_owner import is_ours

_PAUSE_S: Final = 2.0
# The exchange counts the orders of each market apart.
_Key: TypeAlias = tuple[str, str]


@final
class EntryCancel:
    """The entries of one engine: its orders that buy.

    Protective stops and other sales stay: they close what was bought. An order that the engine has
    sent may arrive after its end, so the exchange is asked until that cannot happen any more. When
    another process trades by then, an entry of its may be cancelled too: that costs a trade, and an
    entry that is left alone can cost more.

    Attributes:
        cancelled: Entries that were cancelled, by market and number.
        left: Entries that the last look has shown, and that were not cancelled since, likewise.
        problem: The last error, in words; None without one.
        is_clear: Whether no entry is open, as of a look that was late enough.
    """

    def __init__(self, client: SignedClient, *, prefix: str, clock: WaitingClock) -> None:
        """Take the client, the prefix of the engine's orders, and a clock to wait by."""
        self.cancelled: dict[_Key, ExchangeOrder] = {}
        self.left: dict[_Key, ExchangeOrder] = {}
        self.problem: str | None = None
        self.is_clear = False
        self._client = client
        self._prefix = prefix
        self._clock = clock

    def run(self, *, settle_s: float, limit_s: float) -> None:
        """Cancel until none is open `settle_s` from now, or until `limit_s` from now."""
        start_s = self._clock()
        while True:
            looked_s = self._clock() - start_s
            try:
                pause_s = self._turn()
            except KeyRefusedError as exc:
                self.problem = str(exc)
                return
            is_sure = self.problem is None and not self.left
            self.is_clear = is_sure and looked_s >= settle_s
            if self.is_clear or self._clock() - start_s + pause_s > limit_s:
                return
            self._clock.sleep(pause_s)

    def _turn(self) -> float:
        """Look, and cancel what is open; return the seconds until the next turn.

        Raises:
            KeyRefusedError: The exchange does not take the key, now and later.
        """
        self.problem = None
        try:
            orders = self._client.reads.fetch_open_orders()
        except ExternalServiceError as exc:
            self.problem = str(exc)
            return _retry_s(exc)
        entries = [order for order in orders if self._is_entry(order)]
        self.left = {_key(order): order for order in entries}
        return max([_PAUSE_S, *map(self._cancel, entries)])

    def _is_entry(self, order: ExchangeOrder) -> bool:
        return order.is_entry and is_ours(order.client_order_id, self._prefix)

    def _cancel(self, order: ExchangeOrder) -> float:
        """Cancel an entry, and return the seconds until the next turn."""
        try:
            self.cancelled[_key(order)] = self._client.orders.cancel(order)
        except NotFoundError:
            # It was filled, or cancelled, since the look: the next one shows it.
            return _PAUSE_S
        except ExternalServiceError as exc:
            self.problem = str(exc)
            return _retry_s(exc)
        del self.left[_key(order)]
        return _PAUSE_S


def _key(order: ExchangeOrder) -> _Key:
    return order.symbol, order.order_id


def _retry_s(error: ExternalServiceError) -> float:
    if isinstance(error, ExchangeRateLimitedError):
        return max(_PAUSE_S, error.retry_after_s)
    return _PAUSE_S
