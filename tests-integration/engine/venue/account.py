"""The one account of the loopback exchange: balances, orders, and fills at the market's prices."""

import time
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, Final

from engine.venue.market import MIN_NOTIONAL, PRICES, QUOTE, STEP, TICK, Market, Query, base_of
from engine.venue.orders import Fill, Order, text
from engine.venue.refusals import (
    RefusedError,
    bad_symbol,
    filtered,
    missing,
    no_order,
    not_cancelled,
    rejected,
)

UID: Final = 4_242_424_242
_KINDS: Final = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT")
_ALL: Final = Decimal(1)
_DAY_MS: Final = 86_400_000


class Account:
    """Balances and orders; the caller holds a lock."""

    def __init__(self, market: Market) -> None:
        """Own some money, and no coin to sell."""
        self._market = market
        self._orders: dict[int, Order] = {}
        self._trades = 0
        self.balances = {QUOTE: Decimal(10_000), "BTC": Decimal(), "ETH": Decimal()}
        # The part of an order that is filled; a test that lowers it sees partial fills.
        self.fill_share = _ALL

    def describe(self) -> dict[str, Any]:
        """Return the account with its balances."""
        self._settle()
        locked = self._locked()
        return {
            "makerCommission": 10,
            "takerCommission": 10,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "accountType": "SPOT",
            "updateTime": self._market.now_ms(),
            "permissions": ["SPOT"],
            "uid": UID,
            "balances": [
                {"asset": asset, "free": text(total - locked[asset]), "locked": text(locked[asset])}
                for asset, total in self.balances.items()
            ],
        }

    def place(self, query: Query) -> dict[str, Any]:
        """Accept an order, and fill it as far as the market allows."""
        self._settle()
        order = self._checked(query)
        self._orders[order.order_id] = order
        if order.is_working:
            self._take(order)
        return order.describe_new()

    def order(self, query: Query) -> dict[str, Any]:
        """Return one order."""
        self._settle()
        found = self._find(query)
        if found is None:
            raise no_order()
        return found.describe()

    def cancel(self, query: Query) -> dict[str, Any]:
        """Cancel one order."""
        self._settle()
        found = self._find(query)
        if found is None or not found.is_open:
            raise not_cancelled()
        found.status, found.updated_ms = "CANCELED", self._market.now_ms()
        return found.describe_cancelled(query.get("newClientOrderId", f"cancel{found.order_id}"))

    def open_orders(self, query: Query) -> list[dict[str, Any]]:
        """Return the open orders, of one symbol or of all."""
        self._settle()
        return [order.describe() for order in self._of(query.get("symbol")) if order.is_open]

    def all_orders(self, query: Query) -> list[dict[str, Any]]:
        """Return all orders of a symbol, of one day at most when a time is asked for."""
        self._settle()
        first, since_ms = int(query.get("orderId", 0)), int(query.get("startTime", 0))
        rows = [
            order.describe()
            for order in self._of(_symbol(query))
            if order.order_id >= first and since_ms <= order.made_ms <= _until_ms(query)
        ]
        limit = int(query.get("limit", 500))
        # The newest, unless the question names a beginning.
        return rows[:limit] if first or since_ms else rows[-limit:]

    def my_trades(self, query: Query) -> list[dict[str, Any]]:
        """Return the fills of a symbol, or of one of its orders."""
        self._settle()
        wanted = query.get("orderId")
        return [
            row
            for order in self._of(_symbol(query))
            if wanted in {None, str(order.order_id)}
            for row in order.trades()
        ]

    def every_order(self) -> list[dict[str, Any]]:
        """Return all orders of all symbols, which a test compares with what others know."""
        self._settle()
        return [order.describe() for order in self._orders.values()]

    def _of(self, symbol: str | None) -> Iterator[Order]:
        if symbol is not None and symbol not in PRICES:
            raise bad_symbol()
        return (each for each in self._orders.values() if symbol in {None, each.symbol})

    def _find(self, query: Query) -> Order | None:
        if "orderId" not in query and "origClientOrderId" not in query:
            raise RefusedError(
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            )
        found = [
            order
            for order in self._of(_symbol(query))
            if query.get("orderId", str(order.order_id)) == str(order.order_id)
            and query.get("origClientOrderId", order.client_order_id) == order.client_order_id
        ]
        return found[-1] if found else None

    def _checked(self, query: Query) -> Order:
        symbol, kind = _symbol(query), query.get("type", "")
        if kind not in _KINDS:
            raise RefusedError(-1116, "Invalid orderType.")
        if query.get("side") not in {"BUY", "SELL"}:
            raise RefusedError(-1117, "Invalid side.")
        if symbol in self._market.closed:
            raise rejected("Market is closed.")
        order = self._new(query, symbol, kind)
        _check_rules(order)
        open_ids = {each.client_order_id for each in self._orders.values() if each.is_open}
        if order.client_order_id in open_ids:
            raise rejected("Duplicate order sent.")
        asset, needed = order.locked
        if needed > self.balances[asset] - self._locked()[asset]:
            raise rejected("Account has insufficient balance for requested action.")
        if kind == "LIMIT_MAKER" and self._is_marketable(order):
            raise rejected("Order would immediately match and take.")
        if order.stop_price is not None and self._is_triggered(order, since_s=time.time()):
            raise rejected("Order would trigger immediately.")
        return order

    def _new(self, query: Query, symbol: str, kind: str) -> Order:
        now_ms, number = self._market.now_ms(), len(self._orders) + 1
        best = dict(zip(("SELL", "BUY"), self._market.best(symbol), strict=True))
        is_market = kind == "MARKET"
        return Order(
            order_id=number,
            client_order_id=query.get("newClientOrderId", f"made{number}"),
            symbol=symbol,
            side=query["side"],
            kind=kind,
            quantity=_number(query, "quantity"),
            price=Decimal(str(best[query["side"]])) if is_market else _number(query, "price"),
            stop_price=_number(query, "stopPrice") if kind == "STOP_LOSS_LIMIT" else None,
            time_in_force=query.get("timeInForce", "GTC"),
            made_ms=now_ms,
            updated_ms=now_ms,
            checked_s=time.time(),
            is_working=kind != "STOP_LOSS_LIMIT",
        )

    def _locked(self) -> dict[str, Decimal]:
        locked = dict.fromkeys(self.balances, Decimal())
        for order in self._orders.values():
            asset, amount = order.locked
            locked[asset] += amount
        return locked

    def _settle(self) -> None:
        """Fill what the prices since the last look have reached."""
        for order in self._orders.values():
            if order.is_open:
                since_s, order.checked_s = order.checked_s, time.time()
                self._follow(order, since_s)

    def _follow(self, order: Order, since_s: float) -> None:
        if not order.is_working:
            if self._is_triggered(order, since_s=since_s):
                order.is_working = True
                self._take(order)
            return
        lowest, highest = self._market.extremes(order.symbol, since_s)
        if lowest <= order.price if order.is_buy else highest >= order.price:
            self._fill(order, order.price, is_maker=True)

    def _is_triggered(self, order: Order, *, since_s: float) -> bool:
        lowest, highest = self._market.extremes(order.symbol, since_s)
        stop = order.stop_price or Decimal()
        return highest >= stop if order.is_buy else lowest <= stop

    def _is_marketable(self, order: Order) -> bool:
        bid, ask = self._market.best(order.symbol)
        return (
            order.price >= Decimal(str(ask)) if order.is_buy else order.price <= Decimal(str(bid))
        )

    def _take(self, order: Order) -> None:
        """Fill an order that has just come to the book, and end it when it must not rest there."""
        bid, ask = self._market.best(order.symbol)
        is_all_or_none = order.time_in_force == "FOK"
        if self._is_marketable(order) and not (is_all_or_none and self.fill_share < _ALL):
            self._fill(order, Decimal(str(ask if order.is_buy else bid)), is_maker=False)
        may_rest = order.kind != "MARKET" and order.time_in_force == "GTC"
        if order.is_open and not may_rest:
            order.status = "EXPIRED"

    def _fill(self, order: Order, price: Decimal, *, is_maker: bool) -> None:
        target = (order.quantity * self.fill_share).quantize(Decimal(STEP), ROUND_DOWN)
        amount = target - order.executed
        if amount <= 0:
            return
        self._trades += 1
        now_ms = self._market.now_ms()
        fill = Fill(
            trade_id=self._trades, price=price, quantity=amount, at_ms=now_ms, is_maker=is_maker
        )
        order.fills.append(fill)
        order.updated_ms = now_ms
        order.status = "FILLED" if order.executed == order.quantity else "PARTIALLY_FILLED"
        self._book(order, fill)

    def _book(self, order: Order, fill: Fill) -> None:
        sign = 1 if order.is_buy else -1
        self.balances[base_of(order.symbol)] += sign * fill.quantity
        self.balances[QUOTE] -= sign * fill.quantity * fill.price
        fee, currency = fill.commission(order)
        self.balances[currency] -= fee


