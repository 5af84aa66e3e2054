"""Cached functions of several processes: one load for all, no secret in Redis, outage policies."""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from cache.wire import commands
from pydantic import BaseModel, SecretStr
from servers.process import free_port
from servers.redis import RedisServer
from servers.tcp_proxy import TcpProxy

from tradai.cache import Cache, CacheUnavailableError
from tradai.cache._options.policy import OnOutage
from tradai.core import Secret
from tradai.core.exceptions import ConfigurationError

MEMBERS: Final = 4
POLICIES: Final[tuple[OnOutage, ...]] = ("fail_open", "stale_only", "fail_closed")
PLANTED: Final = "not-a-real-" + "key-of-an-exchange"


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[TcpProxy]:
    with TcpProxy(server.port) as started:
        yield started


@pytest.fixture
def new_cache() -> Iterator[Callable[[str], Cache]]:
    caches: list[Cache] = []

    def make(url: str) -> Cache:
        caches.append(Cache(url))
        return caches[-1]

    yield make
    for cache in caches:
        cache.close()


@pytest.fixture
def fleet(server: RedisServer, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Let every member read a key at the same time, and wait until all have it."""
    program = Path(__file__).with_name("fleet_member.py")
    members = [
        subprocess.Popen(
            [sys.executable, "-W", "error", program, server.url, tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(MEMBERS)
    ]

    def read_lines() -> list[str]:
        return [member.stdout.readline().strip() for member in members if member.stdout]

    def read_everywhere(key: str) -> None:
        for member in members:
            assert member.stdin
            member.stdin.write(f"{key}\n")
            member.stdin.flush()
        assert read_lines() == ["done"] * MEMBERS

    assert read_lines() == ["ready"] * MEMBERS
    yield read_everywhere
    for member in members:
        member.communicate(timeout=300)
        assert member.returncode == 0


def test_a_fleet_loads_a_cold_key_once(fleet: Callable[[str], None], tmp_path: Path) -> None:
    for number in range(1, 6):
        fleet(f"key-{number}")

        assert (tmp_path / "threads").stat().st_size == number
        assert (tmp_path / "tasks").stat().st_size == number


class Account(BaseModel):
    name: str
    key: SecretStr


def test_no_secret_is_sent_to_redis(proxy: TcpProxy, new_cache: Callable[[str], Cache]) -> None:
    cache = new_cache(f"redis://127.0.0.1:{proxy.port}/0")
    sensitive = cache.namespace("accounts", is_sensitive=True)

    @cache.cached(ttl=60.0)
    def secret(name: str) -> Secret:
        return Secret(f"{name}:{PLANTED}")

    @cache.cached(ttl=60.0)
    def account(name: str) -> Account:
        return Account(name=name, key=SecretStr(PLANTED))

    @sensitive.cached(ttl=60.0)
    def notes(name: str) -> dict[str, str]:
        return {name: PLANTED}

    @cache.cached(ttl=60.0)
    def harmless(name: str) -> dict[str, str]:
        return {name: "harmless-value"}

    for _ in range(3):
        assert secret("main").reveal().endswith(PLANTED)
        assert account("main").key.get_secret_value() == PLANTED
        assert notes("main") == {"main": PLANTED}
        assert harmless("main") == {"main": "harmless-value"}
    notes.invalidate("main")
    sensitive.clear()
    with pytest.raises(TypeError):
        harmless(Secret(PLANTED))  # type: ignore[arg-type]

    sent = b"".join(map(bytes, proxy.sent))
    assert b"harmless-value" in sent
    assert PLANTED.encode() not in sent
    assert not any(b"accounts" in part for command in commands(proxy) for part in command[:2])
    assert cache.stats().loads <= 8


def test_an_invalidation_reaches_another_process(
    server: RedisServer,
    new_cache: Callable[[str], Cache],
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    version = 1

    def read(key: str) -> dict[str, int]:
        return {key: version}

    here, there = (new_cache(server.url).cached(ttl=60.0)(read) for _ in range(2))
    for _ in range(3):
        assert here("key") == there("key") == {"key": 1}

    version = 2
    here.invalidate("key")

    assert here("key") == {"key": 2}
    assert eventually(lambda: there("key") == {"key": 2})


def test_values_in_memory_are_verified_after_a_fork(
    server: RedisServer, new_cache: Callable[[str], Cache]
) -> None:
    cache = new_cache(server.url)
    loads = itertools.count(1)

    @cache.cached(ttl=60.0)
    def read(_: str) -> int:
        return next(loads)

    assert [read("key") for _ in range(3)] == [1, 1, 1]
    child = os.fork()
    if child == 0:
        # The exit code is the only result that leaves the child.
        shared = cache.stats().shared
        is_right = read("key") == 1 and cache.stats().shared == shared + 1
        read.invalidate("key")
        os._exit(0 if is_right and read("key") == 2 else 1)

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    while read("key") != 2:
        pass


class CacheInOutage:
    """A cache with one value in memory, whose server has become unreachable."""

    def __init__(self, cache: Cache, proxy: TcpProxy, policy: OnOutage) -> None:
        self._cache = cache
        namespace = cache.namespace("markets", on_outage=policy)
        self.loads = 0

        @namespace.cached(ttl=60.0)
        def read(key: str) -> str:
            self.loads += 1
            return f"{key} {self.loads}"

        self.read = read
        assert [read("known") for _ in range(3)] == ["known 1"] * 3
        self._port, proxy.upstream = proxy.upstream, free_port()
        self._proxy = proxy
        proxy.cut()
        self._until("open")

    def recover(self) -> None:
        self._proxy.upstream = self._port
        self._until("closed")

    def _until(self, breaker: str) -> None:
        while self._cache.stats().breaker != breaker:
            pass


@pytest.fixture
def start_outage(
    proxy: TcpProxy, new_cache: Callable[[str], Cache]
) -> Callable[[OnOutage], CacheInOutage]:
    def make(policy: OnOutage) -> CacheInOutage:
        return CacheInOutage(new_cache(f"redis://127.0.0.1:{proxy.port}/0"), proxy, policy)

    return make


def test_fail_open_loads_locally_during_an_outage(
    start_outage: Callable[[OnOutage], CacheInOutage],
) -> None:
    outage = start_outage("fail_open")

    assert [outage.read("known") for _ in range(3)] == ["known 2"] * 3
    assert outage.read("new") == "new 3"
    outage.recover()
    # The value that was loaded during the outage is dropped, for the other processes lack it.
    assert outage.read("known") == "known 1"


def test_stale_only_never_loads_during_an_outage(
    start_outage: Callable[[OnOutage], CacheInOutage],
) -> None:
    outage = start_outage("stale_only")

    assert outage.read("known") == "known 1"
    held = outage.read.peek("known")
    assert held is not None
    assert held.is_stale
    with pytest.raises(CacheUnavailableError):
        outage.read("new")
    assert outage.loads == 1
    outage.recover()
    assert outage.read("new") == "new 2"


def test_fail_closed_serves_nothing_during_an_outage(
    start_outage: Callable[[OnOutage], CacheInOutage],
) -> None:
    outage = start_outage("fail_closed")

    for key in ("known", "new"):
        with pytest.raises(CacheUnavailableError):
            outage.read(key)
    outage.recover()
    assert outage.read("known") == "known 1"


# The timeouts of a user's process, except that a slow machine has time to get the refusal.
@pytest.mark.parametrize("timeouts", [{"first_s": 60.0}])
def test_wrong_settings_are_an_error_in_every_policy(
    server: RedisServer, new_cache: Callable[[str], Cache]
) -> None:
    cache = new_cache(server.url.replace("redis", "rediss", 1))

    for policy in POLICIES:
        namespace = cache.namespace(policy, on_outage=policy)

        @namespace.cached(ttl=60.0)
        def read(key: str) -> str:
            return key

        with pytest.raises(ConfigurationError, match="speaks plain text"):
            read("key")


def test_many_loops_and_threads_share_a_cache(
    server: RedisServer, new_cache: Callable[[str], Cache]
) -> None:
    cache = new_cache(server.url)
    loads: list[int] = []

    @cache.cached(ttl=60.0)
    async def read(key: int) -> int:
        loads.append(key)
        await asyncio.sleep(0.01)
        return key

    async def all_of(keys: range) -> list[int]:
        return list(await asyncio.gather(*map(read, keys)))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: asyncio.run(all_of(range(10))), range(8)))

    assert results == [list(range(10))] * 8
    assert sorted(loads) == list(range(10))
