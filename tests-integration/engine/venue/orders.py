"""One order of the loopback exchange, and its fills."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from engine.venue.market import QUOTE, base_of

OPEN: Final = ("NEW", "PARTIALLY_FILLED")
_FEE: Final = Decimal("0.001")
_EIGHT: Final = Decimal("1e-8")


def text(number: Decimal) -> str:
    """Return `number` as Binance writes it, with eight decimals."""
    return f"{number:.8f}"


@dataclass(frozen=True, kw_only=True)
class Fill:
    """A trade of an order."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    at_ms: int
    is_maker: bool

    def commission(self, order: "Order") -> tuple[Decimal, str]:
        """Return the fee and its currency: a thousandth of what is received."""
        if order.is_buy:
            return (self.quantity * _FEE).quantize(_EIGHT), base_of(order.symbol)
        return (self.price * self.quantity * _FEE).quantize(_EIGHT), QUOTE


@dataclass(kw_only=True)
class Order:
    """An order; its amounts are exact."""

    order_id: int
    client_order_id: str
    symbol: str
    side: str
    kind: str
    quantity: Decimal
    price: Decimal
    stop_price: Decimal | None
    time_in_force: str
    made_ms: int
    updated_ms: int
    checked_s: float
    status: str = "NEW"
    is_working: bool = True
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_buy(self) -> bool:
        """Whether it buys."""
        return self.side == "BUY"

    @property
    def is_open(self) -> bool:
        """Whether more of it can be filled."""
        return self.status in OPEN

    @property
    def executed(self) -> Decimal:
        """Amount that is filled."""
        return sum((fill.quantity for fill in self.fills), Decimal())

    @property
    def spent(self) -> Decimal:
        """Value of the fills in the quote currency."""
        return sum((fill.quantity * fill.price for fill in self.fills), Decimal())

    @property
    def locked(self) -> tuple[str, Decimal]:
        """Currency and amount that it keeps from other orders."""
        rest = self.quantity - self.executed if self.is_open else Decimal()
        return (QUOTE, rest * self.price) if self.is_buy else (base_of(self.symbol), rest)

    def describe(self) -> dict[str, Any]:
        """Return the answer to a question about it."""
        return {
            **self._common(),
            "clientOrderId": self.client_order_id,
            "icebergQty": "0.00000000",
            "time": self.made_ms,
            "updateTime": self.updated_ms,
            "isWorking": self.is_working,
            "workingTime": self.made_ms,
        }

    def describe_new(self) -> dict[str, Any]:
        """Return the answer to the request that placed it."""
        short = {
            "symbol": self.symbol,
            "orderId": self.order_id,
            "orderListId": -1,
            "clientOrderId": self.client_order_id,
            "transactTime": self.made_ms,
        }
        if self.stop_price is not None:
            return short
        return {
            **self._common(),
            **short,
            "workingTime": self.made_ms,
            "fills": [self._fill_row(fill) for fill in self.fills],
        }

    def describe_cancelled(self, cancel_id: str) -> dict[str, Any]:
        """Return the answer to the request that cancelled it."""
        return {
            **self._common(),
            "origClientOrderId": self.client_order_id,
            "clientOrderId": cancel_id,
            "transactTime": self.updated_ms,
        }

    def trades(self) -> list[dict[str, Any]]:
        """Return its rows of the trade list."""
        return [
            {
                "symbol": self.symbol,
                "id": fill.trade_id,
                "orderId": self.order_id,
                "orderListId": -1,
                "quoteQty": text(fill.price * fill.quantity),
                "time": fill.at_ms,
                "isBuyer": self.is_buy,
                "isMaker": fill.is_maker,
                "isBestMatch": True,
                **{
                    name: value for name, value in self._fill_row(fill).items() if name != "tradeId"
                },
            }
            for fill in self.fills
        ]

    def _common(self) -> dict[str, Any]:
        row = {
            "symbol": self.symbol,
            "orderId": self.order_id,
            "orderListId": -1,
            "price": text(Decimal() if self.kind == "MARKET" else self.price),
            "origQty": text(self.quantity),
            "executedQty": text(self.executed),
            "origQuoteOrderQty": "0.00000000",
            "cummulativeQuoteQty": text(self.spent),
            "status": self.status,
            "timeInForce": self.time_in_force,
            "type": self.kind,
            "side": self.side,
            "selfTradePreventionMode": "NONE",
        }
        if self.stop_price is not None:
            row["stopPrice"] = text(self.stop_price)
        return row

    def _fill_row(self, fill: Fill) -> dict[str, Any]:
        commission, currency = fill.commission(self)
        return {
            "price": text(fill.price),
            "qty": text(fill.quantity),
            "commission": text(commission),
            "commissionAsset": currency,
            "tradeId": fill.trade_id,
        }
