"""Entry orders, as the records of the engine's log report them (freqtrade 2026.9)."""

from collections.abc import Mapping
from typing import TypeAlias, final

from tradai.entrypoint._live._account.reconcile import OrderKey

_Event: TypeAlias = tuple[str, Mapping[str, str]]


@final
class EntryOrders:
    """Entry orders of a bot, without those that it removed again.

    The engine deletes a trade whose entry was never filled from its database, with all its orders:
    after a timeout, a cancellation, or a refusal by the exchange. A trade that was filled in part
    stays there.

    Attributes:
        kept: Orders that the database must have.
        removed: Orders that the engine removed.
        sent: Number of entry orders that the exchange has accepted.
        rejected: Number of orders, also exits and stops, that it has not, and of exits for which
            the account has too few coins.
    """

    def __init__(self) -> None:
        """Start without orders."""
        self.kept: set[OrderKey] = set()
        self.removed: set[OrderKey] = set()
        self.sent = 0
        self.rejected = 0
        self._newest: OrderKey | None = None
        self._of_trade: dict[str, list[OrderKey]] = {}

    def take(self, facts: Mapping[str, str]) -> list[_Event]:
        """Take the facts of a log record, and return the journal's events in it."""
        match facts:
            case {"order_id": order_id, "pair": pair, "status": status}:
                self.sent += 1
                self._newest = (pair, order_id)
                self.kept.add(self._newest)
                created = {"order_id": order_id, "pair": pair, "status": status}
                return [("order created", created)]
            case {"entered": trade}:
                self._attribute_newest(trade)
            case {"rejected": _}:
                self.rejected += 1
            case {"unfilled": pair}:
                refused, self._newest = self._newest, None
                return self._remove([refused] if refused else [], pair=pair)
            case {"cancelled": reason, "trade": trade, "pair": pair}:
                details = {"trade_id": trade, "pair": pair, "reason": reason}
                return [("entry order cancelled", details)]
            case {"removed": trade, "pair": pair}:
                return self._remove(self._of_trade.pop(trade, []), pair=pair)
        return []

    def _attribute_newest(self, trade: str) -> None:
        """Note that the newest order belongs to `trade`: the engine reports one after the other."""
        if self._newest is not None:
            self._of_trade.setdefault(trade, []).append(self._newest)
            self._newest = None

    def _remove(self, orders: list[OrderKey], *, pair: str) -> list[_Event]:
        self.kept.difference_update(orders)
        self.removed.update(orders)
        return [("order removed", {"order_id": order_id, "pair": pair}) for _, order_id in orders]
