"""The account at Binance: reads that change nothing, and orders."""

from collections.abc import Mapping, Sequence
from typing import Final, final

from pydantic import TypeAdapter

from tradai.core import Utc
from tradai.entrypoint._live._account.account import (
    AccountState,
    ExchangeOrder,
    KeyRights,
    NewOrder,
)
from tradai.entrypoint.freqtrade._exchange._binance.answers import (
    AccountAnswer,
    KeyRightsAnswer,
    ListedOrderAnswer,
    OrderAnswer,
)
from tradai.entrypoint.freqtrade._exchange._binance.signed_session import Request, SignedSession

_ORDER_PATH: Final = "/api/v3/order"
_ACCOUNT: Final = TypeAdapter(AccountAnswer)
_RIGHTS: Final = TypeAdapter(KeyRightsAnswer)
_ORDER: Final = TypeAdapter(OrderAnswer)
_ORDERS: Final = TypeAdapter(tuple[OrderAnswer, ...])
_LISTED: Final = TypeAdapter(tuple[ListedOrderAnswer, ...])
_ALL_SYMBOLS_WEIGHT: Final = 80
# The most that one answer holds.
_MOST_ORDERS: Final = 1_000
# The longest time between `startTime` and `endTime`.
_DAY_MS: Final = 86_400_000


def symbol_of(pair: str) -> str:
    """Return the exchange's name of the market of `pair`."""
    return pair.replace("/", "")


@final
class BinanceReads:
    """The `AccountReads` of Binance."""

    def __init__(self, session: SignedSession) -> None:
        """Read through `session`."""
        self._session = session

    def fetch_account(self) -> AccountState:
        """Fetch the account."""
        request = Request(
            method="GET",
            path="/api/v3/account",
            weight=20,
            parameters={"omitZeroBalances": "true"},
        )
        return self._session.send(request, _ACCOUNT).value()

    def fetch_key_rights(self) -> KeyRights:
        """Fetch the rights of the key."""
        path = "/sapi/v1/account/apiRestrictions"
        request = Request(method="GET", path=path, weight=1, parameters={})
        return self._session.send(request, _RIGHTS).value()

    def fetch_open_orders(self) -> Sequence[ExchangeOrder]:
        """Fetch the open orders of all pairs."""
        request = Request(
            method="GET",
            path="/api/v3/openOrders",
            weight=_ALL_SYMBOLS_WEIGHT,
            parameters={},
        )
        return tuple(row.value() for row in self._session.send(request, _ORDERS))

    def fetch_order(self, pair: str, client_order_id: str) -> ExchangeOrder:
        """Fetch one order by the id that its client gave it."""
        return self._order(pair, {"origClientOrderId": client_order_id})

    def fetch_order_by_id(self, pair: str, order_id: str) -> ExchangeOrder:
        """Fetch one order by the exchange's number of it."""
        return self._order(pair, {"orderId": order_id})

    def fetch_orders(self, pair: str, *, since: Utc) -> Sequence[ExchangeOrder]:
        """Fetch all orders of `pair` that were placed at `since` or later, oldest first.

        One request without a time has the newest ones. When those are not all, the first is looked
        for day by day, as the exchange takes no longer time; the rest follows by number.
        """
        since_ms = int(since.timestamp() * 1_000)
        newest = self._page(pair, {})
        if len(newest) < _MOST_ORDERS or newest[0].time < since_ms:
            return tuple(row.value() for row in newest if row.time >= since_ms)
        for start_ms in range(since_ms, newest[0].time + 1, _DAY_MS):
            end_ms = start_ms + _DAY_MS - 1
            day = self._page(pair, {"startTime": str(start_ms), "endTime": str(end_ms)})
            if day:
                return self.fetch_orders_from(pair, str(day[0].order_id))
        return self.fetch_orders_from(pair, str(newest[0].order_id))

    def fetch_orders_from(self, pair: str, order_id: str) -> Sequence[ExchangeOrder]:
        """Fetch all orders of `pair` from the one with this number on, oldest first."""
        orders: list[ExchangeOrder] = []
        while True:
            page = self._page(pair, {"orderId": order_id})
            orders += [row.value() for row in page]
            if len(page) < _MOST_ORDERS:
                return tuple(orders)
            order_id = str(page[-1].order_id + 1)

    def _order(self, pair: str, named: Mapping[str, str]) -> ExchangeOrder:
        parameters = {"symbol": symbol_of(pair), **named}
        request = Request(method="GET", path=_ORDER_PATH, weight=4, parameters=parameters)
        return self._session.send(request, _ORDER).value()

    def _page(self, pair: str, part: Mapping[str, str]) -> Sequence[ListedOrderAnswer]:
        """Fetch a page of the orders of `pair`, oldest first; without a `part` the newest."""
        parameters = {"symbol": symbol_of(pair), "limit": str(_MOST_ORDERS), **part}
        path = "/api/v3/allOrders"
        request = Request(method="GET", path=path, weight=20, parameters=parameters)
        return self._session.send(request, _LISTED)

    def measure_clock(self) -> float:
        """Return by how many seconds this machine's clock is behind the exchange's."""
        return self._session.clock.measure()


@final
class BinanceOrders:
    """The `AccountOrders` of Binance."""

    def __init__(self, session: SignedSession) -> None:
        """Place and cancel through `session`."""
        self._session = session

    def place(self, order: NewOrder) -> ExchangeOrder:
        """Place an order."""
        terms = {"type": "MARKET"}
        if order.price is not None:
            terms = {"type": "LIMIT", "timeInForce": "GTC", "price": f"{order.price:f}"}
        request = Request(
            method="POST",
            path=_ORDER_PATH,
            weight=1,
            parameters={
                "symbol": symbol_of(order.pair),
                "side": order.side.upper(),
                **terms,
                "quantity": f"{order.amount:f}",
                "newClientOrderId": order.client_order_id,
                "newOrderRespType": "RESULT",
            },
            order=order.client_order_id,
        )
        return self._session.send(request, _ORDER).value()

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder:
        """Cancel an order."""
        request = Request(
            method="DELETE",
            path=_ORDER_PATH,
            weight=1,
            parameters={"symbol": order.symbol, "orderId": order.order_id},
            order=order.client_order_id,
        )
        return self._session.send(request, _ORDER).value()
