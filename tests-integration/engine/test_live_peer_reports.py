"""Public reports on other trading systems, rebuilt on the real engine."""

import signal
from pathlib import Path
from typing import Final

import pytest
from engine.live_books import contradictions, is_open
from engine.live_desk import Desk
from engine.venue.control import Venue

PATIENCE_S: Final = 300
# So low that no entry for ETH is filled, and so low that each is.
BEFORE: Final = {"ETHUSDT": 3_000}
AFTER: Final = {"ETHUSDT": 2_500}


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk whose plan is approved, with a policy that keeps entries at a stop."""
    venue.set(prices=BEFORE)
    desk = Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")
    desk.approve()
    venue.reset()
    venue.set(prices=BEFORE)
    return desk


# Codaone/DEXBot#160, freqtrade/freqtrade#10436: an order was filled while the bot was away, and at
# its next start the bot did not know what it held.
@pytest.mark.deep
def test_an_entry_that_was_filled_while_no_session_ran_is_traded_on_by_the_next_one(
    desk: Desk, venue: Venue
) -> None:
    def kept() -> bool:
        rows = [row for row in venue.orders() if row["symbol"] == "ETHUSDT" and is_open(row)]
        return bool(rows) and rows[0]["orderId"] in _booked(desk)

    session = desk.start("run")
    desk.wait_for(session, kept)
    session.send_signal(signal.SIGTERM)
    codes = [session.wait(PATIENCE_S)]
    (entry,) = [row for row in venue.orders() if row["symbol"] == "ETHUSDT" and is_open(row)]
    venue.set(prices=AFTER)
    checked = desk.run("check").stdout

    again = desk.start("run")
    desk.wait_for(again, lambda: _is_booked_as_filled(desk, entry["orderId"]))
    again.send_signal(signal.SIGTERM)
    codes.append(again.wait(PATIENCE_S))

    said = (desk.folder / "session.log").read_text()
    assert codes == [0, 0], said
    assert "no holdings in our coins beside our positions" in " ".join(checked.split()), checked
    assert list(contradictions(desk, venue, said=said)) == []


def _booked(desk: Desk) -> set[int]:
    if not desk.database.exists():
        return set()
    return {int(row[0]) for row in desk.booked("SELECT order_id FROM orders")}


def _is_booked_as_filled(desk: Desk, order_id: int) -> bool:
    rows = desk.booked("SELECT order_id FROM orders WHERE filled > 0")
    return str(order_id) in {row[0] for row in rows}
