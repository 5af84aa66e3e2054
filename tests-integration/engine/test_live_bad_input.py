"""Bad input to a live session on the real engine: an exit code, one sentence and a manifest."""

import signal
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

import pytest
from engine.live_books import contradictions, is_open
from engine.live_desk import TERMS, Desk
from engine.venue.control import Venue

DATA, DOWN, FULL, HELD, MISMATCH, NOT_PERMITTED = 65, 69, 74, 75, 76, 77
PATIENCE_S: Final = 300
PRICES: Final = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk whose plan is approved, with a policy that cancels everything at a stop."""
    desk = Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")
    desk.approve(*("cancel-all" if word == "keep" else word for word in TERMS))
    venue.reset()
    venue.set(prices=PRICES)
    return desk


def refused(desk: Desk, outcome: "CompletedProcess[str]", code: int, *words: str) -> None:
    """Check the exit code, the one sentence and the manifest."""
    manifest = desk.manifest()
    assert outcome.returncode == manifest["exit_code"] == code, outcome.stderr
    assert manifest["state"] == "ended"
    assert "\n" not in manifest["verdict"]
    assert manifest["verdict"] in outcome.stderr
    for word in words:
        assert word in manifest["verdict"]
    assert "Traceback" not in outcome.stderr


def test_a_clock_that_is_10_minutes_off_is_refused_before_an_order(
    desk: Desk, venue: Venue
) -> None:
    venue.set(clock_offset_ms=600_000)

    refused(desk, desk.run("run"), NOT_PERMITTED, "this machine's clock is ")
    assert venue.orders() == []


def test_a_venue_that_is_down_at_the_start_is_refused_before_an_order(
    desk: Desk, venue: Venue
) -> None:
    venue.set(is_down=True)

    refused(desk, desk.run("run"), DOWN, "binance")
    assert venue.signed() == {}


def test_a_pair_that_was_delisted_over_night_is_refused_before_an_order(
    desk: Desk, venue: Venue
) -> None:
    venue.set(closed=["ETHUSDT"])

    refused(desk, desk.run("run"), DATA, "ETH/USDT")
    assert venue.orders() == []


def test_a_full_disk_is_refused_before_an_order(desk: Desk, venue: Venue, small_disk: Path) -> None:
    desk.environ["TRADAI_RUN_FOLDER"] = str(small_disk)
    desk.runs = small_disk

    refused(desk, desk.run("run"), FULL, "free")
    assert venue.orders() == []


@pytest.mark.deep
def test_a_venue_that_is_away_for_a_while_loses_no_order_of_a_session_which_goes_on(
    desk: Desk, venue: Venue
) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 2)
    venue.set(is_down=True)
    desk.wait_for(session, lambda: _engine_says(desk, "RemoteDisconnected", "not available"))
    venue.set(is_down=False)
    placed = len(venue.orders())
    desk.wait_for(session, lambda: len(venue.orders()) > placed)
    session.send_signal(signal.SIGTERM)
    code = session.wait(PATIENCE_S)

    said = (desk.folder / "session.log").read_text()
    assert code == desk.manifest()["exit_code"] == 0, said
    assert list(contradictions(desk, venue, said=said)) == []
    assert not any(map(is_open, venue.orders()))


@pytest.mark.deep
def test_a_venue_that_is_down_at_the_stop_is_named_and_its_orders_are_in_the_database(
    desk: Desk, venue: Venue
) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: any(map(is_open, venue.orders())))
    venue.set(is_down=True)
    session.send_signal(signal.SIGTERM)
    code = session.wait(PATIENCE_S)
    venue.set(is_down=False)

    said = (desk.folder / "session.log").read_text()
    manifest = desk.manifest()
    assert code == manifest["exit_code"] == MISMATCH, said
    assert "exchange and database were not compared" in manifest["live"]["drain"]["problems"]
    assert "binance did not serve" in manifest["verdict"]
    assert "\n" not in manifest["verdict"]
    assert list(contradictions(desk, venue, said=said)) == []
    checked = desk.run("check")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.deep
def test_a_disk_that_fills_up_while_a_session_trades_ends_it_without_a_lost_order(
    desk: Desk, venue: Venue, session_disk: Path
) -> None:
    desk.environ["TRADAI_RUN_FOLDER"] = str(session_disk)
    desk.runs = session_disk
    session = desk.start("run")
    desk.wait_for(session, lambda: any(map(is_open, venue.orders())))
    _fill(session_disk / "ballast")
    code = session.wait(PATIENCE_S)

    said = (desk.folder / "session.log").read_text()
    manifest = desk.manifest()
    assert code == manifest["exit_code"] == FULL, said
    assert "\n" not in manifest["verdict"]
    assert list(contradictions(desk, venue, said=said)) == []
    assert not any(map(is_open, venue.orders()))


def _engine_says(desk: Desk, *words: str) -> bool:
    logs = [path.read_text() for path in desk.runs.glob("*/engine.log")]
    return any(word in text for text in logs for word in words)


def _fill(file: Path) -> None:
    with suppress(OSError), file.open("wb", buffering=0) as opened:
        while opened.write(bytes(1 << 16)):
            pass
