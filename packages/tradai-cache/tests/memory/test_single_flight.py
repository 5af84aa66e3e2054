"""One load at a time for threads, tasks and event loops, and lost leaders."""

import asyncio
import gc
import threading
import time
import traceback
import tracemalloc
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from tradai.cache import Cache


class Gate:
    """A gate at which a load waits until it is opened."""

    def __init__(self) -> None:
        self.arrivals = threading.Semaphore(0)
        self.is_open = threading.Event()

    def passed(self) -> None:
        self.arrivals.release()
        assert self.is_open.wait(60)

    async def passed_async(self) -> None:
        self.arrivals.release()
        while not self.is_open.is_set():  # noqa: ASYNC110 - opened by another thread
            await asyncio.sleep(0.001)


def _until_coalesced(cache: Cache, count: int) -> None:
    """Poll until `count` callers have joined: the start of a wait sets no event."""
    deadline = time.monotonic() + 60
    while cache.stats().coalesced < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_threads_load_once_together() -> None:
    cache, gate = Cache(), Gate()

    @cache.cached(ttl=60)
    def value(key: str) -> list[str]:
        gate.passed()
        return [key]

    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(value, "a") for _ in range(16)]
        gate.arrivals.acquire()
        _until_coalesced(cache, 15)
        gate.is_open.set()
        answers = [call.result(60) for call in calls]

    assert answers == [["a"]] * 16
    assert len({id(answer) for answer in answers}) == 16
    assert (cache.stats().loads, cache.stats().coalesced) == (1, 15)


def test_different_calls_do_not_wait_for_each_other() -> None:
    gate = Gate()

    @Cache().cached(ttl=60)
    def value(key: str) -> str:
        if key == "slow":
            gate.passed()
        return key

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(value, "slow")
        gate.arrivals.acquire()
        assert value("quick") == "quick"
        gate.is_open.set()
        assert slow.result(60) == "slow"


def test_an_error_is_raised_once_by_the_load_and_by_every_waiter() -> None:
    cache, gate = Cache(), Gate()

    @cache.cached(ttl=60)
    def value() -> str:
        gate.passed()
        raise ConnectionError("exchange is down")

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(value) for _ in range(8)]
        gate.arrivals.acquire()
        _until_coalesced(cache, 7)
        gate.is_open.set()
        errors = [call.exception(10) for call in calls]

    assert {str(error) for error in errors} == {"exchange is down"}
    assert len({id(error) for error in errors}) == 8
    assert cache.stats().loads == 1
    assert all(_was_raised_in(error, "value") for error in errors)
    with pytest.raises(ConnectionError):  # errors are not cached
        value()
    assert cache.stats().loads == 2


