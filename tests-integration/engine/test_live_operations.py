"""A live session in the hands of operators: paused, stopped by a policy, killed, started again."""

import json
import signal
from pathlib import Path
from typing import Any, Final

import pytest
from engine.live_desk import TERMS, Desk, engine_of, is_running, poll_until
from engine.venue.control import Venue

HELD: Final = 75
PATIENCE_S: Final = 300
STILL_OPEN: Final = {"NEW", "PARTIALLY_FILLED"}
# So low that no entry for ETH is filled.
PRICES: Final = {"ETHUSDT": 3_000}


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk whose plan is approved, with a policy that cancels everything at a stop."""
    venue.set(prices=PRICES)
    desk = Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")
    desk.approve(*("cancel-all" if word == "keep" else word for word in TERMS))
    venue.reset()
    venue.set(prices=PRICES)
    return desk


def test_operators_pause_resume_and_stop_a_session_which_leaves_no_order_open(
    desk: Desk, venue: Venue
) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 2)
    folder = desk.newest_run()
    second = desk.run("run")
    # Another place of leases: the database is theirs still.
    place = desk.environ["TRADAI_LIVE_LEASE"]
    desk.environ["TRADAI_LIVE_LEASE"] = f"file:{desk.folder}/other-leases"
    third = desk.run("run")
    desk.environ["TRADAI_LIVE_LEASE"] = place
    paused = desk.operate("stop", "trips", "--pause", "--reason", "a test")
    shown = desk.operate("status", "trips")
    resumed = desk.operate("stop", "trips", "--run", "--reason", "a test")
    desk.wait_for(session, lambda: bool(_open(venue)))
    stopped = desk.operate("stop", "trips", "--reason", "the market is closed")
    code = session.wait(PATIENCE_S)

    log = (desk.folder / "session.log").read_text()
    for done in (paused, shown, resumed, stopped):
        assert done.returncode == 0, done.stderr
    assert "paused" in shown.stdout
    assert (second.returncode, third.returncode, code) == (HELD, HELD, 0), log + second.stderr
    verdicts = [row["verdict"] for row in _manifests(desk) if row["exit_code"] == HELD]
    assert [folder.name in text and "\n" not in text for text in verdicts] == [True, True]
    assert "the market is closed" in log
    assert _open(venue) == []
    drain = _drain(folder)
    assert (drain["policy"], drain["is_reconciled"]) == ("cancel-all", True)
    assert drain["lost"] == drain["left"] == drain["problems"] == []


def test_a_session_that_is_killed_leaves_no_engine_and_no_entry(desk: Desk, venue: Venue) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: bool(_open(venue)))
    engine = engine_of(session.pid)
    was_running = is_running(engine)
    session.kill()
    session.wait()

    poll_until(lambda: (desk.newest_run() / "watchdog.jsonl").exists() and not _open(venue))
    placed = len(venue.orders())

    assert was_running
    assert not is_running(engine)
    assert _open(venue) == []
    assert len(venue.orders()) == placed


@pytest.mark.deep
def test_a_session_that_was_killed_starts_again_with_the_books_of_the_one_before(
    desk: Desk, venue: Venue
) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: bool(_open(venue)))
    session.kill()
    session.wait()
    placed = len(venue.orders())

    again = desk.start("run")
    desk.wait_for(again, lambda: len(venue.orders()) > placed + 1)
    again.send_signal(signal.SIGTERM)
    code = again.wait(PATIENCE_S)

    assert code == 0, (desk.folder / "session.log").read_text()
    assert _drain(desk.newest_run())["lost"] == []


def _manifests(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in desk.runs.glob("*/manifest.json")]


def _open(venue: Venue) -> list[dict[str, Any]]:
    return [row for row in venue.orders() if row["status"] in STILL_OPEN]


def _drain(folder: Path) -> dict[str, Any]:
    manifest = json.loads((folder / "manifest.json").read_text())
    drain: dict[str, Any] = manifest["live"]["drain"]
    return drain
