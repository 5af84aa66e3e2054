"""Cached functions of several processes: one load for all, and secrets for none."""

import asyncio
import itertools
import os
import subprocess
import sys
import threading
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
    """Have every member want a key at once, and wait until all have it."""
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

    def said() -> list[str]:
        return [member.stdout.readline().strip() for member in members if member.stdout]

    def want(key: str) -> None:
        for member in members:
            assert member.stdin
            member.stdin.write(f"{key}\n")
            member.stdin.flush()
        assert said() == ["done"] * MEMBERS

    assert said() == ["ready"] * MEMBERS
    yield want
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


def test_no_secret_goes_over_the_line(proxy: TcpProxy, new_cache: Callable[[str], Cache]) -> None:
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
    assert not any(b"accounts" in part for one in commands(proxy) for part in one[:2])
    assert cache.stats().loads <= 8


def test_an_invalidation_here_is_soon_true_there(
    server: RedisServer, new_cache: Callable[[str], Cache]
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
    noticed = threading.Event()
    while not noticed.wait(0.001):
        if there("key") == {"key": 2}:
            noticed.set()


def test_what_is_in_memory_is_in_doubt_after_a_fork(
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
        # Only what the exit code tells gets out of here.
        shared = cache.stats().shared
        is_right = read("key") == 1 and cache.stats().shared == shared + 1
        read.invalidate("key")
        os._exit(0 if is_right and read("key") == 2 else 1)

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    while read("key") != 2:
        pass


class Lost:
    """A cache whose server is lost, and what it had in memory."""

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

    def find(self) -> None:
        self._proxy.upstream = self._port
        self._until("closed")

    def _until(self, breaker: str) -> None:
        while self._cache.stats().breaker != breaker:
            pass


@pytest.fixture
def lose(proxy: TcpProxy, new_cache: Callable[[str], Cache]) -> Callable[[OnOutage], Lost]:
    def make(policy: OnOutage) -> Lost:
        return Lost(new_cache(f"redis://127.0.0.1:{proxy.port}/0"), proxy, policy)

    return make


def test_who_fails_open_loads_here_while_the_server_is_away(
    lose: Callable[[OnOutage], Lost],
) -> None:
    lost = lose("fail_open")

    assert [lost.read("known") for _ in range(3)] == ["known 2"] * 3
    assert lost.read("new") == "new 3"
    lost.find()
    # What was loaded meanwhile is not what the others have.
    assert lost.read("known") == "known 1"


def test_who_takes_stale_only_never_loads_while_the_server_is_away(
    lose: Callable[[OnOutage], Lost],
) -> None:
    lost = lose("stale_only")

    assert lost.read("known") == "known 1"
    held = lost.read.peek("known")
    assert held is not None
    assert held.is_stale
    with pytest.raises(CacheUnavailableError):
        lost.read("new")
    assert lost.loads == 1
    lost.find()
    assert lost.read("new") == "new 2"


def test_who_fails_closed_gets_nothing_while_the_server_is_away(
    lose: Callable[[OnOutage], Lost],
) -> None:
    lost = lose("fail_closed")

    for key in ("known", "new"):
        with pytest.raises(CacheUnavailableError):
            lost.read(key)
    lost.find()
    assert lost.read("known") == "known 1"


# As a user's process waits, but for as long as the slowest machine needs to be refused.
@pytest.mark.parametrize("waits", [{"first_s": 60.0}])
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
        found = list(pool.map(lambda _: asyncio.run(all_of(range(10))), range(8)))

    assert found == [list(range(10))] * 8
    assert sorted(loads) == list(range(10))