def _until_ms(query: Query) -> float:
    """Return the end of the time that is asked for.

    Binance does not say how much it returns for a beginning alone: here it is the least, one day.
    """
    if "startTime" not in query:
        return float(query.get("endTime", "inf"))
    since_ms = int(query["startTime"])
    until_ms = int(query.get("endTime", since_ms + _DAY_MS))
    if until_ms - since_ms > _DAY_MS:
        raise RefusedError(-1127, "More than 24 hours between startTime and endTime.")
    return until_ms


def _symbol(query: Query) -> str:
    if query.get("symbol", "") not in PRICES:
        raise bad_symbol() if query.get("symbol") else missing("symbol")
    return query["symbol"]


def _number(query: Query, name: str) -> Decimal:
    try:
        number = Decimal(query[name])
    except (KeyError, InvalidOperation):
        raise missing(name) from None
    if not number.is_finite() or number <= 0:
        raise missing(name)
    return number


def _check_rules(order: Order) -> None:
    if order.quantity % Decimal(STEP):
        raise filtered("LOT_SIZE")
    if any(price % Decimal(TICK) for price in (order.price, order.stop_price or Decimal())):
        raise filtered("PRICE_FILTER")
    if order.price * order.quantity < Decimal(MIN_NOTIONAL):
        raise filtered("NOTIONAL")
