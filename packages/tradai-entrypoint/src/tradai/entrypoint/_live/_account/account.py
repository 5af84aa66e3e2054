"""The trading account at an exchange: its balances, the rights of its key, its orders."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias, final

from tradai.core import Secret, Utc

OrderSide: TypeAlias = Literal["buy", "sell"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys:
    """The key that names an account, and the secret that signs for it."""

    key: Secret[str]
    secret: Secret[str]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An amount of one currency; open orders hold the locked part."""

    asset: str
    free: Decimal
    locked: Decimal


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An account as the exchange describes it.

    Attributes:
        uid: The exchange's number of the account; it stays when keys are replaced.
        may_trade: Whether the exchange lets the account trade at all.
        balances: Its balances that are not zero.
    """

    uid: str
    may_trade: bool
    balances: tuple[Balance, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRights:
    """The rights of an API key; None is a right that the exchange does not show."""

    may_read: bool | None
    may_trade: bool | None
    may_withdraw: bool | None
    may_transfer: bool | None

    @property
    def problems(self) -> tuple[str, ...]:
        """Reasons against trading with the key, none for one that may read and trade alone."""
        rights = (
            ("read the account", self.may_read, True),
            ("trade on the spot market", self.may_trade, True),
            ("withdraw", self.may_withdraw, False),
            ("transfer to other accounts", self.may_transfer, False),
        )
        rows = (_problem(action, given=given, wanted=wanted) for action, given, wanted in rights)
        return tuple(row for row in rows if row is not None)


def _problem(action: str, *, given: bool | None, wanted: bool) -> str | None:
    if given is None:
        return f"it is unknown whether the key may {action}"
    if given is wanted:
        return None
    return f"the key may not {action}" if wanted else f"the key may {action}"


@final
class OrderStatus(StrEnum):
    """The state of an order at the exchange."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOrder:
    """An order as the exchange describes it; each client of the account may have placed it.

    Attributes:
        symbol: The exchange's name of the market.
        order_id: The exchange's number of the order.
        client_order_id: The id that its client gave it.
        amount: Ordered amount in the base currency.
        filled: Part of it that is filled.
        value: Value of the filled part in the quote currency.
        price: Limit; None for an order at the market's price.
        stop_price: Price that starts it; None for an order without one.
    """

    symbol: str
    order_id: str
    client_order_id: str
    side: OrderSide
    status: OrderStatus
    amount: Decimal
    filled: Decimal
    value: Decimal
    price: Decimal | None
    stop_price: Decimal | None

    @property
    def is_entry(self) -> bool:
        """Whether it opens a position; on a spot market each purchase does."""
        return self.side == "buy"

    @property
    def is_stop(self) -> bool:
        """Whether it is the protective stop of a position."""
        return self.side == "sell" and self.stop_price is not None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place.

    Attributes:
        client_order_id: An id that no open order has; by it the order is found again when the
            answer of the exchange is lost.
        price: Limit; None orders at the market's price.
    """

    pair: str
    side: OrderSide
    amount: Decimal
    client_order_id: str
    price: Decimal | None = None


class AccountReads(Protocol):
    """Signed requests that change nothing.

    Each raises `KeyRefusedError` when the key is wrong or lacks the right,
    `ExchangeRateLimitedError` when the exchange must be left alone for a while, and
    `ExternalServiceError` for everything else.
    """

    def fetch_account(self) -> AccountState:
        """Fetch the account."""
        ...

    def fetch_key_rights(self) -> KeyRights:
        """Fetch the rights of the key."""
        ...

    def fetch_open_orders(self) -> Sequence[ExchangeOrder]:
        """Fetch the open orders of all pairs."""
        ...

    def fetch_order(self, pair: str, client_order_id: str) -> ExchangeOrder:
        """Fetch one order by the id that its client gave it.

        Raises:
            NotFoundError: The account has no such order.
        """
        ...

    def fetch_order_by_id(self, pair: str, order_id: str) -> ExchangeOrder:
        """Fetch one order by the exchange's number of it.

        Raises:
            NotFoundError: The account has no such order.
        """
        ...

    def fetch_orders(self, pair: str, *, since: Utc) -> Sequence[ExchangeOrder]:
        """Fetch all orders of `pair` that were placed at `since` or later, oldest first."""
        ...

    def fetch_orders_from(self, pair: str, order_id: str) -> Sequence[ExchangeOrder]:
        """Fetch all orders of `pair` from the one with this number on, oldest first."""
        ...

    def measure_clock(self) -> float:
        """Return by how many seconds this machine's clock is behind the exchange's.

        Below 0 it is ahead. The request is not signed.
        """
        ...


class AccountOrders(Protocol):
    """Signed requests that change orders; they raise as those of `AccountReads` do, and more."""

    def place(self, order: NewOrder) -> ExchangeOrder:
        """Place an order.

        Raises:
            OrderRefusedError: The exchange did not accept it.
            OutcomeUnknownError: It may have been accepted: look for its `client_order_id`.
        """
        ...

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder:
        """Cancel an order.

        Raises:
            NotFoundError: It is not open.
            OrderRefusedError: The exchange did not cancel it.
            OutcomeUnknownError: It may have been cancelled: read it again.
        """
        ...


@final
class RequestTime:
    """The time that the requests of one client may take; without a limit until there is one."""

    def __init__(self) -> None:
        """Have no limit."""
        self._left_s: Callable[[], float] = lambda: math.inf

    def limit(self, left_s: Callable[[], float]) -> None:
        """Let no request take longer than `left_s` says when it begins; 0 sends none."""
        self._left_s = left_s

    @property
    def left_s(self) -> float:
        """Seconds that a request may take that begins now."""
        return self._left_s()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SignedClient:
    """A client that signs for one account; what may only look gets `reads` alone."""

    reads: AccountReads
    orders: AccountOrders
    time: RequestTime = field(default_factory=RequestTime)
