"""LIVE with the real engine on the loopback exchange: refused without approval, traded with one."""

import json
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from engine.live_engine import STRATEGIES
from engine.venue.control import Venue
from engine.venue.keys import READER, TRADER, WITHDRAWER, ApiKey

from tradai.core import TradingMode, utc_now
from tradai.entrypoint import RunManifest

NOT_PERMITTED: Final = 77
CONFIG: Final = """\
name: trips
version: 1.0.0
timeframe: 1m
pairs: [BTC/USDT, ETH/USDT]
strategy: {class: RoundTrips, source: strategies}
execution:
  stake_amount: 100
  max_open_trades: 2
  process_throttle_s: 1
  unfilledtimeout: {entry: 3, exit: 30, unit: seconds}
  entry_pricing: {price_side: other, use_order_book: true, order_book_top: 1}
  exit_pricing: {price_side: other, use_order_book: true, order_book_top: 1}
"""
TERMS: Final = (
    *("--approver", "Ada Example", "--expires-in", "7d", "--largest-stake", "100"),
    *("--order-policy", "keep", "--limit", "drawdown:release=0.05,pause=0.1,halt=0.2"),
    *("--limit", "daily-loss:halt=0.2", "--limit", "order-rate:drain=100"),
    *("--limit", "rejected-orders:drain=10", "--limit", "callback-errors:drain=10"),
)
SIGNED_READS: Final = {
    "GET /api/v3/account",
    "GET /sapi/v1/account/apiRestrictions",
    "GET /api/v3/openOrders",
}


