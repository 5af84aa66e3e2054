"""The approved limits of risks on the real engine: a loss halts, orders pause, rejections drain."""

import json
import signal
from pathlib import Path
from typing import Any, Final

import pytest
from engine.live_desk import TERMS, Desk
from engine.venue.control import Venue
from engine.venue.faults import Fault

HALTED: Final = 79
PATIENCE_S: Final = 300
# ETH so low that no entry for it is filled.
BEFORE: Final = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
# Of the 100 that are in BTC, this takes 8, which is 0.08 % of the account's 10,000.
AFTER: Final = {"BTCUSDT": 55_000, "ETHUSDT": 3_000}


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk at which nothing is approved yet."""
    return Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")


def test_a_loss_halts_the_session_and_each_later_one_until_a_person_clears_it(
    desk: Desk, venue: Venue
) -> None:
    _hold(desk)
    _approve(desk, venue, drawdown="halt=0.0005")
    session = desk.start("run")
    desk.wait_for(session, lambda: _holds_btc(venue) and _marks(desk) is not None)
    venue.set(prices=AFTER)
    code = session.wait(PATIENCE_S)
    log = (desk.folder / "session.log").read_text()
    manifest, status = desk.manifest(), desk.operate("status", "trips", "--json")
    sent = len(venue.orders())

    refused = desk.run("run")
    cleared = desk.operate("resume", "--reason", "a test", "--by", "Ada Example", "--new-marks")
    again = desk.start("run")
    desk.wait_for(again, lambda: _marks(desk) is not None and _state(desk) == "running")
    again.send_signal(signal.SIGTERM)

    assert (code, manifest["exit_code"]) == (HALTED, HALTED), log
    assert "drawdown is 0.000" in manifest["verdict"]
    assert "0.0005 halts" in manifest["verdict"]
    assert manifest["live"]["drain"]["problems"] == []
    assert json.loads(status.stdout)["state"] == "halted"
    assert refused.returncode == HALTED, refused.stderr
    assert "trading was halted at" in refused.stderr
    assert cleared.returncode == 0, cleared.stderr
    assert again.wait(PATIENCE_S) == 0, (desk.folder / "session.log").read_text()
    assert desk.manifest()["live"]["risks"]["action"] == "none"
    assert sent >= 2


@pytest.mark.deep
def test_many_orders_pause_the_session_and_no_operator_ends_that_before_they_are_over(
    desk: Desk, venue: Venue
) -> None:
    _approve(desk, venue, **{"order-rate": "release=1,pause=3,drain=100"})
    session = desk.start("run")
    desk.wait_for(session, lambda: _state(desk) == "paused")
    asked = desk.operate("stop", "trips", "--run", "--detach", "--reason", "a test")
    sent = len(venue.orders())
    desk.wait_for(session, lambda: _state(desk) == "running")
    session.send_signal(signal.SIGTERM)
    code = session.wait(PATIENCE_S)

    log = (desk.folder / "session.log").read_text()
    assert asked.returncode == 0, asked.stderr
    assert code == 0, log
    actions = [(row["start"], row["end"]) for row in _journal(desk, "risk_action")]
    assert actions[:2] == [("none", "pause"), ("pause", "none")]
    moves = [row["end"] for row in _journal(desk, "session_moved")]
    assert moves[:4] == ["warm-up", "running", "paused", "running"]
    # After a pause, open positions are closed, and nothing more is bought.
    assert sent <= 8


@pytest.mark.deep
def test_orders_that_the_exchange_rejects_drain_the_session(desk: Desk, venue: Venue) -> None:
    _approve(desk, venue, **{"rejected-orders": "drain=2"})
    venue.script("POST /api/v3/order", Fault.REJECTED_ORDER, times=1000)

    session = desk.start("run")
    code = session.wait(PATIENCE_S)

    log = (desk.folder / "session.log").read_text()
    assert code == 0, log
    assert "rejected-orders is" in desk.manifest()["verdict"]
    assert venue.orders() == []


def _hold(desk: Desk) -> None:
    """Have the strategy keep what it buys."""
    config = desk.folder / "live.yaml"
    config.write_text(config.read_text().replace("RoundTrips", "Holds"))


def _approve(desk: Desk, venue: Venue, **limits: str) -> None:
    """Approve with these limits, the others as usual, on an exchange that begins anew."""
    given = [f"{name}:{limit}" for name, limit in limits.items()]
    usual = [word for word in TERMS if ":" in word and word.partition(":")[0] not in limits]
    terms = TERMS[: TERMS.index("--limit")]
    venue.set(prices=BEFORE)
    desk.approve(*terms, *(word for row in (*usual, *given) for word in ("--limit", row)))
    venue.reset()
    venue.set(prices=BEFORE)


def _holds_btc(venue: Venue) -> bool:
    return any(row["symbol"] == "BTCUSDT" and row["status"] == "FILLED" for row in venue.orders())


def _marks(desk: Desk) -> dict[str, Any] | None:
    """Return the marks of losses that are stored; None before the first equity."""
    path = desk.folder / "halts-risks" / "binance-4242424242-trips.json"
    marks: dict[str, Any] | None = json.loads(path.read_text())["marks"] if path.exists() else None
    return marks


def _state(desk: Desk) -> str:
    path = desk.folder / "sessions" / "trips.json"
    if not path.exists():
        return "none"
    state: str = json.loads(path.read_text())["state"]
    return state


def _journal(desk: Desk, event: str) -> list[dict[str, Any]]:
    newest = max(desk.runs.iterdir(), key=lambda folder: folder.stat().st_ctime_ns)
    rows = map(json.loads, (newest / "journal.jsonl").read_text().splitlines())
    return [row.get("facts", row) for row in rows if row["event"] == event]
