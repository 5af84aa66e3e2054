"""A live session whose trade database is in PostgreSQL: traded, stopped, killed, started again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from engine.live_desk import Desk
from engine.venue.control import Venue
from servers.postgres import PASSWORD, PostgresServer

from tradai.entrypoint.freqtrade._results.database import booked_orders
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile

PATIENCE_S: Final = 300
MISMATCH: Final = 76
CONFIGURATION: Final = 78
# So low that no entry for ETH is filled.
PRICES: Final = {"ETHUSDT": 3_000}
SCHEMA: Final = "binance-4242424242-trips"
# The end of the password, which no other secret has, by itself and in a URL.
MARKS: Final = tuple(text[-12:].encode() for text in (PASSWORD, quote(PASSWORD, safe="")))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of this test, which may be killed."""
    server = PostgresServer()
    with server.running():
        yield server


@pytest.fixture
def desk(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    venue: Venue,
    environ: dict[str, str],
    engine_bin: Path,
    server: PostgresServer,
) -> Desk:
    """A desk whose plan is approved, and whose trades go to `server`."""
    venue.set(prices=PRICES)
    desk = Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")
    secret = tmp_path_factory.mktemp("secrets") / "database-url"
    secret.touch(mode=0o600)
    secret.write_text(server.make_database("trader"))
    del desk.environ["TRADAI_LIVE_DATABASES"]
    desk.environ["TRADAI_LIVE_DATABASE_URL"] = f"file:{secret}"
    desk.approve()
    venue.reset()
    venue.set(prices=PRICES)
    return desk


def test_a_session_trades_into_postgres_and_the_next_one_goes_on_with_its_trades(
    desk: Desk, venue: Venue, server: PostgresServer
) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 2)
    seen = visible_to_others(desk)
    session.send_signal(signal.SIGTERM)
    first_code, first = session.wait(PATIENCE_S), newest_run(desk)
    first_orders, first_filled = booked_ids(server), filled_ids(venue)

    again = desk.start("run")
    desk.wait_for(again, lambda: len(booked_ids(server)) > len(first_orders))
    again.send_signal(signal.SIGTERM)
    second_code = again.wait(PATIENCE_S)

    log = (desk.folder / "session.log").read_text()
    assert (first_code, second_code) == (0, 0), log
    kept = {str(row["orderId"]) for row in venue.orders() if row["status"] != "CANCELED"}
    assert first_filled < booked_ids(server) == kept
    assert copied_ids(first) == first_orders
    assert copied_ids(newest_run(desk)) == booked_ids(server)
    assert "trades.sqlite" in desk.manifest()["artifacts"]
    drain = desk.manifest()["live"]["drain"]
    assert (drain["is_reconciled"], drain["lost"], drain["problems"]) == (True, [], [])
    assert not has_password(seen)
    texts = [path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()]
    assert not any(map(has_password, texts))


@pytest.mark.deep
def test_a_session_that_was_killed_starts_again_with_the_trades_of_the_one_before(
    desk: Desk, server: PostgresServer
) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: bool(booked_ids(server)))
    session.kill()
    session.wait()
    before = booked_ids(server)

    again = desk.start("run")
    desk.wait_for(again, lambda: len(booked_ids(server)) > len(before))
    again.send_signal(signal.SIGTERM)
    code = again.wait(PATIENCE_S)

    assert code == 0, (desk.folder / "session.log").read_text()
    assert len(booked_ids(server)) > len(before)
    assert desk.manifest()["live"]["drain"]["lost"] == []


@pytest.mark.deep
def test_a_database_that_is_gone_at_the_stop_is_a_mismatch_that_a_person_must_look_at(
    desk: Desk, venue: Venue, server: PostgresServer
) -> None:
    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 2)
    os.killpg(server.pid, signal.SIGKILL)
    session.send_signal(signal.SIGTERM)
    code = session.wait(PATIENCE_S)

    assert code == MISMATCH, (desk.folder / "session.log").read_text()
    manifest = desk.manifest()
    assert manifest["exit_code"] == MISMATCH
    assert any("cannot be used" in text for text in manifest["live"]["drain"]["problems"])
    assert any("the run has no copy of the trades" in text for text in manifest["notices"])
    texts = [path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()]
    assert not any(map(has_password, texts))


def test_a_login_that_is_refused_ends_before_any_order(
    desk: Desk, venue: Venue, server: PostgresServer
) -> None:
    with server.admin() as admin:
        admin.execute("ALTER ROLE trader PASSWORD 'not-a-real-other'")

    outcome = desk.run("run")

    assert outcome.returncode == CONFIGURATION, outcome.stderr
    assert "trade database: postgresql://127.0.0.1" in outcome.stderr
    assert "refuses the login" in outcome.stderr
    assert not has_password(outcome.stderr.encode())
    assert desk.manifest()["exit_code"] == CONFIGURATION
    assert venue.orders() == []


def booked_ids(server: PostgresServer) -> set[str]:
    """Return the ids of the orders that the engine has booked."""
    tables = server.rows("trader", "SELECT schemaname FROM pg_tables WHERE tablename = 'orders'")
    if not tables:
        return set()
    assert tables == [(SCHEMA,)]
    query = 'SELECT order_id FROM "binance-4242424242-trips".orders'
    return {str(row[0]) for row in server.rows("trader", query)}


def filled_ids(venue: Venue) -> set[str]:
    return {str(row["orderId"]) for row in venue.orders() if row["status"] == "FILLED"}


def copied_ids(folder: Path) -> set[str]:
    """Return the ids of the orders in a run's copy."""
    return {row.order_id for row in booked_orders(SqliteFile(folder / "trades.sqlite"))}


def has_password(text: bytes) -> bool:
    return any(mark in text for mark in MARKS)


def newest_run(desk: Desk) -> Path:
    return max(desk.runs.iterdir(), key=lambda folder: folder.stat().st_ctime_ns)


def visible_to_others(desk: Desk) -> bytes:
    """Return arguments and environments of all processes that run in the desk's folder."""
    seen = b""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        seen += words if bytes(desk.folder) in words else b""
    assert b"freqtrade" in seen
    return seen
