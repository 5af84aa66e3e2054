"""A tier while Redis dies, hangs, fills up or moves: callers notice, no invalidation is lost.

These tests count the requests to Redis; scripts/bench/cache_redis.py measures the delays.
"""

import asyncio
import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from cache.tier_contract import KEY, OTHER, PATIENCE_S, EventRecorder, busy_lease, load, new_lease
from cache.wire import commands
from servers.process import free_port
from servers.redis import PASSWORD, USER, RedisServer, rights
from servers.tcp_proxy import TcpProxy

from tradai.cache._redis import tier as redis_tier
from tradai.cache._redis.tier import RedisTier
from tradai.cache._tier.shared_tier import CacheKey, TierDown

REFERENCE: Final = "env:REDIS_PASSWORD"
Connect = Callable[..., tuple[RedisTier, EventRecorder]]

# For tests in which a server hangs: short enough to notice it, long enough for a slow server.
short_timeout: Final = pytest.mark.parametrize(
    "timeouts", [{"answer_s": 1.0, "first_s": PATIENCE_S}]
)


@pytest.fixture
def proxy(own_server: RedisServer) -> Iterator[TcpProxy]:
    with TcpProxy(own_server.port) as started:
        yield started


@pytest.fixture
def here(proxy: TcpProxy, connected: Connect) -> tuple[RedisTier, EventRecorder]:
    """A member whose connections can be cut, delayed and moved to another server."""
    member = connected(f"redis://127.0.0.1:{proxy.port}/0")
    member[0].fetch(KEY)
    return member


@pytest.fixture
def there(own_server: RedisServer, connected: Connect) -> tuple[RedisTier, EventRecorder]:
    """A member that is connected directly."""
    member = connected(own_server.url)
    member[0].fetch(KEY)
    return member


def wait_for_change(events: EventRecorder, *, is_up: bool) -> str:
    """Wait until the tier went down, or up, and return the last reason."""
    events.wait_until(lambda recorded: bool(_reasons(recorded, is_up=is_up)))
    return _reasons(events.all, is_up=is_up)[-1]


def _reasons(events: list[object], *, is_up: bool) -> list[str]:
    changes = [event for event in events if isinstance(event, tuple)]
    return [reason for is_now_up, reason in changes if is_now_up is is_up]


def can_fetch(tier: RedisTier) -> bool:
    with contextlib.suppress(TierDown):
        tier.fetch(KEY)
        return True
    return False


def raises_tier_down(call: Callable[[], object]) -> bool:
    """Check that `call` raises `TierDown`."""
    with pytest.raises(TierDown):
        call()
    return True


def count_reads(proxy: TcpProxy) -> int:
    """Return the number of requests for a value."""
    return sum(command[0] == b"GET" for command in commands(proxy))


def test_a_killed_server_is_noticed_without_a_call_and_used_again(
    tmp_path: Path, connected: Connect
) -> None:
    # "everysec" would lose what was written while the disk syncs.
    options: dict[str, str | int | Path] = {"appendonly": "yes", "appendfsync": "always"}
    server = RedisServer(flavour="redis", folder=tmp_path / "r", options=options)
    with server.running():
        (here, events), (there, _) = connected(server.url), connected(server.url)
        load(here, KEY, b"old")
        load(there, OTHER, b"other")
        before = here.generation
        server.kill()
        reason = wait_for_change(events, is_up=False)

    assert "cannot be reached" in reason
    assert here.generation > before
    assert all(raises_tier_down(lambda: here.fetch(KEY)) for _ in range(20))
    here.invalidate(KEY)

    down = here.generation
    with server.running():
        _until(lambda: can_fetch(here))
        wait_for_change(events, is_up=True)
        assert here.generation > down
        assert here.fetch(KEY) is None
        assert here.fetch(OTHER) == b"other"


@short_timeout
def test_a_hung_server_gets_at_most_three_requests(
    proxy: TcpProxy, own_server: RedisServer, here: tuple[RedisTier, EventRecorder]
) -> None:
    tier, events = here
    load(tier, KEY, b"sealed")

    own_server.stop()
    before = count_reads(proxy)
    assert all(raises_tier_down(lambda: tier.fetch(KEY)) for _ in range(10))
    wait_for_change(events, is_up=False)

    assert 1 <= count_reads(proxy) - before <= 3
    own_server.resume()
    _until(lambda: can_fetch(tier))
    assert tier.fetch(KEY) == b"sealed"


