"""Connections of many tasks and loops on a real server: bounded, shared, and closed again."""

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from cache.tier_contract import PATIENCE_S
from servers.redis import RedisServer

from tradai.cache import Cache
from tradai.cache._redis.connections import MAX_CONNECTIONS
from tradai.cache._redis.publisher import Publisher


@pytest.fixture
def received(shared_redis: RedisServer) -> Iterator[Callable[[], int]]:
    """Return the number of connections that the server has received since the test began."""
    with shared_redis.admin() as admin:
        admin.flushall()
        before = admin.info("stats")["total_connections_received"]
        yield lambda: admin.info("stats")["total_connections_received"] - before


def test_hundreds_of_tasks_load_each_value_once_over_a_few_connections(
    shared_redis: RedisServer, received: Callable[[], int]
) -> None:
    cache, loads = Cache(shared_redis.url), Counter[int]()

    @cache.namespace("many", on_outage="fail_closed").cached(ttl=600)
    async def value(number: int) -> int:
        loads[number] += 1
        return number

    async def all_values() -> list[int]:
        return await asyncio.gather(*(value(number % 400) for number in range(800)))

    assert asyncio.run(all_values()) == [number % 400 for number in range(800)]
    assert loads == Counter(range(400))
    assert received() <= 32
    cache.close()


def test_dozens_of_threads_share_the_connections(
    shared_redis: RedisServer, received: Callable[[], int]
) -> None:
    cache = Cache(shared_redis.url)
    together = threading.Barrier(2 * MAX_CONNECTIONS)
    answers: list[int] = []

    @cache.namespace("many", on_outage="fail_closed").cached(ttl=600)
    def value(number: int) -> int:
        return number

    def call(number: int) -> None:
        together.wait(PATIENCE_S)
        answers.append(value(number))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert sorted(answers) == list(range(together.parties))
    assert received() <= 32
    cache.close()


def _clients_after_ten_loops(server: RedisServer) -> int:
    cache = Cache(server.url)

    @cache.cached(ttl=60)
    async def value(number: int) -> int:
        return number

    for number in range(10):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(value(number))
        loop.close()
    gc.collect()
    with server.admin() as admin:
        count = len(admin.client_list())
    cache.close()
    return count


# A loop that does not end its asynchronous generators leaves its connections to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_loops_that_are_closed_by_hand_leave_no_connections(shared_redis: RedisServer) -> None:
    count = _clients_after_ten_loops(shared_redis)
    gc.collect()  # in this test, which allows warnings about them

    assert count <= 5


# A cache that is not closed warns about its connections, as files do.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cache_that_is_not_closed_ends_its_thread_when_it_is_gone(
    shared_redis: RedisServer,
) -> None:
    before = set(threading.enumerate())

    def use_once() -> None:
        @Cache(shared_redis.url).cached(ttl=60)
        def value(number: int) -> int:
            return number

        assert value(1) == 1
        # Its functions keep a cache alive.
        gc.collect()
        assert value(2) == 2

    use_once()
    started = set(threading.enumerate()) - before
    gc.collect()
    for thread in started:
        thread.join(PATIENCE_S)

    assert not any(thread.is_alive() for thread in started)


def test_a_process_with_thousands_of_namespaces_finds_all_of_their_epochs(
    shared_redis: RedisServer,
) -> None:
    publisher, count = Publisher(0, threading.Lock()), 9_000
    with shared_redis.admin() as admin:
        admin.flushall()
        admin.mset({f"tradai:{{many-{n}.1}}": f"epoch{n}" for n in range(0, count, 2)})
        for number in range(count):
            publisher.epochs.use(f"many-{number}.1")

        publisher.synchronise("nonce", admin.execute_command)

    known = publisher.epochs.known
    assert {name: epoch.text for name, epoch in known.items()} == {
        f"many-{n}.1": f"epoch{n}" for n in range(0, count, 2)
    }


def test_namespaces_of_other_processes_are_not_kept_over_a_new_connection(
    shared_redis: RedisServer,
) -> None:
    publisher = Publisher(0, threading.Lock())
    publisher.epochs.record("of-another.1", "epoch", 1, numbering_when_asked=0)

    with shared_redis.admin() as admin:
        publisher.synchronise("nonce", admin.execute_command)

    assert publisher.epochs.known == {}
