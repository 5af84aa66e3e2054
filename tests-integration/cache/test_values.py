"""Values through real servers: one process stores them and another reads them unchanged."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd  # noqa: TID253
import pytest
from pydantic import BaseModel
from servers.redis import RedisServer

from tradai.cache import Cache, CachedDataRepository
from tradai.cache._options.policy import OnOutage
from tradai.core.frames import InMemoryDataRepository
from tradai.core.testing import DataRepositoryContract


class Fill(BaseModel):
    at: datetime
    price: Decimal
    more: Any = None


@pytest.fixture
def caches(server: RedisServer) -> Iterator[Callable[..., Cache]]:
    """Connect caches; each is like one more process."""
    made: list[Cache] = []

    def make(max_entries: int = 10_000) -> Cache:
        made.append(Cache(server.url, max_entries=max_entries))
        return made[-1]

    yield make
    for cache in made:
        cache.close()


class TestCandlesThroughRedis(DataRepositoryContract):
    """With room for one value in memory, so that nearly all come out of Redis."""

    @pytest.fixture
    def repository(self, caches: Callable[..., Cache]) -> CachedDataRepository:
        namespace = caches(max_entries=1).namespace("candles")
        return CachedDataRepository(InMemoryDataRepository(), namespace)


def test_another_process_reads_the_same_frame(caches: Callable[..., Cache]) -> None:
    opened = pd.date_range("2025-01-01", periods=100_000, freq="min", tz="UTC", name="date")
    prices = np.random.default_rng(7).random((6, len(opened)))
    prices[0, :2] = [-0.0, np.inf]
    prices.view("u8")[0, 2] = 0x7FF8000000000007  # a NaN with a payload
    wanted = pd.DataFrame(dict(zip("abcdef", prices, strict=True)), index=opened)
    runs: list[int] = []

    def frames(number: int) -> pd.DataFrame:
        runs.append(number)
        return wanted

    read = [caches().cached(ttl=3_600.0)(frames)(1) for _ in range(2)]

    assert runs == [1]
    for frame in read:
        pd.testing.assert_frame_equal(frame, wanted, check_exact=True)
        assert frame.to_numpy().tobytes() == wanted.to_numpy().tobytes()


def test_another_process_reads_the_same_model(caches: Callable[..., Cache]) -> None:
    wanted = Fill(at=datetime(2025, 1, 1, tzinfo=UTC), price=Decimal("1.50"), more=((1,), b"x"))
    runs: list[str] = []

    def fills(pair: str) -> dict[str, Fill]:
        runs.append(pair)
        return {pair: wanted}

    read = [caches().cached(ttl=3_600.0)(fills)("BTC/USDT") for _ in range(2)]

    assert runs == ["BTC/USDT"]
    assert repr(read) == repr([{"BTC/USDT": wanted}] * 2)


def test_a_repository_reads_the_candles_that_another_one_loaded(
    caches: Callable[..., Cache],
) -> None:
    # Of days: the newest candles are read from the source again when the next one has closed.
    opened = pd.date_range("2019-01-01", periods=2_000, freq="D", tz="UTC", name="date")
    columns = ["open", "high", "low", "close", "volume"]
    candles = pd.DataFrame(dict.fromkeys(columns, np.arange(2_000.0)), index=opened.as_unit("ms"))
    source = InMemoryDataRepository()
    source.save_ohlcv("BTC/USDT", "1d", candles)
    pulling = CachedDataRepository(source, caches().namespace("candles"))
    start = datetime(2019, 8, 29, tzinfo=UTC)
    wanted = pulling.get_ohlcv("BTC/USDT", "1d", start=start)

    # Its own source is empty, so it reads the candles from Redis.
    reading = CachedDataRepository(InMemoryDataRepository(), caches().namespace("candles"))
    read = reading.get_ohlcv("BTC/USDT", "1d", start=start)

    pd.testing.assert_frame_equal(read, wanted)
    pd.testing.assert_frame_equal(read, candles.loc[start:], check_freq=False)


# A value key, its lease, the epoch of its namespace, and the number of messages.
@pytest.mark.parametrize(
    "name", ["{value}", "{value}:lease", "tradai:{{strict.1}}", "tradai:number"]
)
def test_a_key_of_another_kind_is_replaced_and_no_outage(
    caches: Callable[..., Cache], server: RedisServer, name: str
) -> None:
    def runs_of(cache: Cache, runs: list[int]) -> Any:
        def square(number: int) -> int:
            runs.append(number)
            return number**2

        return cache.namespace("strict", on_outage="fail_closed").cached(ttl=60.0)(square)

    runs_of(caches(), [])(3)
    with server.admin() as admin:
        (value,) = admin.keys("tradai:{strict.1}:*")
        key = name.format(value=value.decode())
        admin.delete(key, value)
        admin.lpush(key, "not text")

    cache = caches()
    runs: list[int] = []
    square = runs_of(cache, runs)

    assert (square(3), square(4), runs) == (9, 16, [3, 4])
    square.invalidate(4)
    assert (square(4), runs) == (16, [3, 4, 4])
    assert cache.stats().breaker == "closed"
    assert cache.stats().poisoned == (name == "{value}")
    other: list[int] = []
    assert (runs_of(caches(), other)(3), other) == (9, [])


def test_a_task_replaces_a_value_of_another_kind(
    caches: Callable[..., Cache], server: RedisServer
) -> None:
    runs: list[int] = []

    async def square(number: int) -> int:
        runs.append(number)
        return number**2

    asyncio.run(caches().cached(ttl=60.0)(square)(3))
    with server.admin() as admin:
        (value,) = admin.keys("tradai:{default.1}:*")
        admin.delete(value)
        admin.lpush(value, "not text")
    cache = caches()
    again = cache.cached(ttl=60.0)(square)

    async def ask() -> None:
        assert await again.peek(3) is None
        assert (await again(3), await again(3), runs) == (9, 9, [3, 3])

    asyncio.run(ask())
    assert (cache.stats().poisoned, cache.stats().breaker) == (1, "closed")


@pytest.mark.parametrize("on_outage", ["fail_open", "stale_only", "fail_closed"])
def test_a_full_server_is_no_outage_for_any_policy(
    own_server: RedisServer, on_outage: OnOutage
) -> None:
    runs: list[int] = []
    cache = Cache(own_server.url)

    @cache.namespace("full", on_outage=on_outage).cached(ttl=60.0)
    def square(number: int) -> int:
        runs.append(number)
        return number**2

    with own_server.admin() as admin:
        square(2)
        admin.config_set("maxmemory", 1)

        assert [square(2), square(3), square(3)] == [4, 9, 9]
        square.invalidate(3)
        assert square(3) == 9

    assert runs == [2, 3, 3]
    assert cache.stats().breaker == "closed"
    cache.close()