@short_timeout
def test_a_hung_server_gets_at_most_three_requests_of_tasks(
    proxy: TcpProxy, own_server: RedisServer, here: tuple[RedisTier, EventRecorder]
) -> None:
    tier, _ = here
    load(tier, KEY, b"sealed")

    async def all_fail() -> int:
        assert await tier.fetch_async(KEY) == b"sealed"
        own_server.stop()
        before = count_reads(proxy)
        for _ in range(10):
            with pytest.raises(TierDown):
                await tier.fetch_async(KEY)
        return count_reads(proxy) - before

    count = asyncio.run(all_fail())
    own_server.resume()

    assert 1 <= count <= 3
    _until(lambda: can_fetch(tier))
    assert asyncio.run(tier.fetch_async(KEY)) == b"sealed"


def test_no_later_call_gets_the_answer_for_a_cancelled_task(
    proxy: TcpProxy, here: tuple[RedisTier, EventRecorder]
) -> None:
    tier, _ = here
    load(tier, KEY, b"one")
    load(tier, OTHER, b"other")

    async def cancelled() -> bytes | None:
        await tier.fetch_async(KEY)
        sent = sum(map(len, proxy.sent))
        proxy.delay_s = 0.2
        fetching = asyncio.create_task(tier.fetch_async(KEY))
        # The wait is for the proxy's thread, which has no event of this loop.
        while sum(map(len, proxy.sent)) == sent:  # noqa: ASYNC110
            await asyncio.sleep(0)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        return await tier.fetch_async(OTHER)

    assert asyncio.run(cancelled()) == b"other"


