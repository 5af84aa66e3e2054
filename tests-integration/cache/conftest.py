"""tradai.cache against real servers; each starts once, when first asked for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cache.tier_contract import Heard
from servers.redis import USER, Flavour, RedisServer

from tradai.cache import CacheSettings
from tradai.cache._redis.tier import RedisTier, connect


@pytest.fixture(autouse=True)
def _no_cache_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TRADAI_CACHE_"):
            monkeypatch.delenv(name)


def _session_server(flavour: Flavour) -> Callable[[pytest.TempPathFactory], Iterator[RedisServer]]:
    def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
        started = RedisServer(flavour=flavour, folder=tmp_path_factory.mktemp(flavour))
        with started.running():
            yield started

    return server


# Asking for one starts it, or skips where it is not installed. They are left as they were found.
shared_redis = pytest.fixture(scope="session")(_session_server("redis"))
shared_valkey = pytest.fixture(scope="session")(_session_server("valkey"))


@pytest.fixture(params=["redis", "valkey"])
def server(request: pytest.FixtureRequest) -> RedisServer:
    """The server under test, empty: a test that asks for it runs on two."""
    found: RedisServer = request.getfixturevalue(f"shared_{request.param}")
    with found.admin() as client:
        client.flushall()
        client.execute_command("ACL", "DELUSER", USER)
    return found


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may kill, stop and fill."""
    started = RedisServer(flavour="redis", folder=tmp_path / "redis")
    with started.running():
        yield started


@pytest.fixture
def connected() -> Iterator[Callable[..., tuple[RedisTier, Heard]]]:
    """Connect a tier: its URL, and settings by name."""
    tiers: list[RedisTier] = []

    def make(url: str, **settings: object) -> tuple[RedisTier, Heard]:
        heard = Heard()
        tier = connect(CacheSettings.model_validate({"url": url} | settings), events=heard)
        tiers.append(tier)
        return tier, heard

    yield make
    for tier in tiers:
        tier.close()
