"""Fixtures that run tradai.cache against real servers; each starts once, at first use."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypedDict

import pytest
from cache.tier_contract import PATIENCE_S, EventRecorder
from servers.redis import USER, Flavour, RedisServer

from tradai.cache import CacheSettings
from tradai.cache._redis import tier as redis_tier
from tradai.cache._redis.tier import RedisTier, connect


@pytest.fixture(autouse=True)
def _hide_cache_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TRADAI_CACHE_"):
            monkeypatch.delenv(name)


def _session_server(flavour: Flavour) -> Callable[[pytest.TempPathFactory], Iterator[RedisServer]]:
    def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
        started = RedisServer(flavour=flavour, folder=tmp_path_factory.mktemp(flavour))
        with started.running():
            yield started

    return server


# The first use starts a server, or skips where it is not installed. Tests leave no changes in it.
shared_redis = pytest.fixture(scope="session")(_session_server("redis"))
shared_valkey = pytest.fixture(scope="session")(_session_server("valkey"))


@pytest.fixture(params=["redis", "valkey"])
def server(request: pytest.FixtureRequest) -> RedisServer:
    """The server under test, empty: a test that uses it runs on two."""
    started: RedisServer = request.getfixturevalue(f"shared_{request.param}")
    with started.admin() as client:
        client.flushall()
        client.execute_command("ACL", "DELUSER", USER)
    return started


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may kill, stop and fill."""
    started = RedisServer(flavour="redis", folder=tmp_path / "redis")
    with started.running():
        yield started


class Timeouts(TypedDict, total=False):
    """Time limits for answers of the server."""

    answer_s: float
    first_s: float


@pytest.fixture
def timeouts() -> Timeouts:
    """Time limits for answers, long enough that a slow machine does not look like an outage.

    A test that needs the limits of a user's process parametrizes this fixture.
    """
    return {"answer_s": PATIENCE_S, "first_s": PATIENCE_S}


@pytest.fixture(autouse=True)
def _set_timeouts_of_caches(timeouts: Timeouts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_tier, "connect", partial(connect, **timeouts))


@pytest.fixture
def connected(timeouts: Timeouts) -> Iterator[Callable[..., tuple[RedisTier, EventRecorder]]]:
    """Connect a tier, given its URL and settings by name."""
    tiers: list[RedisTier] = []

    def make(url: str, **settings: object) -> tuple[RedisTier, EventRecorder]:
        events = EventRecorder()
        chosen = CacheSettings.model_validate({"url": url} | settings)
        tier = connect(chosen, events=events, **timeouts)
        tiers.append(tier)
        return tier, events

    yield make
    for tier in tiers:
        tier.close()