@short_timeout
def test_a_silent_server_is_noticed_without_a_call(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, events = connected(own_server.url)
    tier.fetch(KEY)
    before = tier.generation

    own_server.stop()

    assert "did not answer in time" in wait_for_change(events, is_up=False)
    assert tier.generation > before
    own_server.resume()
    wait_for_change(events, is_up=True)


@short_timeout
def test_a_caller_that_waits_for_a_lease_is_released_when_the_server_hangs(
    own_server: RedisServer, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_tier, "LEASE_MS", 600_000)
    (here, _), (there, events) = connected(own_server.url), connected(own_server.url)
    new_lease(here)
    busy = busy_lease(there)

    own_server.stop()
    wait_for_change(events, is_up=False)
    with ThreadPoolExecutor() as pool:
        pool.submit(busy.wait).result(timeout=PATIENCE_S)

    own_server.resume()


def test_an_invalidation_during_an_outage_takes_effect_on_recovery(
    proxy: TcpProxy,
    own_server: RedisServer,
    here: tuple[RedisTier, EventRecorder],
    there: tuple[RedisTier, EventRecorder],
) -> None:
    for key in (KEY, OTHER, CacheKey("candles.1", bytes(16))):
        load(there[0], key, b"old")
    lease = new_lease(there[0], CacheKey("markets.1", b"running"))
    proxy.upstream = free_port()
    proxy.cut()
    wait_for_change(here[1], is_up=False)

    here[0].invalidate(KEY)
    here[0].invalidate(CacheKey("markets.1", b"running"))
    here[0].clear("candles.1")
    assert there[0].fetch(KEY) == b"old"
    proxy.upstream = own_server.port
    wait_for_change(here[1], is_up=True)

    there[1].wait_until(lambda events: {KEY, "candles.1"} <= set(events))
    assert there[0].fetch(KEY) is None
    assert there[0].fetch(CacheKey("candles.1", bytes(16))) is None
    assert there[0].fetch(OTHER) == b"old"
    assert not lease.store(b"old", keep_ms=3_600_000)


def test_a_value_that_others_invalidate_during_an_outage_is_gone_on_recovery(
    proxy: TcpProxy,
    own_server: RedisServer,
    here: tuple[RedisTier, EventRecorder],
    there: tuple[RedisTier, EventRecorder],
) -> None:
    load(here[0], KEY, b"old")
    load(here[0], CacheKey("candles.1", bytes(16)), b"old")
    verified = here[0].generation
    proxy.upstream = free_port()
    proxy.cut()
    wait_for_change(here[1], is_up=False)
    assert here[0].generation > verified

    there[0].invalidate(KEY)
    there[0].clear("candles.1")
    in_doubt = here[0].generation
    proxy.upstream = own_server.port
    wait_for_change(here[1], is_up=True)

    assert here[0].generation > in_doubt
    assert here[0].fetch(KEY) is None
    assert here[0].fetch(CacheKey("candles.1", bytes(16))) is None


@short_timeout
def test_a_failed_invalidation_opens_the_breaker_at_once(
    proxy: TcpProxy, own_server: RedisServer, here: tuple[RedisTier, EventRecorder]
) -> None:
    tier, events = here
    load(tier, KEY, b"old")

    own_server.stop()
    tier.invalidate(KEY)
    before = count_reads(proxy)

    # No caller here gets the old value until the recovery, which repeats the invalidation.
    assert raises_tier_down(lambda: tier.fetch(KEY))
    assert count_reads(proxy) == before
    own_server.resume()
    wait_for_change(events, is_up=True)
    assert tier.fetch(KEY) is None


@short_timeout
def test_many_invalidations_during_an_outage_clear_the_namespace(
    own_server: RedisServer, connected: Connect
) -> None:
    (here, events), (there, _) = connected(own_server.url), connected(own_server.url)
    load(there, KEY, b"old")
    here.fetch(KEY)
    own_server.stop()
    for number in range(5_000):
        here.invalidate(CacheKey("markets.1", number.to_bytes(16, "big")))

    own_server.resume()
    wait_for_change(events, is_up=True)

    def is_gone() -> bool:
        with contextlib.suppress(TierDown):
            return there.fetch(KEY) is None
        return False

    _until(is_gone)  # the message may arrive after the recovery here


@short_timeout
def test_a_slow_server_is_used_until_it_is_too_slow(
    proxy: TcpProxy, here: tuple[RedisTier, EventRecorder]
) -> None:
    proxy.delay_s = 0.05
    load(here[0], KEY, b"sealed")
    assert here[0].fetch(KEY) == b"sealed"

    proxy.delay_s = 2.0
    before = count_reads(proxy)
    assert all(raises_tier_down(lambda: here[0].fetch(KEY)) for _ in range(10))
    assert 1 <= count_reads(proxy) - before <= 3

    wait_for_change(here[1], is_up=False)
    proxy.delay_s = 0.0
    wait_for_change(here[1], is_up=True)
    assert here[0].fetch(KEY) == b"sealed"


def test_a_full_server_still_serves_and_invalidates(
    own_server: RedisServer, connected: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    (here, events), (there, _) = connected(own_server.url), connected(own_server.url)
    load(here, KEY, b"kept")
    load(here, OTHER, b"old")
    lease = new_lease(here, CacheKey("markets.1", b"running"))
    with own_server.admin() as admin, caplog.at_level(logging.INFO):
        admin.config_set("maxmemory", 1)
        new = CacheKey("markets.1", b"new")
        for _ in range(5):
            with pytest.raises(TierDown, match="memory is full"):
                here.acquire(new)
        with pytest.raises(TierDown, match="memory is full"):
            lease.store(b"sealed", keep_ms=3_600_000)

        assert here.fetch(KEY) == b"kept"
        there.invalidate(OTHER)
        events.wait_for(OTHER)
        assert here.fetch(OTHER) is None
        there.clear("candles.1")
        events.wait_for("candles.1")
        admin.config_set("maxmemory", 0)
        # The lease whose value could not be stored was released.
        load(there, CacheKey("markets.1", b"running"), b"sealed")
        load(here, new, b"sealed")

    messages = [record.message for record in caplog.records]
    assert messages.count("cache full") == 1
    assert messages.count("cache has room again") == 1
    assert not _reasons(events.all, is_up=False)


def test_a_read_only_replica_is_an_outage_until_it_accepts_writes(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, events = connected(own_server.url)
    load(tier, KEY, b"sealed")
    with own_server.admin() as admin:
        admin.replicaof("127.0.0.1", free_port())
        with pytest.raises(TierDown, match="read-only"):
            tier.acquire(OTHER)
        assert "read-only" in wait_for_change(events, is_up=False)
        assert raises_tier_down(lambda: tier.fetch(KEY))

        admin.replicaof("NO", "ONE")
        wait_for_change(events, is_up=True)

    load(tier, OTHER, b"sealed")


def test_a_promoted_replica_is_used(
    proxy: TcpProxy,
    own_server: RedisServer,
    here: tuple[RedisTier, EventRecorder],
    tmp_path: Path,
    connected: Connect,
) -> None:
    replica = RedisServer(flavour="redis", folder=tmp_path / "replica")
    load(here[0], KEY, b"sealed")
    with replica.running(), replica.admin() as admin, own_server.admin() as primary:
        primary.config_set("repl-diskless-sync-delay", 0)
        admin.replicaof("127.0.0.1", own_server.port)
        _until(lambda: admin.info("replication")["master_link_status"] == "up")
        before = here[0].generation

        own_server.kill()
        wait_for_change(here[1], is_up=False)
        admin.replicaof("NO", "ONE")
        proxy.upstream = replica.port
        wait_for_change(here[1], is_up=True)

        assert here[0].generation > before
        assert here[0].fetch(KEY) == b"sealed"
        there, _ = connected(replica.url)
        there.invalidate(KEY)
        here[1].wait_for(KEY)


def test_a_changed_password_is_resolved_again(
    own_server: RedisServer, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    with own_server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *rights())
        tier, events = connected(own_server.url, username=USER, password=REFERENCE)
        tier.fetch(KEY)

        admin.execute_command("ACL", "SETUSER", USER, "resetpass", f">new-{PASSWORD}")
        admin.execute_command("CLIENT", "KILL", "USER", USER)
        wait_for_change(events, is_up=False)
        assert raises_tier_down(lambda: tier.fetch(KEY))

        monkeypatch.setenv("REDIS_PASSWORD", f"new-{PASSWORD}")
        wait_for_change(events, is_up=True)
    assert tier.fetch(KEY) is None


def test_revoked_rights_are_an_outage_not_a_configuration_error(
    own_server: RedisServer, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    with own_server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *rights())
        tier, events = connected(own_server.url, username=USER, password=REFERENCE)
        tier.fetch(KEY)

        admin.execute_command("ACL", "SETUSER", USER, "-eval")
        assert raises_tier_down(lambda: tier.acquire(KEY))
        assert "forbids its user" in wait_for_change(events, is_up=False)

        admin.execute_command("ACL", "SETUSER", USER, "+eval")
        wait_for_change(events, is_up=True)
    new_lease(tier)


@pytest.mark.parametrize("lost", ["INCR tradai:number", "SET tradai:number 0"])
def test_a_gap_in_the_message_numbers_starts_a_generation(
    own_server: RedisServer, connected: Connect, lost: str
) -> None:
    (here, events), (there, _) = connected(own_server.url), connected(own_server.url)
    load(here, KEY, b"sealed")
    there.invalidate(OTHER)
    there.invalidate(OTHER)
    events.wait_until(lambda recorded: recorded.count(OTHER) == 2)
    before = here.generation

    with own_server.admin() as admin:
        admin.execute_command(*lost.split())
    there.invalidate(OTHER)

    assert "was missed" in wait_for_change(events, is_up=False)
    assert here.generation > before
    wait_for_change(events, is_up=True)
    assert here.fetch(KEY) == b"sealed"


def test_idle_connections_that_were_cut_cause_no_outage(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, events = connected(own_server.url)
    barrier = threading.Barrier(4)

    def fetch(_: int) -> None:
        barrier.wait()
        tier.fetch(KEY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fetch, range(4)))
    with own_server.admin() as admin:
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    for _ in range(4):
        tier.fetch(KEY)
    assert events.all == []


def test_a_cut_subscription_starts_a_generation(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, events = connected(own_server.url)
    tier.fetch(KEY)
    before = tier.generation

    with own_server.admin() as admin:
        admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    wait_for_change(events, is_up=True)
    assert tier.generation > before


@pytest.mark.parametrize("loss", ["FLUSHALL", "DEL tradai:{markets.1}"])
def test_evicted_or_flushed_epochs_start_again_in_every_process(
    own_server: RedisServer, connected: Connect, loss: str
) -> None:
    (here, _), (there, events) = connected(own_server.url), connected(own_server.url)
    load(here, KEY, b"old")
    there.fetch(KEY)
    with own_server.admin() as admin:
        admin.execute_command(*loss.split())

    before = there.generation

    here.invalidate(KEY)

    events.wait_until(lambda seen: "markets.1" in seen or bool(_reasons(seen, is_up=True)))
    assert ("markets.1" in events.all) is (there.generation == before)
    for tier in (here, there):
        _until(functools.partial(can_fetch, tier))
    assert here.fetch(KEY) is None
    assert there.fetch(KEY) is None
    load(there, KEY, b"new")
    assert here.fetch(KEY) == b"new"


def test_closing_does_not_wait_for_a_hung_server(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, _ = connected(own_server.url)
    tier.fetch(KEY)

    own_server.stop()
    with ThreadPoolExecutor() as pool:
        pool.submit(tier.close).result(timeout=PATIENCE_S)

    with pytest.raises(TierDown, match="closed"):
        tier.fetch(KEY)
    own_server.resume()


def _until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_done():
        assert time.monotonic() < deadline
