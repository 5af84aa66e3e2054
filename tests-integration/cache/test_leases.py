"""A claim lasts as long as its holder, and then ends.

How soon it ends is measured by scripts/bench/cache_redis.py.
"""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from cache.tier_contract import KEY, PATIENCE_S, Heard, busy_at, claimed, load
from servers.redis import RedisServer

from tradai.cache._redis.claims import LEASE_MS
from tradai.cache._redis.tier import RedisTier
from tradai.cache._tier.shared_tier import Busy, Claim

Connect = Callable[..., tuple[RedisTier, Heard]]
Holder = subprocess.Popen[str]


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    """One server only: leases take their time."""
    with shared_redis.admin() as admin:
        admin.flushall()
    return shared_redis


@pytest.fixture
def lease_ms() -> int:
    """How long the claim of the holder outlives it."""
    return LEASE_MS


@pytest.fixture
def holder(server: RedisServer, lease_ms: int) -> Iterator[Holder]:
    """Another process, which holds the claim."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("holder.py"), server.url, str(lease_ms)],
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


def claimed_in_time(tier: RedisTier) -> Claim:
    """Wait for the claim as a caller does."""
    deadline = time.monotonic() + PATIENCE_S
    while not hasattr(found := tier.claim(KEY), "store"):
        assert time.monotonic() < deadline
        cast("Busy", found).wait()
    return cast("Claim", found)


def test_the_claim_of_a_killed_holder_ends_with_its_lease(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    tier, _ = connected(server.url)
    tier.fetch(KEY)

    holder.kill()
    claim = claimed_in_time(tier)

    assert claim.store(b"by the next", keep_ms=60_000)


def test_a_holder_that_was_paused_past_its_lease_cannot_store(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    tier, _ = connected(server.url)
    assert holder.stdin
    assert holder.stdout

    os.kill(holder.pid, signal.SIGSTOP)
    claim = claimed_in_time(tier)
    assert claim.store(b"by the next", keep_ms=60_000)
    os.kill(holder.pid, signal.SIGCONT)
    holder.stdin.write("store\n")
    holder.stdin.flush()

    assert holder.stdout.readline() == "False\n"
    assert tier.fetch(KEY) == b"by the next"


# It is renewed as often as ever; a holder that is starved of CPU keeps it all the same.
@pytest.mark.parametrize("lease_ms", [60_000])
def test_a_holder_that_works_for_long_keeps_its_claim(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    (tier, _), (other, heard) = connected(server.url), connected(server.url)
    other.fetch(KEY)
    with server.admin() as admin:
        (lease,) = admin.keys("*:lease")
        left_ms = [admin.pttl(lease)]

        def is_renewed_six_times() -> bool:
            left_ms.append(admin.pttl(lease))
            return [later > one for one, later in itertools.pairwise(left_ms)].count(True) >= 6

        _until(is_renewed_six_times)
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
        thread.join(timeout=PATIENCE_S)
    assert _renewing() == []


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline


def _renewing() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "tradai-cache-leases"]
