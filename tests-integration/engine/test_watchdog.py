"""The watchdog beside the real engine: after the lease is lost it trades no more."""

import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from engine.live_engine import PREFIX, LiveEngine, live_engine
from engine.venue.control import Venue
from engine.venue.keys import TRADER

from tradai.core import FileJournal, Secret

# Not through the door: no command trades live yet.
from tradai.entrypoint._live._account.account import ApiKeys, NewOrder
from tradai.entrypoint._live.leases import HeldLeases
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

TTL_S: Final = 8.0
DRAIN_S: Final = 1.0
SETTLE_S: Final = 2.0
PLACE: Final = "POST /api/v3/order"
PATIENCE_S: Final = 300


@pytest.fixture
def engine(
    venue: Venue, engine_bin: Path, environ: Mapping[str, str], tmp_path: Path
) -> Iterator[LiveEngine]:
    """An engine that holds BTC under a stop, and has an entry for ETH open now and then."""
    venue.set(prices={"BTCUSDT": 60_000, "ETHUSDT": 3_000})
    with live_engine(
        venue.url,
        TRADER,
        strategy="Holds",
        engine_bin=engine_bin,
        environ=environ,
        folder=tmp_path,
    ) as started:
        yield started


@pytest.fixture
def feeder(engine: LiveEngine, venue: Venue, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A supervisor that keeps a lease beside the engine."""
    facts = {
        "leases": _leases(tmp_path),
        "ttl_s": TTL_S,
        "drain_s": DRAIN_S,
        "settle_s": SETTLE_S,
        "key": TRADER.key,
        "secret": TRADER.secret,
        "url": venue.url,
        "prefix": PREFIX,
        "engine": engine.process.pid,
        "log": str(tmp_path / "watchdog.jsonl"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "engine.lease_feeder"],
        cwd=Path(__file__).resolve().parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin as given:
            given.write(json.dumps(facts).encode())
        assert process.stdout.readline() == b"fed\n"
        yield process
        process.kill()


def _leases(folder: Path) -> list[str]:
    return [f"file:{folder}/leases/account", f"file:{folder}/leases/database"]


def _open(venue: Venue, side: str) -> list[dict[str, Any]]:
    still = ("NEW", "PARTIALLY_FILLED")
    return [row for row in venue.orders() if row["side"] == side and row["status"] in still]


def _bid(venue: Venue, number: int, prefix: str) -> str:
    """Bid for ETH in vain, as the engine does, which takes its own bids away soon."""
    keys = ApiKeys(key=Secret(TRADER.key), secret=Secret(TRADER.secret))
    client = exchange_named("binance").sign_in(keys, base_url=venue.url)
    order = NewOrder(
        pair="ETH/USDT",
        side="buy",
        amount=Decimal("0.01"),
        price=Decimal(2_000),
        client_order_id=f"{prefix}{number:022}",
    )
    return client.orders.place(order).client_order_id


@pytest.mark.parametrize(
    "number",
    [signal.SIGSTOP, pytest.param(signal.SIGKILL, marks=pytest.mark.deep)],
    ids=["frozen", "killed"],
)
def test_a_supervisor_that_is_gone_leaves_no_engine_and_no_open_entry(
    venue: Venue,
    engine: LiveEngine,
    feeder: "subprocess.Popen[bytes]",
    tmp_path: Path,
    number: int,
) -> None:
    engine.wait_for(lambda: bool(_open(venue, "SELL")), event="a stop at the exchange")
    ours, others = _bid(venue, 1, PREFIX), _bid(venue, 2, "x-ffffffffffff")

    feeder.send_signal(number)
    # Another process waits for the lease, as a second supervisor would.
    HeldLeases.of(_leases(tmp_path), holder="the next one", ttl_s=TTL_S).acquire()

    assert engine.process.poll() == -signal.SIGKILL
    placed = venue.signed()[PLACE]
    events = _events_until_the_end(tmp_path / "watchdog.jsonl")
    assert events[0] == "engine killed"
    assert events[-1] == "done"
    assert [row["clientOrderId"] for row in _open(venue, "BUY")] == [others]
    assert [row["type"] for row in _open(venue, "SELL")] == ["STOP_LOSS_LIMIT"]
    states = {row["clientOrderId"]: row["status"] for row in venue.orders()}
    assert states[ours] == "CANCELED"
    assert venue.signed()[PLACE] == placed


def _events_until_the_end(log: Path) -> list[str]:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        events = [entry.event for entry in FileJournal(log).entries()]
        if events and events[-1] in {"done", "entries unknown or left"}:
            return events
        assert time.monotonic() < deadline_s, events
        select.select([], [], [], 0.05)
