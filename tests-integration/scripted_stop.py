"""A scripted engine, and the drain between it and a scripted venue, on a virtual clock."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from scripted_venue import MARKETS, PREFIX, ScriptedVenue, pair_of

from tradai.core.live import OrderPolicy
from tradai.core.testing import FixedClock
from tradai.entrypoint._live._account.account import ExchangeOrder, OrderStatus, SignedClient
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.traded_account import TradedAccount

# Not through the door: the stop of a live session is not public.
from tradai.entrypoint._live._drain.budget import StopBudget
from tradai.entrypoint._live._drain.drain import Drain
from tradai.entrypoint._live._drain.report import DrainReport

IN_FLIGHT_S: Final = 6.5


@dataclass
class ScriptedEngine:
    """An engine with a database that a test writes.

    Attributes:
        word_after_s: Time until it says that it stopped; None is never.
        ends_after_s: Time that it takes to end after SIGTERM.
        on_end: Called when it ends: its last acts.
    """

    clock: FixedClock
    booked: list[BookedOrder] = field(default_factory=list)
    word_after_s: float | None = 1.5
    ends_after_s: float = 0.5
    answers: bool = True
    on_end: Callable[[], object] = lambda: None
    calls: list[str] = field(default_factory=list)

    def book(self, *orders: ExchangeOrder, trade_is_open: bool = True) -> None:
        """Write orders of the exchange into the database, as they are now."""
        for order in orders:
            self.booked.append(booked(order, trade_is_open=trade_is_open))

    def pause_entries(self, timeout_s: float) -> bool:
        return self._call("pause", 0.05 if self.answers else timeout_s) and self.answers

    def stop_trading(self, timeout_s: float) -> bool:
        return self._call("stop", 0.05 if self.answers else timeout_s) and self.answers

    def wait_until_stopped(self, timeout_s: float) -> bool:
        has_word = self.word_after_s is not None and self.word_after_s <= timeout_s
        return self._call("word", self.word_after_s if has_word else timeout_s) and has_word

    def end(self, grace_s: float) -> bool:
        self._call("end", min(self.ends_after_s, grace_s))
        self.on_end()
        return self.ends_after_s <= grace_s

    def booked_orders(self) -> Sequence[BookedOrder]:
        self._call("books", 0.01)
        return tuple(self.booked)

    def _call(self, name: str, seconds: float | None) -> bool:
        self.calls.append(name)
        self.clock.sleep(seconds or 0.0)
        return True


def booked(order: ExchangeOrder, *, trade_is_open: bool = True, **terms: Any) -> BookedOrder:
    """Return an order of the exchange as the database has it."""
    row = BookedOrder(
        pair=pair_of(order),
        order_id=order.order_id,
        trade_id=1,
        side=order.side,
        is_stop=order.stop_price is not None,
        is_open=order.status is OrderStatus.OPEN,
        filled=order.filled,
        trade_is_open=trade_is_open,
    )
    return replace(row, **terms)


@dataclass
class Scene:
    """A venue, an engine, and the drain between them."""

    clock: FixedClock
    venue: ScriptedVenue
    engine: ScriptedEngine
    hurried_at_s: float | None = None

    @property
    def account(self) -> TradedAccount:
        """The account of the strategy."""
        return TradedAccount(
            client=SignedClient(reads=self.venue, orders=self.venue, time=self.venue.time),
            prefix=PREFIX,
            markets=MARKETS,
            since=datetime(2025, 1, 1, tzinfo=UTC),
        )

    def drain(
        self,
        policy: OrderPolicy,
        *,
        grace_s: float = 30.0,
        open_orders: int = 3,
        has_exchange_stops: bool = False,
        late_s: float = 0.0,
    ) -> DrainReport:
        """Stop the session, `late_s` after the signal."""
        began = self.clock()
        return Drain(
            self.engine,
            self.account,
            policy=policy,
            budget=StopBudget.plan(
                grace_s=grace_s, open_orders=open_orders, in_flight_s=IN_FLIGHT_S
            ),
            clock=self.clock,
            began_s=began - late_s,
            is_hurried=lambda: (
                self.hurried_at_s is not None and self.clock() - began >= self.hurried_at_s
            ),
            has_exchange_stops=has_exchange_stops,
        ).run()

    def position(self, symbol: str = "BTCUSDT", amount: str = "1") -> ExchangeOrder:
        """Let the strategy own coins that it bought."""
        entry = self.venue.fill(self.venue.add(symbol, amount=Decimal(amount)))
        self.engine.book(entry)
        return entry


def new_scene() -> Scene:
    """Return a scene without orders."""
    clock = FixedClock()
    return Scene(clock=clock, venue=ScriptedVenue(clock), engine=ScriptedEngine(clock))


def statuses(orders: Iterable[ExchangeOrder]) -> list[str]:
    """Return the states of orders."""
    return [order.status.value for order in orders]
