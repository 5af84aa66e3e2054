"""tradai.cache against real servers; each starts once, when first asked for."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypedDict

import pytest
from cache.tier_contract import PATIENCE_S, Heard
from servers.redis import USER, Flavour, RedisServer

from tradai.cache import CacheSettings
from tradai.cache._redis import tier as redis_tier
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


class Waits(TypedDict, total=False):
    """How long answers are waited for."""

    answer_s: float
    first_s: float


@pytest.fixture
def waits() -> Waits:
    """How long answers are waited for: long, so that a slow machine is no outage.

    Tests of outages wait as long as a user's process does, for which theirs is empty.
    """
    return {"answer_s": PATIENCE_S, "first_s": PATIENCE_S}


@pytest.fixture(autouse=True)
def _waits_of_caches(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_tier, "connect", partial(connect, **waits))


@pytest.fixture
def connected(waits: Waits) -> Iterator[Callable[..., tuple[RedisTier, Heard]]]:
    """Connect a tier: its URL, and settings by name."""
    tiers: list[RedisTier] = []

    def make(url: str, **settings: object) -> tuple[RedisTier, Heard]:
        heard = Heard()
        wanted = CacheSettings.model_validate({"url": url} | settings)
        tier = connect(wanted, events=heard, **waits)
        tiers.append(tier)
        return tier, heard

    yield make
    for tier in tiers:
        tier.close()
