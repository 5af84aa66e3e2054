"""Connections of many tasks and loops on a real server: bounded, shared, and closed again."""

import asyncio
import subprocess
import sys
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


# These run in a process of their own, where no other test leaves something to collect.
USE_ONCE = """
import gc, sys, threading
from tradai.cache import Cache

def use_once():
    @Cache(sys.argv[1]).cached(ttl=60)
    def value(number: int) -> int:
        return number

    value(1)
    gc.collect()
    # Its functions keep a cache alive.
    value(2)
    assert value.peek(2).tier == "memory"
    assert len(threading.enumerate()) > 1

use_once()
gc.collect()
for thread in set(threading.enumerate()) - {threading.current_thread()}:
    thread.join(60)
print(threading.enumerate())
"""
USE_IN_LOOPS = """
import asyncio, gc, os, sys
from tradai.cache import Cache

cache = Cache(sys.argv[1])

@cache.cached(ttl=60)
async def value(number: int) -> int:
    return number

opened = []
for number in range(11):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(value(number))
    loop.close()
    gc.collect()
    opened.append(len(os.listdir("/proc/self/fd")))
print(opened[-1] - opened[0])
"""


def _printed(script: str, server: RedisServer) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, server.url],
        capture_output=True,
        text=True,
        check=True,
        timeout=5 * PATIENCE_S,
    )
    return done.stdout


def test_loops_that_are_closed_by_hand_leave_no_connections(shared_redis: RedisServer) -> None:
    assert int(_printed(USE_IN_LOOPS, shared_redis)) <= 2


def test_a_cache_that_is_not_closed_ends_its_threads_when_it_is_gone(
    shared_redis: RedisServer,
) -> None:
    threads = _printed(USE_ONCE, shared_redis)

    assert threads.startswith("[<_MainThread")
    assert threads.count("Thread(") == 1


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
