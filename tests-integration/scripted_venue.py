"""A scripted exchange on a virtual clock, without a server: for tests of a stop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar

from tradai.core import Market
from tradai.core.exceptions import ExternalServiceError, NotFoundError
from tradai.core.testing import FixedClock

# Not through the door: the account of a live session is not public.
from tradai.entrypoint._live._account.account import (
    AccountState,
    Balance,
    ExchangeOrder,
    KeyRights,
    NewOrder,
    OrderStatus,
    RequestTime,
)
from tradai.entrypoint._live._account.account_errors import (
    ExchangeRateLimitedError,
    OrderRefusedError,
    OutcomeUnknownError,
)

T = TypeVar("T")
PREFIX: Final = "x-0123456789ab"
REQUEST_S: Final = 0.1
CLIENT_TIMEOUT_S: Final = 10.0
BAN_S: Final = 120.0
MARKETS: Final = {
    f"{base}USDT": Market.model_validate(
        {
            "pair": f"{base}/USDT",
            "market_type": "spot",
            "base": base,
            "quote": "USDT",
            "status": "active",
            "tick": "0.01",
            "step": "0.001",
            "min_notional": "5",
        }
    )
    for base in ("BTC", "ETH", *(f"C{number}" for number in range(10)))
}


class KilledError(BaseException):
    """The process was killed: nothing of it runs on."""


@dataclass
class ScriptedVenue:
    """Orders and balances of one account; a request takes time and can go wrong.

    Attributes:
        faults: By request (`cancel`, `place`, `open`, `order`, `orders`, `account`): what happens
            to the next ones: `lost` and `hang` (served or not, without an answer), `refused`,
            `down`, `banned` (as are all later ones), or a function that is called before the
            request is served.
        killed_at: Number of the request at which the process is killed, once it was served.
        time: Time that a request may take; one that would take longer is served, and not answered.
        changed_at_s: Times at which orders were changed by requests.
        coming: Events to come, each with the time from which a request sees it.
    """

    clock: FixedClock
    request_s: float = REQUEST_S
    orders: list[ExchangeOrder] = field(default_factory=list)
    coins: dict[str, Decimal] = field(default_factory=dict)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    is_hanging: bool = False
    is_banned: bool = False
    time: RequestTime = field(default_factory=RequestTime)
    changed_at_s: list[float] = field(default_factory=list)
    coming: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    killed_at: int | None = None

    def add(self, symbol: str = "BTCUSDT", **terms: Any) -> ExchangeOrder:
        """Add an order; an open entry of ours when nothing else is said."""
        number = str(len(self.orders) + 1)
        given: dict[str, Any] = {
            "side": "buy",
            "status": OrderStatus.OPEN,
            "amount": Decimal(1),
            "filled": Decimal(0),
            "client_order_id": f"{PREFIX}{number:0>22}",
            "price": Decimal(100),
            "stop_price": None,
        } | terms
        value = given["filled"] * 100
        order = ExchangeOrder(symbol=symbol, value=value, **{"order_id": number} | given)
        self.orders.append(order)
        return order

    def stop(self, symbol: str = "BTCUSDT", **terms: Any) -> ExchangeOrder:
        """Add an open protective stop."""
        return self.add(symbol, **{"side": "sell", "stop_price": Decimal(90)} | terms)

    def change(self, order: ExchangeOrder, **terms: Any) -> ExchangeOrder:
        """Change an order as the market does; what is filled goes to the balances."""
        new = replace(self.find(order), **terms)
        sign = 1 if order.side == "buy" else -1
        self._give(order.symbol, sign * (new.filled - self.find(order).filled))
        self.orders[int(order.order_id) - 1] = new
        return new

    def fill(self, order: ExchangeOrder) -> ExchangeOrder:
        """Fill the whole of an order."""
        return self.change(order, filled=order.amount, status=OrderStatus.FILLED)

    def find(self, order: ExchangeOrder) -> ExchangeOrder:
        """Return an order as it is now."""
        return self.orders[int(order.order_id) - 1]

    def _give(self, symbol: str, amount: Decimal) -> None:
        base = symbol.removesuffix("USDT")
        self.coins[base] = self.coins.get(base, Decimal()) + amount

    def _serve(self, name: str, action: Callable[[], T], *, client_id: str = "") -> T:
        self._catch_up()
        left_s = self.time.left_s
        if left_s <= 0:
            raise _outage("no time is left", name)
        fault = (self.faults.get(name) or [None]).pop(0)
        self._check_ban(name, fault)
        self.requests.append(name)
        if fault is None and self.request_s > left_s:
            fault = "lost"
        if self.is_hanging or fault in {"hang", "lost"}:
            self._stay_silent(name, fault, action, client_id=client_id, left_s=left_s)
        self.clock.sleep(self.request_s)
        if fault == "refused":
            raise OrderRefusedError("not allowed", service="x", operation=name, reason="-2010")
        if fault == "down":
            raise _outage("503", name)
        if callable(fault):
            fault()
        self._catch_up()
        self._note_change(client_id)
        answer = action()
        if len(self.requests) == self.killed_at:
            raise KilledError
        return answer

    def _check_ban(self, name: str, fault: object) -> None:
        self.is_banned = self.is_banned or fault == "banned"
        if self.is_banned:
            raise ExchangeRateLimitedError(
                "banned", service="x", operation=name, retry_after_s=BAN_S
            )

    def _stay_silent(
        self,
        name: str,
        fault: object,
        action: Callable[[], object],
        *,
        client_id: str,
        left_s: float,
    ) -> NoReturn:
        """Serve a request whose answer is lost, and no other; raise as the client does."""
        is_lost = fault == "lost" and not self.is_hanging
        self.clock.sleep(min(left_s, 0.1 if is_lost else CLIENT_TIMEOUT_S))
        if is_lost:
            self._note_change(client_id)
            action()
        if client_id:
            raise OutcomeUnknownError(
                "no answer", service="x", operation=name, client_order_id=client_id
            )
        raise _outage("no answer", name)

    def _catch_up(self) -> None:
        due = [event for at_s, event in self.coming if at_s <= self.clock()]
        self.coming = [row for row in self.coming if row[0] > self.clock()]
        for event in due:
            event()

    def _note_change(self, client_id: str) -> None:
        if client_id:
            self.changed_at_s.append(self.clock())

    # The reads and orders of a signed client.

    def fetch_open_orders(self) -> Sequence[ExchangeOrder]:
        return self._serve("open", lambda: [o for o in self.orders if o.status == "open"])

    def fetch_order(self, pair: str, client_order_id: str) -> ExchangeOrder:
        def find() -> ExchangeOrder:
            for order in self.orders:
                if (pair_of(order), order.client_order_id) == (pair, client_order_id):
                    return order
            raise NotFoundError("no such order", kind="order", key=client_order_id)

        return self._serve("order", find)

    def fetch_order_by_id(self, pair: str, order_id: str) -> ExchangeOrder:
        def find() -> ExchangeOrder:
            for order in self.orders:
                if (pair_of(order), order.order_id) == (pair, order_id):
                    return order
            raise NotFoundError("no such order", kind="order", key=order_id)

        return self._serve("order", find)

    def fetch_orders_from(self, pair: str, order_id: str) -> Sequence[ExchangeOrder]:
        def later() -> list[ExchangeOrder]:
            rows = (each for each in self.orders if pair_of(each) == pair)
            return [each for each in rows if int(each.order_id) >= int(order_id)]

        return self._serve("orders", later)

    def fetch_orders(self, pair: str, *, since: datetime) -> Sequence[ExchangeOrder]:
        assert since.tzinfo is not None

        def find() -> Sequence[ExchangeOrder]:
            if pair.replace("/", "") not in MARKETS:
                raise ExternalServiceError("Invalid symbol.", service="x", operation="orders")
            return [order for order in self.orders if pair_of(order) == pair]

        return self._serve("orders", find)

    def fetch_account(self) -> AccountState:
        def read() -> AccountState:
            rows = [
                Balance(asset=asset, free=amount, locked=Decimal())
                for asset, amount in self.coins.items()
            ]
            return AccountState(uid="1", may_trade=True, balances=tuple(rows))

        return self._serve("account", read)

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder:
        def end() -> ExchangeOrder:
            if self.find(order).status is not OrderStatus.OPEN:
                raise NotFoundError("Unknown order sent.", kind="order", key=order.order_id)
            return self.change(order, status=OrderStatus.CANCELLED)

        return self._serve("cancel", end, client_id=order.client_order_id)

    def place(self, order: NewOrder) -> ExchangeOrder:
        def sell() -> ExchangeOrder:
            symbol = order.pair.replace("/", "")
            free = self.coins.get(symbol.removesuffix("USDT"), Decimal())
            locked = sum(
                o.amount - o.filled
                for o in self.orders
                if o.symbol == symbol and o.side == "sell" and o.status == "open"
            )
            if order.amount > free - locked:
                raise OrderRefusedError(
                    "insufficient balance", service="x", operation="place", reason="-2010"
                )
            placed = self.add(
                symbol,
                side="sell",
                amount=order.amount,
                client_order_id=order.client_order_id,
                price=None,
            )
            return self.fill(placed)

        return self._serve("place", sell, client_id=order.client_order_id)

    def fetch_key_rights(self) -> KeyRights:
        raise NotImplementedError

    def measure_clock(self) -> float:
        raise NotImplementedError

    @property
    def reads_sent(self) -> int:
        """The number of requests that changed nothing."""
        return sum(name not in {"cancel", "place"} for name in self.requests)


def _outage(why: str, operation: str) -> ExternalServiceError:
    return ExternalServiceError(why, service="x", operation=operation, retryable=True)


def pair_of(order: ExchangeOrder) -> str:
    """Return the pair of an order."""
    return f"{order.symbol.removesuffix('USDT')}/USDT"
