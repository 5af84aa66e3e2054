"""A desk with a strategy to trade live on the loopback exchange, and the commands of a person."""

import json
import re
import select
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from engine.live_engine import STRATEGIES
from engine.venue.control import Venue
from engine.venue.keys import TRADER, ApiKey

NOT_PERMITTED: Final = 77
_PATIENCE_S: Final = 300
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
    *("--without-bias-check", "a strategy of the tests"),
    *("--order-policy", "keep", "--limit", "drawdown:release=0.05,pause=0.1,halt=0.2"),
    *("--limit", "daily-loss:halt=0.2", "--limit", "order-rate:drain=100"),
    *("--limit", "rejected-orders:drain=10", "--limit", "callback-errors:drain=10"),
)


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
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            log = (self.folder / "session.log").read_text()
            assert session.poll() is None, log
            assert time.monotonic() < deadline, log
            select.select([], [], [], 0.05)

    def operate(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of an operator, who knows the places and no configuration."""
        return subprocess.run(
            [str(self._program), *words],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            cwd=self.folder,
        )

    def approve(self, *terms: str) -> None:
        """Look at the plan, type its digest, and set the confirmation."""
        terms = terms or TERMS
        shown = self.run("approve", *terms).stdout
        found = re.search(r"^digest\s+([0-9a-f]{8})", shown, re.MULTILINE)
        assert found, shown
        approved = self.run("approve", *terms, typed=f"{found[1]}\n")
        assert approved.returncode == 0, approved.stderr
        self.environ["TRADAI_LIVE_CONFIRM"] = f"trips@1.0.0:{found[1]}"

    def newest_run(self) -> Path:
        """Return the folder of the newest run, or the folder of all runs before the first."""
        runs = self.runs.glob("*")
        return max(runs, key=lambda folder: folder.stat().st_ctime_ns, default=self.runs)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the newest run."""
        read: dict[str, Any] = json.loads((self.newest_run() / "manifest.json").read_text())
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


def engine_of(session: int) -> int:
    """Return the process of the engine that a session has started."""
    columns = ["ps", "-ww", "-eo", "pid,ppid,args"]
    done = subprocess.run(columns, capture_output=True, text=True, check=True)
    rows = (line.split(maxsplit=2) for line in done.stdout.splitlines()[1:])
    (found,) = (
        int(pid) for pid, parent, words in rows if parent == str(session) and " trade " in words
    )
    return found


def is_running(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    state = ["ps", "-o", "stat=", "-p", str(pid)]
    shown = subprocess.run(state, capture_output=True, text=True, check=False).stdout
    return bool(shown.strip()) and not shown.startswith("Z")


def poll_until(condition: Callable[[], bool]) -> None:
    """Poll until `condition` holds."""
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.05)
