"""A live session that runs and starts again: its probes, its pause, and its keys."""

import http.client
import json
import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from engine.live_books import contradictions
from engine.live_desk import Desk, engine_of, poll_until
from engine.venue.control import Venue
from engine.venue.keys import SECOND, TRADER, ApiKey

PATIENCE_S: Final = 300
CONFIGURATION: Final = 78
OK: Final = 200
UNAVAILABLE: Final = 503
STALLED: Final = 81
# Breaks off a loop after the first entries.
BREAKS_OFF: Final = """
    loops = 0

    def informative_pairs(self) -> list:
        from freqtrade.exceptions import OperationalException

        self.loops += 1
        if self.loops > 15:
            raise OperationalException("the model server is gone")
        return []
"""
STILL_OPEN: Final = {"NEW", "PARTIALLY_FILLED"}
# So low that no entry for ETH is filled.
PRICES: Final = {"ETHUSDT": 3_000}


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk at which nothing is approved yet, whose keys are in files."""
    venue.set(prices=PRICES)
    desk = Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")
    desk.environ |= {
        "TRADAI_LIVE_API_KEY": f"file:{tmp_path}/secrets/key",
        "TRADAI_LIVE_API_SECRET": f"file:{tmp_path}/secrets/secret",
    }
    (tmp_path / "secrets").mkdir()
    _store(desk, TRADER)
    return desk


@pytest.mark.deep
def test_probes_say_that_a_frozen_engine_is_not_ready_and_that_its_session_lives(
    desk: Desk, venue: Venue
) -> None:
    desk.environ["TRADAI_LIVE_PROBE_PORT"] = "0"
    desk.approve()
    session = desk.start("run")
    desk.wait_for(session, lambda: "probes listening" in _events(desk))
    port = _facts(desk, "probes listening")["port"]
    early = _ask(port, "startup")
    desk.wait_for(session, lambda: _ask(port, "ready")[0] == OK and bool(venue.orders()))
    running = {name: _ask(port, name) for name in ("live", "ready", "startup")}

    engine = engine_of(session.pid)
    os.kill(engine, signal.SIGSTOP)
    desk.wait_for(session, lambda: _ask(port, "ready")[0] == UNAVAILABLE)
    frozen = {name: _ask(port, name) for name in ("live", "ready", "startup")}
    shown = json.loads(desk.operate("status", "trips", "--json").stdout)
    os.kill(engine, signal.SIGCONT)
    desk.wait_for(session, lambda: _ask(port, "ready")[0] == OK)
    session.send_signal(signal.SIGTERM)
    code = session.wait(PATIENCE_S)

    assert early == (UNAVAILABLE, {"ok": False, "problem": "the engine has not started"})
    assert running == dict.fromkeys(running, (OK, {"ok": True}))
    assert (frozen["live"][0], frozen["startup"][0]) == (OK, OK)
    assert "the engine's loop has made no turn" in frozen["ready"][1]["problem"]
    assert shown["beat_age_s"] < 30 < shown["progress_age_s"]
    assert code == 0, (desk.folder / "session.log").read_text()
    assert desk.manifest()["live"]["probe_port"] == port


def test_an_engine_that_stops_trading_by_itself_is_drained_and_people_are_told(
    desk: Desk, venue: Venue
) -> None:
    source = desk.folder / "strategies" / "round_trips.py"
    source.write_text(source.read_text() + BREAKS_OFF)
    desk.approve()

    code = desk.start("run").wait(PATIENCE_S)

    log, manifest = (desk.folder / "session.log").read_text(), desk.manifest()
    assert code == manifest["exit_code"] == STALLED, log
    assert "OperationalException: the model server is gone" in manifest["verdict"]
    assert "stalled: the engine stopped trading by itself" in log
    assert manifest["live"]["drain"]["problems"] == []
    assert _moves(desk) == ["warm-up", "running", "draining", "failed"]
    assert venue.orders()


def test_keys_are_rotated_while_a_position_and_its_stop_are_kept(desk: Desk, venue: Venue) -> None:
    configuration = desk.folder / "live.yaml"
    configuration.write_text(configuration.read_text().replace("RoundTrips", "Holds"))
    desk.approve()
    code = _stopped_after(desk, lambda: bool(_stops(venue)))
    kept = _stops(venue), _filled(venue)
    venue.set(deleted_keys=[TRADER.key])

    refused = desk.run("run")
    _store(desk, SECOND)
    asked = venue.signed()["GET /api/v3/order"]
    # The engine asks for its stop in each of its loops.
    code_again = _stopped_after(desk, lambda: venue.signed()["GET /api/v3/order"] >= asked + 5)

    log = (desk.folder / "session.log").read_text()
    assert (code, refused.returncode, code_again) == (0, CONFIGURATION, 0), log
    assert "refuses the API key" in refused.stderr
    assert (_stops(venue), _filled(venue)) == kept
    drain = desk.manifest()["live"]["drain"]
    assert drain["is_reconciled"], drain
    assert drain["lost"] == drain["problems"] == []
    assert list(drain["left_positions"]) == ["BTC/USDT"]
    texts = [path.read_bytes() for path in desk.runs.rglob("*") if path.is_file()]
    hidden = [each.encode() for key in (TRADER, SECOND) for each in (key.key, key.secret)]
    assert not any(secret in text for secret in hidden for text in texts)


def test_orders_that_were_kept_and_filled_while_no_session_ran_are_booked_at_the_next_start(
    desk: Desk, venue: Venue
) -> None:
    configuration = desk.folder / "live.yaml"
    patient = {
        "RoundTrips": "Holds",
        "{entry: 3, exit: 30, unit: seconds}": "{entry: 30, exit: 30}",
    }
    for old, new in patient.items():
        assert old in configuration.read_text()
        configuration.write_text(configuration.read_text().replace(old, new))
    venue.set(prices={"BTCUSDT": 60_000, **PRICES})
    desk.approve()
    code = _stopped_after(desk, lambda: bool(_stops(venue)) and bool(_entries(venue)))
    (stop,), (bid,) = _stops(venue), _entries(venue)

    # Below the stop of BTC, and below the bid for ETH.
    venue.set(prices={"BTCUSDT": 47_900, "ETHUSDT": 2_600})
    filled = {row["orderId"]: row["status"] for row in venue.orders()}
    code_again = _stopped_after(desk, lambda: _is_booked(desk, stop) and _is_booked(desk, bid))

    log = (desk.folder / "session.log").read_text()
    assert (code, filled[stop["orderId"]], filled[bid["orderId"]]) == (0, "FILLED", "FILLED"), log
    assert code_again == 0, log
    row = desk.manifest()["live"]["checks"]["open orders"]
    assert "the engine books at its start: " in row
    assert f"({stop['orderId']})" in row
    assert f"({bid['orderId']})" in row
    assert list(contradictions(desk, venue, said="")) == []


@pytest.mark.deep
def test_a_session_that_was_killed_while_paused_opens_nothing_when_it_starts_again(
    desk: Desk, venue: Venue
) -> None:
    desk.approve()
    session = desk.start("run")
    desk.wait_for(session, lambda: bool(venue.orders()))
    paused = desk.operate("stop", "trips", "--pause", "--reason", "the news")
    session.kill()
    session.wait()
    poll_until(lambda: (desk.newest_run() / "watchdog.jsonl").exists() and not _entries(venue))
    placed = len([row for row in venue.orders() if row["side"] == "BUY"])

    again = desk.start("run")
    desk.wait_for(again, lambda: "paused" in _moves(desk))
    record = json.loads(desk.operate("status", "trips", "--json").stdout)
    desk.wait_for(again, lambda: _progress(desk) >= record["progress"] + 3)
    bought = len([row for row in venue.orders() if row["side"] == "BUY"])
    desk.operate("stop", "trips", "--run", "--reason", "it was nothing")
    desk.wait_for(again, lambda: len(venue.orders()) > placed)
    again.send_signal(signal.SIGTERM)
    code = again.wait(PATIENCE_S)

    assert paused.returncode == 0, paused.stderr
    assert bought == placed
    assert _moves(desk)[:3] == ["warm-up", "paused", "running"]
    assert code == 0, (desk.folder / "session.log").read_text()


def _stopped_after(desk: Desk, condition: Callable[[], bool]) -> int:
    """Run a session, stop it once it is running and `condition` holds, and return its code."""
    session = desk.start("run")
    desk.wait_for(session, lambda: "running" in _moves(desk) and condition())
    session.send_signal(signal.SIGTERM)
    return session.wait(PATIENCE_S)


def _is_booked(desk: Desk, row: dict[str, Any]) -> bool:
    """Whether the engine has booked the whole of an order."""
    query = "SELECT order_id, ft_pair FROM orders WHERE filled > 0 AND NOT ft_is_open"
    pair = row["symbol"].replace("USDT", "/USDT")
    return (str(row["orderId"]), pair) in desk.booked(query)


def _store(desk: Desk, key: ApiKey) -> None:
    """Write the key into the files that the settings refer to."""
    for name, text in (("key", key.key), ("secret", key.secret)):
        path = desk.folder / "secrets" / name
        path.write_text(text)
        path.chmod(0o600)


def _ask(port: int, question: str) -> tuple[int, dict[str, Any]]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", f"/{question}")
        answer = connection.getresponse()
        return answer.status, json.load(answer)


def _journal(desk: Desk) -> list[dict[str, Any]]:
    """Return the whole lines of the newest journal."""
    journal = desk.newest_run() / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True) if journal.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _events(desk: Desk) -> list[str]:
    return [row["event"] for row in _journal(desk)]


def _facts(desk: Desk, event: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row["facts"] for row in _journal(desk) if row["event"] == event)
    return found


def _moves(desk: Desk) -> list[str]:
    return [row["facts"]["end"] for row in _journal(desk) if row["event"] == "session_moved"]


def _progress(desk: Desk) -> int:
    shown: int = json.loads(desk.operate("status", "trips", "--json").stdout)["progress"]
    return shown


def _stops(venue: Venue) -> list[dict[str, Any]]:
    rows = (row for row in venue.orders() if row["status"] in STILL_OPEN)
    return [row for row in rows if row["type"] == "STOP_LOSS_LIMIT"]


def _entries(venue: Venue) -> list[dict[str, Any]]:
    rows = (row for row in venue.orders() if row["status"] in STILL_OPEN)
    return [row for row in rows if row["side"] == "BUY"]


def _filled(venue: Venue) -> list[int]:
    return [row["orderId"] for row in venue.orders() if row["status"] == "FILLED"]