def test_an_error_that_cannot_be_copied_does_not_grow() -> None:
    cache, gate = Cache(), Gate()

    class OddError(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(one + two)

    @cache.cached(ttl=60)
    def value() -> str:
        gate.passed()
        raise OddError(1, 2)

    with ThreadPoolExecutor(32) as pool:
        calls = [pool.submit(value) for _ in range(32)]
        gate.arrivals.acquire()
        _until_coalesced(cache, 31)
        gate.is_open.set()
        errors = [call.exception(10) for call in calls]

    assert {type(error) for error in errors} == {OddError}
    assert max(len(traceback.extract_tb(error.__traceback__)) for error in errors if error) < 20


def _was_raised_in(error: BaseException | None, name: str) -> bool:
    assert error is not None
    return name in [frame.name for frame in traceback.extract_tb(error.__traceback__)]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupted_leader_does_not_stop_its_waiters(end: type[BaseException]) -> None:
    cache, gate = Cache(), Gate()
    ends = [end]

    @cache.cached(ttl=60)
    def value() -> str:
        gate.passed()
        if ends:
            raise ends.pop()
        return "loaded by a waiter"

    def first() -> str:
        with pytest.raises(end):
            value()
        return "ended"

    with ThreadPoolExecutor(8) as pool:
        leader = pool.submit(first)
        gate.arrivals.acquire()
        waiters = [pool.submit(value) for _ in range(7)]
        _until_coalesced(cache, 7)
        gate.is_open.set()
        assert leader.result(60) == "ended"
        assert {waiter.result(60) for waiter in waiters} == {"loaded by a waiter"}

    assert cache.stats().loads == 1


def test_after_a_cancelled_leader_a_waiter_leads() -> None:
    cache = Cache()
    begun: list[str] = []

    @cache.cached(ttl=60)
    async def value() -> str:
        begun.append("load")
        await asyncio.sleep(3_600 if len(begun) == 1 else 0)
        return "loaded by a waiter"

    async def story() -> list[str]:
        leader = asyncio.create_task(value())
        await asyncio.sleep(0)
        waiters = [asyncio.create_task(value()) for _ in range(5)]
        await asyncio.sleep(0)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        return await asyncio.gather(*waiters)

    assert asyncio.run(story()) == ["loaded by a waiter"] * 5
    assert len(begun) == 2


def test_a_cancelled_waiter_does_not_stop_the_leader() -> None:
    cache = Cache()

    @cache.cached(ttl=60)
    async def value() -> str:
        for _ in range(10):
            await asyncio.sleep(0)
        return "loaded"

    async def story() -> str:
        leader = asyncio.create_task(value())
        await asyncio.sleep(0)
        waiter = asyncio.create_task(value())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        return await leader

    assert asyncio.run(story()) == "loaded"
    assert cache.stats().loads == 1


def test_several_event_loops_load_once_together() -> None:
    cache, gate = Cache(), Gate()

    @cache.cached(ttl=60)
    async def value(key: str) -> str:
        await gate.passed_async()
        return key

    async def calls() -> list[str]:
        return await asyncio.gather(*(value("a") for _ in range(8)))

    with ThreadPoolExecutor(4) as pool:
        loops = [pool.submit(asyncio.run, calls()) for _ in range(4)]
        gate.arrivals.acquire()
        _until_coalesced(cache, 31)
        gate.is_open.set()
        assert [loop.result(60) for loop in loops] == [["a"] * 8] * 4

    assert cache.stats().loads == 1


_tasks: list[asyncio.Task[str]] = []


def _end(loop: asyncio.AbstractEventLoop) -> None:
    for task in _tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*_tasks, return_exceptions=True))
    _tasks.clear()
    loop.close()


def _stopped_in_the_middle(call: Coroutine[Any, Any, str]) -> asyncio.AbstractEventLoop:
    """Return a loop that has stopped while it was running `call`."""
    loop = asyncio.new_event_loop()
    _tasks.append(loop.create_task(call))
    loop.run_until_complete(asyncio.sleep(0))
    return loop


def test_a_load_of_a_stopped_loop_is_replaced() -> None:
    cache = Cache()
    begun: list[str] = []

    @cache.cached(ttl=60)
    async def value() -> str:
        begun.append("load")
        if len(begun) == 1:
            await asyncio.Event().wait()
        return "loaded in another loop"

    async def call() -> str:
        return await value()

    stopped = _stopped_in_the_middle(value())
    assert begun == ["load"]

    assert asyncio.run(call()) == "loaded in another loop"

    _end(stopped)


def test_waiters_go_on_when_the_loop_of_the_leader_stops() -> None:
    cache = Cache()
    leads, stops = threading.Event(), threading.Event()

    @cache.cached(ttl=60)
    async def value() -> str:
        if not leads.is_set():
            leads.set()
            await asyncio.Event().wait()
        return "loaded by a waiter"

    def lead() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        _tasks.append(loop.create_task(value()))
        loop.run_until_complete(asyncio.to_thread(stops.wait))
        return loop

    async def call() -> str:
        return await value()

    with ThreadPoolExecutor(2) as pool:
        stopping = pool.submit(lead)
        assert leads.wait(60)
        waiting: Future[str] = pool.submit(asyncio.run, call())
        _until_coalesced(cache, 1)
        stops.set()
        loop = stopping.result(60)
        assert waiting.result(60) == "loaded by a waiter"

    _end(loop)


