"""A claim lasts as long as its holder, and not much longer."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, cast

import pytest
from cache.tier_contract import KEY, Heard, busy_at, claimed, load
from servers.redis import RedisServer

from tradai.cache._redis.claims import LEASE_MS
from tradai.cache._redis.tier import RedisTier
from tradai.cache._tier.shared_tier import Busy, Claim

LEASE_S: Final = LEASE_MS / 1000
Connect = Callable[..., tuple[RedisTier, Heard]]
Holder = subprocess.Popen[str]


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    """One server only: leases take their time."""
    with shared_redis.admin() as admin:
        admin.flushall()
    return shared_redis


@pytest.fixture
def holder(server: RedisServer) -> Iterator[Holder]:
    """Another process, which holds the claim."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("holder.py"), server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "claimed\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def claimed_in_time(tier: RedisTier) -> tuple[Claim, float]:
    """Wait for the claim as a caller does; how long that took."""
    started = time.monotonic()
    while not hasattr(found := tier.claim(KEY), "store"):
        cast("Busy", found).wait()
    return cast("Claim", found), time.monotonic() - started


def test_the_claim_of_a_killed_holder_ends_with_its_lease(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    tier, _ = connected(server.url)
    tier.fetch(KEY)

    holder.kill()
    claim, seconds = claimed_in_time(tier)

    # 1.3 is promised; other programs run here as well.
    assert seconds < 2 * LEASE_S
    assert claim.store(b"by the next", keep_ms=60_000)


def test_a_holder_that_was_paused_past_its_lease_cannot_store(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    tier, _ = connected(server.url)
    assert holder.stdin
    assert holder.stdout

    os.kill(holder.pid, signal.SIGSTOP)
    claim, _ = claimed_in_time(tier)
    assert claim.store(b"by the next", keep_ms=60_000)
    os.kill(holder.pid, signal.SIGCONT)
    holder.stdin.write("store\n")
    holder.stdin.flush()

    assert holder.stdout.readline() == "False\n"
    assert tier.fetch(KEY) == b"by the next"


def test_a_holder_that_works_for_long_keeps_its_claim(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    (tier, _), (other, heard) = connected(server.url), connected(server.url)
    other.fetch(KEY)
    deadline = time.monotonic() + 1.5 * LEASE_S
    while time.monotonic() < deadline:
        busy_at(tier).wait()
        # What wakes is the end of the lease as it was, so this is no storm.

    busy_at(tier)
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write("store\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "True\n"
    assert other.fetch(KEY) == b"by the holder"
    assert heard.all == []


def test_no_thread_is_left_when_no_claim_is(server: RedisServer, connected: Connect) -> None:
    tier, _ = connected(server.url)
    load(tier, KEY, b"sealed")
    tier.invalidate(KEY)
    claim = claimed(tier)

    assert _renewing() != []
    claim.release()
    for thread in _renewing():
        thread.join(timeout=LEASE_S)
    assert _renewing() == []


def _renewing() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "tradai-cache-leases"]
