"""Entries of a dead engine are cancelled until none comes up; whatever else is open stays."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from tradai.core import Utc
from tradai.core.exceptions import ExternalServiceError, NotFoundError
from tradai.core.testing import FixedClock
from tradai.entrypoint._live._account.account import (
    AccountState,
    ExchangeOrder,
    KeyRights,
    NewOrder,
    OrderStatus,
    SignedClient,
)
from tradai.entrypoint._live._account.account_errors import (
    ExchangeRateLimitedError,
    KeyRefusedError,
    OrderRefusedError,
    OutcomeUnknownError,
)
from tradai.entrypoint._live._watchdog.entry_cancel import EntryCancel

PREFIX: Final = "x-0123456789ab"
SETTLE_S: Final = 12.0
LIMIT_S: Final = 60.0


def _order(number: int, symbol: str = "ETHUSDT") -> ExchangeOrder:
    return ExchangeOrder(
        symbol=symbol,
        order_id=str(number),
        client_order_id=f"{PREFIX}{number:022}",
        side="buy",
        status=OrderStatus.OPEN,
        amount=Decimal(1),
        filled=Decimal(0),
        value=Decimal(0),
        price=Decimal(3_000),
        stop_price=None,
    )


def _keys(*numbers: int) -> set[tuple[str, str]]:
    return {("ETHUSDT", str(number)) for number in numbers}


def _failure(kind: str) -> Exception:
    venue, what = "binance", "a test"
    failures: dict[str, Exception] = {
        "outage": ExternalServiceError("no answer", service=venue, operation=what),
        "limit": ExchangeRateLimitedError(
            "wait", service=venue, operation=what, retry_after_s=30.0
        ),
        "refused": OrderRefusedError("not now", service=venue, operation=what, reason="-2011"),
        "unknown": OutcomeUnknownError(
            "no answer", service=venue, operation=what, client_order_id="x"
        ),
        "gone": NotFoundError("not open", kind="order", key="1"),
        "key": KeyRefusedError("the exchange refuses the key", key="exchange key"),
    }
    return failures[kind]


class Account:
    """Open orders on a virtual clock, and failures of the next looks and cancels."""

    def __init__(self, *orders: ExchangeOrder) -> None:
        self.clock = FixedClock()
        self.open = {(order.symbol, order.order_id): order for order in orders}
        self.late: dict[float, ExchangeOrder] = {}
        self.failing_looks: list[str] = []
        self.failing_cancels: list[str] = []
        self.looks: list[float] = []

    def fetch_account(self) -> AccountState:
        raise NotImplementedError

    def fetch_key_rights(self) -> KeyRights:
        raise NotImplementedError

    def fetch_order(self, pair: str, client_order_id: str) -> ExchangeOrder:
        raise NotImplementedError

    def fetch_order_by_id(self, pair: str, order_id: str) -> ExchangeOrder:
        raise NotImplementedError

    def fetch_orders_from(self, pair: str, order_id: str) -> Sequence[ExchangeOrder]:
        raise NotImplementedError

    def fetch_orders(self, pair: str, *, since: Utc) -> Sequence[ExchangeOrder]:
        raise NotImplementedError

    def measure_clock(self) -> float:
        raise NotImplementedError

    def place(self, order: NewOrder) -> ExchangeOrder:
        raise NotImplementedError

    def fetch_open_orders(self) -> Sequence[ExchangeOrder]:
        self.looks.append(self.clock())
        if self.failing_looks:
            raise _failure(self.failing_looks.pop(0))
        for at_s in [at_s for at_s in self.late if at_s <= self.clock()]:
            order = self.late.pop(at_s)
            self.open[order.symbol, order.order_id] = order
        return tuple(self.open.values())

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder:
        if self.failing_cancels:
            kind = self.failing_cancels.pop(0)
            if kind == "gone":
                del self.open[order.symbol, order.order_id]
            raise _failure(kind)
        return self.open.pop((order.symbol, order.order_id))

    def cancel_entries(self) -> EntryCancel:
        client = SignedClient(reads=self, orders=self)
        cancel = EntryCancel(client, prefix=PREFIX, clock=self.clock)
        cancel.run(settle_s=SETTLE_S, limit_s=LIMIT_S)
        return cancel


def test_entries_of_the_engine_are_cancelled_and_nothing_else() -> None:
    stop = replace(_order(2), side="sell", stop_price=Decimal(2_900))
    stranger = replace(_order(3), client_order_id="x-ffffffffffff0000000000000000000003")
    account = Account(_order(1), stop, stranger)

    cancel = account.cancel_entries()

    assert set(account.open) == _keys(2, 3)
    assert set(cancel.cancelled) == _keys(1)
    assert (cancel.is_clear, cancel.left, cancel.problem) == (True, {}, None)


def test_an_order_that_arrives_after_the_end_of_the_engine_is_cancelled_too() -> None:
    account = Account()
    account.late = {1.0: _order(1), SETTLE_S - 1: _order(2)}

    cancel = account.cancel_entries()

    assert set(cancel.cancelled) == _keys(1, 2)
    assert cancel.is_clear
    assert account.looks[-1] >= SETTLE_S


@pytest.mark.parametrize("kind", ["outage", "limit", "refused", "unknown"])
def test_a_cancel_that_failed_is_tried_again(kind: str) -> None:
    account = Account(_order(1))
    account.failing_cancels = [kind] * 2

    cancel = account.cancel_entries()

    assert (set(cancel.cancelled), cancel.is_clear) == (_keys(1), True)


@pytest.mark.parametrize("kind", ["outage", "limit"])
def test_a_look_that_failed_is_tried_again(kind: str) -> None:
    account = Account(_order(1))
    account.failing_looks = [kind]

    cancel = account.cancel_entries()

    assert (set(cancel.cancelled), cancel.is_clear) == (_keys(1), True)


def test_the_exchange_is_left_alone_for_as_long_as_it_asks() -> None:
    account = Account(_order(1))
    account.failing_looks = ["limit"]

    account.cancel_entries()

    assert account.looks == [0.0, 30.0]


def test_an_entry_that_was_filled_in_the_meantime_is_not_left() -> None:
    account = Account(_order(1))
    account.failing_cancels = ["gone"]

    cancel = account.cancel_entries()

    assert (cancel.cancelled, cancel.left, cancel.is_clear) == ({}, {}, True)


def test_an_entry_that_cannot_be_cancelled_is_named_when_the_time_is_over() -> None:
    account = Account(_order(1), _order(2))
    account.failing_cancels = ["refused"] * 1_000

    cancel = account.cancel_entries()

    assert set(cancel.left) == _keys(1, 2)
    assert (cancel.is_clear, cancel.problem) == (False, "not now")
    assert account.clock() <= LIMIT_S


def test_orders_of_several_markets_may_have_one_number() -> None:
    """Exchanges count the orders of each market apart."""
    orders = [_order(5, "BTCUSDT"), _order(5), _order(6)]
    account = Account(*orders)

    cancel = account.cancel_entries()

    assert account.open == {}
    assert [*cancel.cancelled.values()] == orders
    assert (cancel.is_clear, cancel.left) == (True, {})


def test_nothing_is_clear_when_the_last_look_failed() -> None:
    account = Account(_order(1))
    account.failing_looks = ["outage"] * 1_000

    cancel = account.cancel_entries()

    assert (cancel.is_clear, cancel.problem) == (False, "no answer")
    assert account.clock() <= LIMIT_S


def test_a_refused_key_is_not_tried_again() -> None:
    account = Account(_order(1))
    account.failing_looks = ["key"] * 2

    cancel = account.cancel_entries()

    assert len(account.looks) == 1
    assert (cancel.is_clear, cancel.problem) == (False, "the exchange refuses the key")
