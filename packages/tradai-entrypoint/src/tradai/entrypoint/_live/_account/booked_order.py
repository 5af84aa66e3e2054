"""An order as the engine's own database has it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import final

from tradai.entrypoint._live._account.account import OrderSide


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BookedOrder:
    """An order in the engine's database.

    Attributes:
        pair: Its market.
        order_id: The exchange's number of the order, which is unique in its market.
        trade_id: The engine's number of the trade that it belongs to.
        is_stop: Whether it is the protective stop of a position.
        is_open: Whether the database has it as open.
        filled: Part of it that is filled, in the base currency.
        trade_is_open: Whether the trade is open: its orders add up to the position.
    """

    pair: str
    order_id: str
    trade_id: int
    side: OrderSide
    is_stop: bool
    is_open: bool
    filled: Decimal
    trade_is_open: bool