class Desk:
    """A folder with a strategy and the state of its live sessions, and the commands of a person."""

    def __init__(self, folder: Path, venue: Venue, environ: dict[str, str], program: Path) -> None:
        """Write the configuration into `folder`."""
        self.folder = folder
        self.runs = folder / "runs"
        self.database = folder / "databases" / "binance-4242424242-trips.sqlite"
        self._program = program
        self._url = venue.url
        shutil.copytree(STRATEGIES, folder / "strategies")
        (folder / "live.yaml").write_text(CONFIG)
        self.environ = environ | {
            "TRADAI_RUN_FOLDER": str(self.runs),
            "TRADAI_LIVE_APPROVALS": f"file:{folder}/approvals",
            "TRADAI_LIVE_APPROVAL_KEY": "env:FAKE_APPROVAL_KEY",
            "TRADAI_LIVE_LEASE": f"file:{folder}/leases",
            "TRADAI_LIVE_LATCH": f"file:{folder}/halts.json",
            "TRADAI_LIVE_SESSIONS": f"file:{folder}/sessions",
            "TRADAI_LIVE_DATABASES": str(folder / "databases"),
            # These tests may run in a container.
            "TRADAI_LIVE_DURABLE_VOLUME": str(folder),
            "TRADAI_LIVE_DRY_RUN_HOURS": "0",
            "TRADAI_LIVE_API_KEY": "env:FAKE_KEY",
            "TRADAI_LIVE_API_SECRET": "env:FAKE_SECRET",
            "FAKE_APPROVAL_KEY": "not-a-real-key-for-approvals-0001",
        }
        self.use(TRADER)

    def use(self, key: ApiKey) -> None:
        """Use another key."""
        self.environ |= {"FAKE_KEY": key.key, "FAKE_SECRET": key.secret}

    def run(self, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            self._command(*words),
            input=typed,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            cwd=self.folder,
        )

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command."""
        with (self.folder / "session.log").open("ab") as log:
            return subprocess.Popen(
                self._command(*words),
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )

    def wait_for(self, session: "subprocess.Popen[bytes]", condition: Callable[[], bool]) -> None:
        """Poll until `condition` holds; fail when the session ends or time runs out before."""
        deadline = time.monotonic() + 300
        while not condition():
            log = (self.folder / "session.log").read_text()
            assert session.poll() is None, log
            assert time.monotonic() < deadline, log
            select.select([], [], [], 0.05)

    def approve(self) -> None:
        """Look at the plan, type its digest, and set the confirmation."""
        shown = self.run("approve", *TERMS).stdout
        found = re.search(r"^digest\s+([0-9a-f]{8})", shown, re.MULTILINE)
        assert found, shown
        approved = self.run("approve", *TERMS, typed=f"{found[1]}\n")
        assert approved.returncode == 0, approved.stderr
        self.environ["TRADAI_LIVE_CONFIRM"] = f"trips@1.0.0:{found[1]}"

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the newest run."""
        newest = max(self.runs.iterdir(), key=lambda folder: folder.stat().st_ctime_ns)
        read: dict[str, Any] = json.loads((newest / "manifest.json").read_text())
        return read

    def booked(self, query: str) -> list[tuple[Any, ...]]:
        """Return rows of the trade database."""
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()

    def _command(self, *words: str) -> list[str]:
        verb, *rest = words
        mode = [] if verb == "approve" else ["--mode", "live"]
        url = f"run.exchange_url={self._url}"
        return [str(self._program), verb, "live.yaml", url, *mode, *rest]


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk at which nothing is approved yet."""
    return Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")


def test_an_approved_plan_trades_under_its_prefix_and_its_books_agree_after_the_stop(
    desk: Desk, venue: Venue
) -> None:
    venue.set(prices={"ETHUSDT": 3_000})
    desk.approve()
    venue.reset()
    venue.set(prices={"ETHUSDT": 3_000})

    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 2)
    session.send_signal(signal.SIGTERM)
    code = session.wait(300)

    log = (desk.folder / "session.log").read_text()
    assert code == 0, log
    manifest = desk.manifest()
    prefix = manifest["live"]["order_prefix"]
    orders = venue.orders()
    assert {row["clientOrderId"][: len(prefix)] for row in orders} == {prefix}
    kept = {str(row["orderId"]) for row in orders if row["status"] != "CANCELED"}
    assert {str(row[0]) for row in desk.booked("SELECT order_id FROM orders")} == kept
    results = manifest["results"]
    assert results["orders_in_database"] == results["orders_in_journal"] - results["orders_removed"]
    assert "loopback, no money" in log
    assert manifest["live"]["account"] == "binance:4242424242"
    texts = [path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()]
    assert not any(TRADER.secret.encode() in text or TRADER.key.encode() in text for text in texts)


def test_no_signed_request_is_sent_before_the_approval_counts_and_no_order_without_it(
    desk: Desk, venue: Venue
) -> None:
    outcome = desk.run("run")
    desk.environ["TRADAI_LIVE_CONFIRM"] = "trips@1.0.0:01234567"
    other = desk.run("run")

    assert outcome.returncode == other.returncode == NOT_PERMITTED, outcome.stderr
    assert "TRADAI_LIVE_CONFIRM does not confirm it" in outcome.stderr
    assert desk.manifest()["exit_code"] == NOT_PERMITTED
    assert venue.signed() == {}


@pytest.mark.parametrize(
    ("key", "word"),
    [
        (READER, "the key may not trade on the spot market"),
        (WITHDRAWER, "the key may withdraw"),
    ],
    ids=["read-only", "may withdraw"],
)
def test_a_session_that_is_refused_after_the_approval_has_sent_reads_alone(
    desk: Desk, venue: Venue, key: ApiKey, word: str
) -> None:
    desk.approve()
    venue.reset()
    desk.use(key)

    outcome = desk.run("run")

    assert outcome.returncode == NOT_PERMITTED, outcome.stderr
    assert word in outcome.stderr
    assert desk.manifest()["verdict"] in outcome.stderr
    signed = venue.signed()
    assert signed.keys() <= SIGNED_READS
    assert sum(signed.values()) <= 8


def test_a_check_lists_the_missing_steps_and_then_none(desk: Desk, venue: Venue) -> None:
    del desk.environ["TRADAI_LIVE_DRY_RUN_HOURS"]
    before = desk.run("check")
    desk.environ["TRADAI_LIVE_DRY_RUN_HOURS"] = "0"
    desk.approve()
    venue.reset()
    after = desk.run("check")

    assert before.returncode == NOT_PERMITTED
    rows = _rows(before.stdout)
    assert [name for name, status in rows.items() if status == "fail"] == [
        *("confirmation", "approval", "dry-run")
    ]
    assert rows["account"] == rows["key rights"] == rows["stake"] == rows["order prefix"] == "ok"
    assert "tradai-entrypoint approve" in before.stdout
    assert "next: tradai-entrypoint run CONFIG --mode dry-run" in before.stdout
    assert after.returncode == 0, after.stdout
    assert set(_rows(after.stdout).values()) <= {"ok", "warn"}
    assert venue.signed().keys() <= SIGNED_READS


def test_a_plan_is_shown_beside_the_last_dry_run_and_approved_only_by_its_digest(
    desk: Desk,
) -> None:
    earlier = RunManifest(
        state="ended",
        run_id="dry-run-1",
        trace_id="dry-run-1",
        mode=TradingMode.DRY_RUN,
        started_at=utc_now(),
        config={"name": "trips", "timeframe": "5m"},
    )
    (desk.runs / "dry-run-1").mkdir(parents=True)
    (desk.runs / "dry-run-1" / "manifest.json").write_text(earlier.as_json())

    outcome = desk.run("approve", *TERMS, typed="yes\n")

    assert re.search(r"difference\s+dry-run dry-run-1\s+this plan", outcome.stdout)
    assert re.search(r"config\.timeframe\s+5m\s+1m", outcome.stdout)
    assert "loopback, no money" in outcome.stdout

    assert outcome.returncode == NOT_PERMITTED
    assert "its digest was not typed" in outcome.stderr
    assert not (desk.folder / "approvals").exists()


def _rows(table: str) -> Mapping[str, str]:
    found = re.findall(r"^(\S.*?)\s{2,}(ok|warn|fail|skip|raises|timeout)\s", table, re.MULTILINE)
    return dict(found)
