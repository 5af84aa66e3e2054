"""Laws of a stop in random schedules: orders, faults, fills that race it, a slow engine.

A private part: no command uses it before LIVE is permitted.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from hypothesis import given, strategies as st
from scripted_stop import Scene, new_scene
from scripted_venue import MARKETS, PREFIX, pair_of

from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import ExchangeOrder, OrderStatus
from tradai.entrypoint._live._drain.budget import StopStep
from tradai.entrypoint._live._drain.report import DrainReport
from tradai.entrypoint._process.exit_codes import ExitCode

SYMBOLS = list(MARKETS)[:3]
FAULTS = st.lists(st.sampled_from([None, None, "lost", "hang", "refused", "down"]), max_size=4)
REQUESTS = ("cancel", "place", "open", "order", "orders", "account")
FILLS = (Decimal(0), Decimal("0.25"), Decimal(1))


@dataclass
class Stopped:
    """A stop that was made, and the state before and after it."""

    scene: Scene
    before: list[ExchangeOrder]
    policy: OrderPolicy
    report: DrainReport
    began_s: float

    def now(self, order: ExchangeOrder) -> ExchangeOrder:
        return self.scene.venue.find(order)


@st.composite
def stops(draw: st.DrawFn, *, faults: st.SearchStrategy[list[str | None]] = FAULTS) -> Stopped:
    scene = new_scene()
    venue, engine = scene.venue, scene.engine
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True)):
        scene.position(symbol)
        # Coins that are not the strategy's.
        venue.coins[symbol.removesuffix("USDT")] += draw(st.sampled_from([0, 5]))
        if draw(st.booleans()):
            engine.book(venue.stop(symbol))
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), max_size=4)):
        is_ours, is_booked = draw(st.booleans()), draw(st.booleans())
        order = venue.add(symbol) if is_ours else venue.add(symbol, client_order_id="web")
        if is_ours and is_booked:
            engine.book(order)
        # It fills after the database has seen it, before or during the stop.
        filled = draw(st.sampled_from(FILLS))
        if filled:
            status = OrderStatus.FILLED if filled == order.amount else OrderStatus.OPEN
            race = partial(_fill_if_open, scene, order, filled=filled, status=status)
            if draw(st.booleans()):
                race()
            else:
                venue.faults.setdefault("cancel", []).append(race)
    for name in REQUESTS:
        venue.faults.setdefault(name, []).extend(draw(faults))
    engine.word_after_s = draw(st.sampled_from([0.1, 3.0, None]))
    engine.ends_after_s = draw(st.sampled_from([0.1, 60.0]))
    engine.answers = draw(st.booleans())
    scene.hurried_at_s = draw(st.sampled_from([None, None, 0.0, 2.0]))
    before, policy = list(venue.orders), draw(st.sampled_from(OrderPolicy))
    began_s = scene.clock()
    return Stopped(scene, before, policy, scene.drain(policy), began_s)


def _fill_if_open(
    scene: Scene, order: ExchangeOrder, *, filled: Decimal, status: OrderStatus
) -> None:
    if scene.venue.find(order).status is OrderStatus.OPEN:
        scene.venue.change(order, filled=filled, status=status)


@given(stop=stops())
def test_a_stop_ends_in_time_with_every_step_and_a_report(stop: Stopped) -> None:
    # Reading the database takes 10 ms.
    assert stop.report.seconds <= 25 + 0.05
    assert all(at_s - stop.began_s <= 25 for at_s in stop.scene.venue.changed_at_s)
    assert {row.step for row in stop.report.steps} == set(StopStep)
    assert stop.scene.engine.calls.count("end") == 1


@given(stop=stops())
def test_an_order_of_another_client_is_never_cancelled(stop: Stopped) -> None:
    for order in stop.before:
        if not order.client_order_id.startswith(PREFIX):
            assert stop.now(order).status is not OrderStatus.CANCELLED


@given(stop=stops())
def test_a_clean_stop_has_done_its_policy_and_lost_no_order(stop: Stopped) -> None:
    if stop.report.verdict.exit_code is not ExitCode.DONE:
        return
    venue, engine = stop.scene.venue, stop.scene.engine
    booked = {(row.pair, row.order_id) for row in engine.booked}
    closings = {order.order_id for order in stop.report.closings}
    for order in venue.orders:
        if not order.client_order_id.startswith(PREFIX):
            continue
        is_open = order.status is OrderStatus.OPEN
        is_booked = (pair_of(order), order.order_id) in booked
        assert is_booked or order.order_id in closings or not (is_open or order.filled)
        if is_open and stop.policy is not OrderPolicy.KEEP:
            assert order.side == "sell"
        if is_open and stop.policy in {OrderPolicy.CANCEL_ALL, OrderPolicy.FLATTEN}:
            assert order.stop_price is not None


@given(stop=stops())
def test_a_position_loses_its_stop_to_its_closing_alone_or_is_named(stop: Stopped) -> None:
    for order in stop.before:
        last = stop.now(order)
        if order.stop_price is None or last.status is not OrderStatus.CANCELLED:
            continue
        assert stop.policy is OrderPolicy.FLATTEN
        pair = pair_of(order)
        is_closed = any(pair_of(closing) == pair for closing in stop.report.closings)
        assert is_closed or stop.report.verdict.exit_code is ExitCode.MISMATCH


@given(stop=stops())
def test_no_position_is_sold_twice(stop: Stopped) -> None:
    for symbol in SYMBOLS:
        orders = [order for order in stop.scene.venue.orders if order.symbol == symbol]
        bought = sum(order.filled for order in orders if order.side == "buy")
        sold = sum(order.filled for order in orders if order.side == "sell")
        assert sold <= bought


@given(stop=stops(faults=st.just([])))
def test_without_faults_a_stop_with_whole_books_is_clean(stop: Stopped) -> None:
    scene, booked = stop.scene, {row.order_id for row in stop.scene.engine.booked}
    ours = [order for order in stop.before if order.client_order_id.startswith(PREFIX)]
    others = [order for order in stop.before if order not in ours]
    is_whole = all(order.order_id in booked for order in ours)
    if not is_whole or scene.hurried_at_s is not None or others:
        return
    assert stop.report.verdict.exit_code is ExitCode.DONE, stop.report.problems
