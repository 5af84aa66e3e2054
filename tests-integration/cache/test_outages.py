"""Redis dies, hangs, fills up or moves: callers hear of it, and nothing is forgotten.

How soon is measured by scripts/bench/cache_redis.py; how often Redis is asked is counted here.
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
from cache.tier_contract import OTHER, PATIENCE_S, PLACE, Heard, busy_at, claimed, load
from cache.wire import commands
from servers.process import free_port
from servers.redis import PASSWORD, USER, RedisServer, rights
from servers.tcp_proxy import TcpProxy

from tradai.cache import _redis_tier
from tradai.cache._redis_tier import RedisTier
from tradai.cache._tier import Place, TierDown

REFERENCE: Final = "env:REDIS_PASSWORD"
Connect = Callable[..., tuple[RedisTier, Heard]]

# Where a server hangs: soon enough to be seen, late enough for a server that is only slow.
hasty: Final = pytest.mark.parametrize("waits", [{"answer_s": 1.0, "first_s": PATIENCE_S}])


@pytest.fixture
def proxy(own_server: RedisServer) -> Iterator[TcpProxy]:
    with TcpProxy(own_server.port) as started:
        yield started


@pytest.fixture
def here(proxy: TcpProxy, connected: Connect) -> tuple[RedisTier, Heard]:
    """A member whose line can be cut, delayed and moved."""
    member = connected(f"redis://127.0.0.1:{proxy.port}/0")
    member[0].fetch(PLACE)
    return member


@pytest.fixture
def there(own_server: RedisServer, connected: Connect) -> tuple[RedisTier, Heard]:
    """A member whose line is straight."""
    member = connected(own_server.url)
    member[0].fetch(PLACE)
    return member


def went(heard: Heard, *, is_up: bool) -> str:
    """Wait until it went down, or up; the last reason."""
    heard.until(lambda told: bool(_reasons(told, is_up=is_up)))
    return _reasons(heard.all, is_up=is_up)[-1]


def _reasons(told: list[object], *, is_up: bool) -> list[str]:
    return [one[1] for one in told if isinstance(one, tuple) and one[0] is is_up]


def works(tier: RedisTier) -> bool:
    with contextlib.suppress(TierDown):
        tier.fetch(PLACE)
        return True
    return False


def is_down(call: Callable[[], object]) -> bool:
    """Call what must raise `TierDown`."""
    with pytest.raises(TierDown):
        call()
    return True


def asked(proxy: TcpProxy) -> int:
    """Count how often a value was asked for."""
    return sum(command[0] == b"GET" for command in commands(proxy))


def test_a_killed_server_is_noticed_without_a_call_and_found_again(
    tmp_path: Path, connected: Connect
) -> None:
    server = RedisServer(flavour="redis", folder=tmp_path / "r", options={"appendonly": "yes"})
    with server.running():
        (here, heard), (there, _) = connected(server.url), connected(server.url)
        load(here, PLACE, b"old")
        load(there, OTHER, b"other")
        before = here.generation
        server.kill()
        reason = went(heard, is_up=False)

    assert "cannot be reached" in reason
    assert here.generation > before
    assert all(is_down(lambda: here.fetch(PLACE)) for _ in range(20))
    here.invalidate(PLACE)

    down = here.generation
    with server.running():
        _until(lambda: works(here))
        went(heard, is_up=True)
        assert here.generation > down
        assert here.fetch(PLACE) is None
        assert here.fetch(OTHER) == b"other"


@hasty
def test_a_hung_server_is_asked_at_most_three_times(
    proxy: TcpProxy, own_server: RedisServer, here: tuple[RedisTier, Heard]
) -> None:
    tier, heard = here
    load(tier, PLACE, b"sealed")

    own_server.stop()
    before = asked(proxy)
    assert all(is_down(lambda: tier.fetch(PLACE)) for _ in range(10))
    went(heard, is_up=False)

    assert 1 <= asked(proxy) - before <= 3
    own_server.go_on()
    _until(lambda: works(tier))
    assert tier.fetch(PLACE) == b"sealed"


@hasty
def test_a_hung_server_is_asked_by_tasks_no_more_often(
    proxy: TcpProxy, own_server: RedisServer, here: tuple[RedisTier, Heard]
) -> None:
    tier, _ = here
    load(tier, PLACE, b"sealed")

    async def all_fail() -> int:
        assert await tier.fetch_async(PLACE) == b"sealed"
        own_server.stop()
        before = asked(proxy)
        for _ in range(10):
            with pytest.raises(TierDown):
                await tier.fetch_async(PLACE)
        return asked(proxy) - before

    count = asyncio.run(all_fail())
    own_server.go_on()

    assert 1 <= count <= 3
    _until(lambda: works(tier))
    assert asyncio.run(tier.fetch_async(PLACE)) == b"sealed"


def test_the_answer_for_a_cancelled_task_is_given_to_nobody(
    proxy: TcpProxy, here: tuple[RedisTier, Heard]
) -> None:
    tier, _ = here
    load(tier, PLACE, b"one")
    load(tier, OTHER, b"other")

    async def cancelled() -> bytes | None:
        await tier.fetch_async(PLACE)
        sent = sum(map(len, proxy.sent))
        proxy.delay_s = 0.2
        fetching = asyncio.create_task(tier.fetch_async(PLACE))
        # It is the proxy's thread that is waited for.
        while sum(map(len, proxy.sent)) == sent:  # noqa: ASYNC110
            await asyncio.sleep(0)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        return await tier.fetch_async(OTHER)

    assert asyncio.run(cancelled()) == b"other"


@hasty
def test_silence_is_noticed_without_a_call(own_server: RedisServer, connected: Connect) -> None:
    tier, heard = connected(own_server.url)
    tier.fetch(PLACE)
    before = tier.generation

    own_server.stop()

    assert "did not answer in time" in went(heard, is_up=False)
    assert tier.generation > before
    own_server.go_on()
    went(heard, is_up=True)


@hasty
def test_who_waits_for_a_claim_is_released_when_the_server_hangs(
    own_server: RedisServer, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_redis_tier, "LEASE_MS", 600_000)
    (here, _), (there, heard) = connected(own_server.url), connected(own_server.url)
    claimed(here)
    busy = busy_at(there)

    own_server.stop()
    went(heard, is_up=False)
    with ThreadPoolExecutor() as pool:
        pool.submit(busy.wait).result(timeout=PATIENCE_S)

    own_server.go_on()


def test_what_is_invalidated_meanwhile_takes_effect_on_recovery(
    proxy: TcpProxy,
    own_server: RedisServer,
    here: tuple[RedisTier, Heard],
    there: tuple[RedisTier, Heard],
) -> None:
    for place in (PLACE, OTHER, Place("candles.1", bytes(16))):
        load(there[0], place, b"old")
    claim = claimed(there[0], Place("markets.1", b"running"))
    proxy.upstream = free_port()
    proxy.cut()
    went(here[1], is_up=False)

    here[0].invalidate(PLACE)
    here[0].invalidate(Place("markets.1", b"running"))
    here[0].clear("candles.1")
    assert there[0].fetch(PLACE) == b"old"
    proxy.upstream = own_server.port
    went(here[1], is_up=True)

    there[1].until(lambda all_: {PLACE, "candles.1"} <= set(all_))
    assert there[0].fetch(PLACE) is None
    assert there[0].fetch(Place("candles.1", bytes(16))) is None
    assert there[0].fetch(OTHER) == b"old"
    assert not claim.store(b"old", keep_ms=60_000)


def test_what_others_invalidate_meanwhile_is_a_doubt_and_then_gone(
    proxy: TcpProxy,
    own_server: RedisServer,
    here: tuple[RedisTier, Heard],
    there: tuple[RedisTier, Heard],
) -> None:
    load(here[0], PLACE, b"old")
    load(here[0], Place("candles.1", bytes(16)), b"old")
    verified = here[0].generation
    proxy.upstream = free_port()
    proxy.cut()
    went(here[1], is_up=False)
    assert here[0].generation > verified

    there[0].invalidate(PLACE)
    there[0].clear("candles.1")
    in_doubt = here[0].generation
    proxy.upstream = own_server.port
    went(here[1], is_up=True)

    assert here[0].generation > in_doubt
    assert here[0].fetch(PLACE) is None
    assert here[0].fetch(Place("candles.1", bytes(16))) is None


@hasty
def test_an_invalidation_that_fails_opens_the_breaker_at_once(
    proxy: TcpProxy, own_server: RedisServer, here: tuple[RedisTier, Heard]
) -> None:
    tier, heard = here
    load(tier, PLACE, b"old")

    own_server.stop()
    tier.invalidate(PLACE)
    before = asked(proxy)

    # Nobody here gets the old value between this and the recovery, which replays.
    assert is_down(lambda: tier.fetch(PLACE))
    assert asked(proxy) == before
    own_server.go_on()
    went(heard, is_up=True)
    assert tier.fetch(PLACE) is None


@hasty
def test_many_invalidations_become_a_cleared_namespace(
    own_server: RedisServer, connected: Connect
) -> None:
    (here, heard), (there, _) = connected(own_server.url), connected(own_server.url)
    load(there, PLACE, b"old")
    here.fetch(PLACE)
    own_server.stop()
    for number in range(5_000):
        here.invalidate(Place("markets.1", number.to_bytes(16, "big")))

    own_server.go_on()
    went(heard, is_up=True)

    _until(lambda: works(there))
    assert there.fetch(PLACE) is None


@hasty
def test_a_slow_server_is_used_and_one_too_slow_is_not(
    proxy: TcpProxy, here: tuple[RedisTier, Heard]
) -> None:
    proxy.delay_s = 0.05
    load(here[0], PLACE, b"sealed")
    assert here[0].fetch(PLACE) == b"sealed"

    proxy.delay_s = 2.0
    before = asked(proxy)
    assert all(is_down(lambda: here[0].fetch(PLACE)) for _ in range(10))
    assert 1 <= asked(proxy) - before <= 3

    went(here[1], is_up=False)
    proxy.delay_s = 0.0
    went(here[1], is_up=True)
    assert here[0].fetch(PLACE) == b"sealed"


def test_a_full_server_still_serves_and_still_forgets(
    own_server: RedisServer, connected: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    (here, heard), (there, _) = connected(own_server.url), connected(own_server.url)
    load(here, PLACE, b"kept")
    load(here, OTHER, b"old")
    claim = claimed(here, Place("markets.1", b"running"))
    with own_server.admin() as admin, caplog.at_level(logging.INFO):
        admin.config_set("maxmemory", 1)
        new = Place("markets.1", b"new")
        for _ in range(5):
            with pytest.raises(TierDown, match="memory is full"):
                here.claim(new)
        with pytest.raises(TierDown, match="memory is full"):
            claim.store(b"sealed", keep_ms=60_000)

        assert here.fetch(PLACE) == b"kept"
        there.invalidate(OTHER)
        heard.until_told(OTHER)
        assert here.fetch(OTHER) is None
        there.clear("candles.1")
        heard.until_told("candles.1")
        admin.config_set("maxmemory", 0)
        # The claim that could not be stored was given back.
        load(there, Place("markets.1", b"running"), b"sealed")
        load(here, new, b"sealed")

    said = [record.message for record in caplog.records]
    assert said.count("cache full") == 1
    assert said.count("cache has room again") == 1
    assert not _reasons(heard.all, is_up=False)


def test_a_server_that_became_a_read_only_replica_is_left_until_it_is_none(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, heard = connected(own_server.url)
    load(tier, PLACE, b"sealed")
    with own_server.admin() as admin:
        admin.replicaof("127.0.0.1", free_port())
        with pytest.raises(TierDown, match="read-only"):
            tier.claim(OTHER)
        assert "read-only" in went(heard, is_up=False)
        assert is_down(lambda: tier.fetch(PLACE))

        admin.replicaof("NO", "ONE")
        went(heard, is_up=True)

    load(tier, OTHER, b"sealed")


def test_another_server_takes_over(
    proxy: TcpProxy,
    own_server: RedisServer,
    here: tuple[RedisTier, Heard],
    tmp_path: Path,
    connected: Connect,
) -> None:
    replica = RedisServer(flavour="redis", folder=tmp_path / "replica")
    load(here[0], PLACE, b"sealed")
    with replica.running(), replica.admin() as admin, own_server.admin() as primary:
        primary.config_set("repl-diskless-sync-delay", 0)
        admin.replicaof("127.0.0.1", own_server.port)
        _until(lambda: admin.info("replication")["master_link_status"] == "up")
        before = here[0].generation

        own_server.kill()
        went(here[1], is_up=False)
        admin.replicaof("NO", "ONE")
        proxy.upstream = replica.port
        went(here[1], is_up=True)

        assert here[0].generation > before
        assert here[0].fetch(PLACE) == b"sealed"
        there, _ = connected(replica.url)
        there.invalidate(PLACE)
        here[1].until_told(PLACE)


def test_a_password_that_was_changed_is_asked_for_again(
    own_server: RedisServer, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    with own_server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *rights())
        tier, heard = connected(own_server.url, username=USER, password=REFERENCE)
        tier.fetch(PLACE)

        admin.execute_command("ACL", "SETUSER", USER, "resetpass", f">new-{PASSWORD}")
        admin.execute_command("CLIENT", "KILL", "USER", USER)
        went(heard, is_up=False)
        assert is_down(lambda: tier.fetch(PLACE))

        monkeypatch.setenv("REDIS_PASSWORD", f"new-{PASSWORD}")
        went(heard, is_up=True)
    assert tier.fetch(PLACE) is None


def test_rights_that_were_taken_are_an_outage_not_an_error(
    own_server: RedisServer, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    with own_server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *rights())
        tier, heard = connected(own_server.url, username=USER, password=REFERENCE)
        tier.fetch(PLACE)

        admin.execute_command("ACL", "SETUSER", USER, "-eval")
        assert is_down(lambda: tier.claim(PLACE))
        assert "forbids its user" in went(heard, is_up=False)

        admin.execute_command("ACL", "SETUSER", USER, "+eval")
        went(heard, is_up=True)
    claimed(tier)


@pytest.mark.parametrize("lost", ["INCR tradai:number", "SET tradai:number 0"])
def test_a_gap_in_the_numbers_is_a_doubt_at_once(
    own_server: RedisServer, connected: Connect, lost: str
) -> None:
    (here, heard), (there, _) = connected(own_server.url), connected(own_server.url)
    load(here, PLACE, b"sealed")
    there.invalidate(OTHER)
    there.invalidate(OTHER)
    heard.until(lambda all_: all_.count(OTHER) == 2)
    before = here.generation

    with own_server.admin() as admin:
        admin.execute_command(*lost.split())
    there.invalidate(OTHER)

    assert "was missed" in went(heard, is_up=False)
    assert here.generation > before
    went(heard, is_up=True)
    assert here.fetch(PLACE) == b"sealed"


def test_lines_that_were_cut_while_idle_cost_nothing(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, heard = connected(own_server.url)
    together = threading.Barrier(4)

    def fetch(_: int) -> None:
        together.wait()
        tier.fetch(PLACE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fetch, range(4)))
    with own_server.admin() as admin:
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    for _ in range(4):
        tier.fetch(PLACE)
    assert heard.all == []


def test_a_line_of_messages_that_is_cut_is_a_doubt(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, heard = connected(own_server.url)
    tier.fetch(PLACE)
    before = tier.generation

    with own_server.admin() as admin:
        admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    went(heard, is_up=True)
    assert tier.generation > before


@pytest.mark.parametrize("loss", ["FLUSHALL", "DEL tradai:{markets.1}"])
def test_epochs_that_were_evicted_or_flushed_begin_anew_for_everybody(
    own_server: RedisServer, connected: Connect, loss: str
) -> None:
    (here, _), (there, heard) = connected(own_server.url), connected(own_server.url)
    load(here, PLACE, b"old")
    there.fetch(PLACE)
    with own_server.admin() as admin:
        admin.execute_command(*loss.split())

    before = there.generation

    here.invalidate(PLACE)

    heard.until(lambda all_: "markets.1" in all_ or bool(_reasons(all_, is_up=True)))
    assert ("markets.1" in heard.all) is (there.generation == before)
    for tier in (here, there):
        _until(functools.partial(works, tier))
    assert here.fetch(PLACE) is None
    assert there.fetch(PLACE) is None
    load(there, PLACE, b"new")
    assert here.fetch(PLACE) == b"new"


def test_closing_does_not_wait_for_a_hung_server(
    own_server: RedisServer, connected: Connect
) -> None:
    tier, _ = connected(own_server.url)
    tier.fetch(PLACE)

    own_server.stop()
    with ThreadPoolExecutor() as pool:
        pool.submit(tier.close).result(timeout=PATIENCE_S)

    with pytest.raises(TierDown, match="closed"):
        tier.fetch(PLACE)
    own_server.go_on()


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
