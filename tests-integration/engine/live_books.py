"""The books of a live session against those of the exchange, which has the last word."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from engine.drained_engine import signed_client
from engine.live_desk import Desk
from engine.venue.control import Venue
from engine.venue.keys import TRADER
from engine.venue.market import STEP, base_of

Row = dict[str, Any]

_OPEN: Final = {"NEW", "PARTIALLY_FILLED"}
# Of one trade; half as much again would be a second one.
_MOST_VALUE: Final = Decimal(150)
# Of a position, which is rounded down after each fee.
_DUST: Final = 2 * Decimal(STEP)


def is_open(row: Row) -> bool:
    """Return whether an order of the exchange is open."""
    return row["status"] in _OPEN


def contradictions(desk: Desk, venue: Venue, *, said: str) -> Iterator[str]:
    """Yield each thing that the books of the exchange show and no session may do.

    Args:
        desk: The desk, whose database has the books of the sessions.
        venue: The exchange.
        said: Everything that the sessions said: an order or a coin that is named is not lost.
    """
    orders, booked = venue.orders(), _booked(desk)
    yield from _doubled(orders)
    for order_id, filled in booked.items():
        at_venue = next((row for row in orders if str(row["orderId"]) == order_id), None)
        if at_venue is None or Decimal(at_venue["executedQty"]) < filled:
            yield f"the fill of order {order_id} was invented: {filled}, and {at_venue}"
    for row in orders:
        matters = is_open(row) or Decimal(row["executedQty"]) > 0
        is_named = f"order {row['orderId']} " in said or f"({row['orderId']})" in said
        if matters and str(row["orderId"]) not in booked and not is_named:
            yield from () if _names_coin(said, row["symbol"]) else (f"lost: {row}",)
    yield from _positions(desk, venue, said=said)


def _booked(desk: Desk) -> dict[str, Decimal]:
    if not desk.database.exists():
        return {}
    rows = desk.booked("SELECT order_id, filled FROM orders")
    return {str(order_id): Decimal(str(filled or 0)) for order_id, filled in rows}


def _doubled(orders: Sequence[Row]) -> Iterator[str]:
    """Yield what was bought twice: two bids for a coin at once, or more than one trade's stake."""
    ids = [row["clientOrderId"] for row in orders]
    if len(set(ids)) < len(ids):
        yield f"an id was used twice: {ids}"
    spent: dict[str, Decimal] = defaultdict(Decimal)
    last_bid: dict[str, Row] = {}
    for row in orders:
        symbol, value = row["symbol"], Decimal(row["cummulativeQuoteQty"])
        if row["side"] == "SELL":
            spent[symbol] -= value
            continue
        spent[symbol] += value
        if spent[symbol] > _MOST_VALUE:
            yield f"bought twice: {row}"
        before = last_bid.get(symbol)
        if before and (is_open(before) or before["updateTime"] > row["time"]):
            yield f"two bids at once: {before} and {row}"
        last_bid[symbol] = row


def _positions(desk: Desk, venue: Venue, *, said: str) -> Iterator[str]:
    """Yield the coins of which the account has another amount than the database."""
    held = {each.asset: each for each in _balances(venue)}
    booked: dict[str, Decimal] = defaultdict(Decimal)
    if desk.database.exists():
        for pair, amount in desk.booked("SELECT pair, amount FROM trades WHERE is_open"):
            booked[pair.partition("/")[0]] += Decimal(str(amount or 0))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        coin = base_of(symbol)
        amount = held[coin].free + held[coin].locked if coin in held else Decimal()
        if abs(amount - booked[coin]) >= _DUST and not _names_coin(said, symbol):
            yield f"{coin}: {amount} at the exchange, {booked[coin]} in the database"


def _balances(venue: Venue) -> Sequence[Any]:
    return signed_client(venue.url, TRADER).reads.fetch_account().balances


def _names_coin(said: str, symbol: str) -> bool:
    """Return whether a refusal names the coin that nothing explains."""
    return f"the account holds {base_of(symbol)} " in said
