"""Binance's answers about an account, read into the values that every exchange shares."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt
from pydantic.alias_generators import to_camel

from tradai.entrypoint._live._account.account import (
    AccountState,
    Balance,
    ExchangeOrder,
    KeyRights,
    OrderSide,
    OrderStatus,
)

_Amount = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
_SIDES: Final[Mapping[str, OrderSide]] = {"BUY": "buy", "SELL": "sell"}
_STATUSES: Final = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.OPEN,
    "PARTIALLY_FILLED": OrderStatus.OPEN,
    "PENDING_CANCEL": OrderStatus.OPEN,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_Side = Annotated[OrderSide, BeforeValidator(lambda text: _SIDES.get(str(text)))]
_Status = Annotated[OrderStatus, BeforeValidator(lambda text: _STATUSES.get(str(text)))]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class TimeAnswer(_Answer):
    """The exchange's time in milliseconds."""

    server_time: StrictInt


class _BalanceRow(_Answer):
    asset: str
    free: _Amount
    locked: _Amount


class AccountAnswer(_Answer):
    """The account."""

    uid: StrictInt
    can_trade: StrictBool
    balances: tuple[_BalanceRow, ...]

    def value(self) -> AccountState:
        """Return the account, without balances of zero."""
        rows = (row for row in self.balances if row.free or row.locked)
        return AccountState(
            uid=str(self.uid),
            may_trade=self.can_trade,
            balances=tuple(
                Balance(asset=row.asset, free=row.free, locked=row.locked) for row in rows
            ),
        )


class KeyRightsAnswer(_Answer):
    """The rights of the key; one that is absent is not known."""

    enable_reading: StrictBool | None = None
    enable_spot_and_margin_trading: StrictBool | None = None
    enable_withdrawals: StrictBool | None = None
    enable_internal_transfer: StrictBool | None = None
    permits_universal_transfer: StrictBool | None = None

    def value(self) -> KeyRights:
        """Return the rights."""
        transfers = (self.enable_internal_transfer, self.permits_universal_transfer)
        return KeyRights(
            may_read=self.enable_reading,
            may_trade=self.enable_spot_and_margin_trading,
            may_withdraw=self.enable_withdrawals,
            may_transfer=True if True in transfers else None if None in transfers else False,
        )


class OrderAnswer(_Answer):
    """An order: placed, asked for, or cancelled."""

    symbol: str
    order_id: StrictInt
    client_order_id: str
    # An order that was cancelled: the other id is then that of the cancel.
    orig_client_order_id: str | None = None
    side: _Side
    status: _Status
    orig_qty: _Amount
    executed_qty: _Amount
    # The exchange's own spelling.
    value_filled: Annotated[_Amount, Field(alias="cummulativeQuoteQty")]
    price: _Amount
    stop_price: _Amount = Decimal()

    def value(self) -> ExchangeOrder:
        """Return the order; a price of zero is none."""
        return ExchangeOrder(
            symbol=self.symbol,
            order_id=str(self.order_id),
            client_order_id=self.orig_client_order_id or self.client_order_id,
            side=self.side,
            status=self.status,
            amount=self.orig_qty,
            filled=self.executed_qty,
            value=self.value_filled,
            price=self.price or None,
            stop_price=self.stop_price or None,
        )


class ListedOrderAnswer(OrderAnswer):
    """An order in a list of all.

    Attributes:
        time: Milliseconds at which it was placed.
    """

    time: StrictInt


class ErrorAnswer(_Answer):
    """A refusal."""

    code: StrictInt
    msg: str = ""