def test_after_a_collected_leader_the_next_call_leads() -> None:
    cache = Cache()
    begun: list[str] = []

    @cache.cached(ttl=60)
    async def value() -> str:
        begun.append("load")
        await asyncio.sleep(0)
        return "loaded"

    async def story() -> str:
        forgotten = value()
        forgotten.send(None)  # like a task
        del forgotten
        gc.collect()
        return await value()

    assert asyncio.run(story()) == "loaded"
    assert len(begun) == 2


def test_recursion_with_the_same_arguments_is_an_error() -> None:
    @Cache().cached(ttl=60)
    def value(number: int) -> int:
        return value(number)

    with pytest.raises(RecursionError, match="needs it itself"):
        value(1)


def test_recursion_with_other_arguments_is_allowed() -> None:
    @Cache().cached(ttl=60)
    def factorial(number: int) -> int:
        return number * factorial(number - 1) if number else 1

    assert factorial(20) == 2_432_902_008_176_640_000


def test_indirect_recursion_is_an_error() -> None:
    cache = Cache()

    @cache.cached(ttl=60)
    def one() -> int:
        return two()

    @cache.cached(ttl=60)
    def two() -> int:
        return one()

    with pytest.raises(RecursionError):
        one()


def test_recursion_from_a_new_task_is_an_error() -> None:
    @Cache().cached(ttl=60)
    async def value() -> int:
        (result,) = await asyncio.gather(value())
        return result

    async def call() -> int:
        return await value()

    with pytest.raises(RecursionError):
        asyncio.run(call())


def test_a_deadlock_between_two_threads_is_an_error() -> None:
    cache = Cache()
    both_lead = threading.Barrier(2, timeout=60)

    @cache.cached(ttl=60)
    def one(*, is_first: bool) -> str:
        if is_first:
            both_lead.wait()
        return two(is_first=False)

    @cache.cached(ttl=60)
    def two(*, is_first: bool) -> str:
        if is_first:
            both_lead.wait()
        return one(is_first=False)

    @cache.cached(ttl=60)
    def left() -> str:
        both_lead.wait()
        return right()

    @cache.cached(ttl=60)
    def right() -> str:
        both_lead.wait()
        return left()

    with ThreadPoolExecutor(2) as pool:
        errors = [call.exception(10) for call in (pool.submit(left), pool.submit(right))]

    assert [type(error) for error in errors] == [RecursionError, RecursionError]


def test_a_load_that_starts_other_loads_is_not_recursion() -> None:
    cache = Cache()

    @cache.cached(ttl=60)
    def part(number: int) -> int:
        return number

    @cache.cached(ttl=60)
    def whole() -> int:
        with ThreadPoolExecutor(4) as pool:
            contexts = [copy_context() for _ in range(8)]
            return sum(pool.map(lambda at: contexts[at].run(part, at % 2), range(8)))

    assert whole() == 4
    assert cache.stats().loads == 3


def test_an_evicted_value_is_loaded_again() -> None:
    cache = Cache(max_entries=3)
    loads: list[int] = []

    @cache.cached(ttl=60)
    def value(number: int) -> int:
        loads.append(number)
        return number

    for number in (1, 2, 3):
        value(number)
    value(1)
    value(4)  # 2 was not used for the longest time

    assert cache.stats().entries == 3
    assert [value(number) for number in (1, 3, 4)] == [1, 3, 4]
    assert loads == [1, 2, 3, 4]
    value(2)
    assert loads == [1, 2, 3, 4, 2]


def test_memory_is_bounded_by_bytes() -> None:
    cache = Cache(max_bytes=10_000)

    @cache.cached(ttl=60)
    def value(size: int, number: int) -> bytes:
        return bytes(size + 0 * number)

    for number in range(100):
        value(1_000, number)
    assert 0 < cache.stats().bytes <= 10_000
    assert cache.stats().entries == 9

    value(20_000, 1)  # larger than the whole memory: it evicts no other value
    assert cache.stats().entries == 9


def test_arguments_take_no_memory_beside_that_of_the_values() -> None:
    cache = Cache(max_bytes=10_000)

    @cache.cached(ttl=60)
    def length(text: str) -> int:
        return len(text)

    tracemalloc.start()
    for number in range(50):
        assert length(f"{number:02}" * 50_000) == 100_000
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 1_000_000
    assert length("49" * 50_000) == 100_000
    assert cache.stats().loads == 50
