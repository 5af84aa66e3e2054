"""Leases: kept while the holder works, ended after it dies or hangs.

scripts/bench/cache_redis.py measures the time until a lease ends.
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
from cache.tier_contract import KEY, PATIENCE_S, EventRecorder, busy_lease, load, new_lease
from servers.redis import RedisServer

from tradai.cache._redis.leases import LEASE_MS
from tradai.cache._redis.tier import RedisTier
from tradai.cache._tier.shared_tier import Busy, Lease

Connect = Callable[..., tuple[RedisTier, EventRecorder]]
Holder = subprocess.Popen[str]


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    """Redis only, because a test waits until a lease ends."""
    with shared_redis.admin() as admin:
        admin.flushall()
    return shared_redis


@pytest.fixture
def lease_ms() -> int:
    """Milliseconds until the lease of a dead holder ends."""
    return LEASE_MS


@pytest.fixture
def holder(server: RedisServer, lease_ms: int) -> Iterator[Holder]:
    """Another process, which holds a lease on the key."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("holder.py"), server.url, str(lease_ms)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "acquired\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def wait_for_lease(tier: RedisTier) -> Lease:
    """Wait for the lease, as a caller does."""
    deadline = time.monotonic() + PATIENCE_S
    while not hasattr(lease := tier.acquire(KEY), "store"):
        assert time.monotonic() < deadline
        cast("Busy", lease).wait()
    return cast("Lease", lease)


def test_the_lease_of_a_killed_holder_expires(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    tier, _ = connected(server.url)
    tier.fetch(KEY)

    holder.kill()
    lease = wait_for_lease(tier)

    assert lease.store(b"by the next", keep_ms=3_600_000)


def test_a_holder_that_was_paused_past_its_lease_cannot_store(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    tier, _ = connected(server.url)
    assert holder.stdin
    assert holder.stdout

    os.kill(holder.pid, signal.SIGSTOP)
    lease = wait_for_lease(tier)
    assert lease.store(b"by the next", keep_ms=3_600_000)
    os.kill(holder.pid, signal.SIGCONT)
    holder.stdin.write("store\n")
    holder.stdin.flush()

    assert holder.stdout.readline() == "False\n"
    assert tier.fetch(KEY) == b"by the next"


# The interval of renewals stays the same; the longer lease survives a holder that gets no CPU.
@pytest.mark.parametrize("lease_ms", [60_000])
def test_a_holder_that_works_for_a_long_time_keeps_its_lease(
    server: RedisServer, connected: Connect, holder: Holder
) -> None:
    (tier, _), (other, events) = connected(server.url), connected(server.url)
    other.fetch(KEY)
    with server.admin() as admin:
        (lease,) = admin.keys("*:lease")
        left_ms = [admin.pttl(lease)]

        def is_renewed_six_times() -> bool:
            left_ms.append(admin.pttl(lease))
            return [after > before for before, after in itertools.pairwise(left_ms)].count(
                True
            ) >= 6

        _until(is_renewed_six_times)
    busy_lease(tier)
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write("store\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "True\n"
    assert other.fetch(KEY) == b"by the holder"
    assert events.all == []


def test_the_renewing_thread_ends_with_the_last_lease(
    server: RedisServer, connected: Connect
) -> None:
    tier, _ = connected(server.url)
    load(tier, KEY, b"sealed")
    tier.invalidate(KEY)
    lease = new_lease(tier)

    assert _renewing() != []
    lease.release()
    for thread in _renewing():
        thread.join(timeout=PATIENCE_S)
    assert _renewing() == []


def _until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_done():
        assert time.monotonic() < deadline


def _renewing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "tradai-cache-leases"]
