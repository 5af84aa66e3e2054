"""Work on many objects is bounded, and ends in good order."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import ContextVar
from typing import TypeVar

import pytest

from tradai.entrypoint._inputs.parallel import each_at_once

R = TypeVar("R")
MIB = 1024 * 1024


class Gauge:
    """Counts how many calls run at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now: list[int] = []
        self.most = 0

    def work(self, size: int) -> int:
        with self.lock:
            self.now.append(size)
            self.most = max(self.most, len(self.now))
        with self.lock:
            self.now.remove(size)
        return size


def test_all_work_is_done() -> None:
    items = [(number, 1) for number in range(100)]

    assert sorted(each_at_once(lambda number: number * 2, items, most=7)) == list(range(0, 200, 2))


def test_work_belongs_to_the_run_of_its_caller() -> None:
    job: ContextVar[str] = ContextVar("job", default="none")
    token = job.set("mine")

    seen = list(each_at_once(lambda _: job.get(), [(1, 1), (2, 1)], most=2))

    job.reset(token)
    assert seen == ["mine", "mine"]


def test_no_work_is_allowed() -> None:
    assert list(each_at_once(lambda item: item, [], most=3)) == []


def test_as_many_as_allowed_run_at_once() -> None:
    barrier = threading.Barrier(4)

    def meet(_: int) -> int:
        return barrier.wait(30)

    assert len(list(each_at_once(meet, [(number, 1) for number in range(8)], most=4))) == 8


def test_no_more_than_allowed_run_at_once() -> None:
    gauge = Gauge()

    list(each_at_once(gauge.work, [(1, 1)] * 200, most=3))

    assert gauge.most <= 3


def test_large_objects_wait_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    # Only where the results are waited for is it certain what is in memory at that moment.
    def wait_and_count(pending: dict[Future[int], int], *, return_when: str) -> object:
        held.append(sum(pending.values()))
        return wait(pending, return_when=return_when)

    monkeypatch.setattr("tradai.entrypoint._inputs.parallel.wait", wait_and_count)
    sizes = [100 * MIB, 200 * MIB, 56 * MIB, 1_000 * MIB, 10 * MIB] * 5

    done = list(each_at_once(lambda size: size, [(size, size) for size in sizes], most=8))

    assert sorted(done) == sorted(sizes)
    assert {total for total in held if total > 256 * MIB} == {1_000 * MIB}


def test_a_large_object_is_alone() -> None:
    together: list[int] = []
    running = 0
    lock = threading.Lock()

    def work(size: int) -> None:
        nonlocal running
        with lock:
            running += 1
            if size == 300 * MIB:
                together.append(running)
        with lock:
            running -= 1

    sizes = [1, 300 * MIB, 1] * 20
    list(each_at_once(work, [(size, size) for size in sizes], most=8))

    assert together == [1] * 20


def test_an_error_ends_the_work_and_nothing_more_is_started() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        if number == 5:
            message = "no"
            raise ValueError(message)
        done.append(number)
        return number

    def items() -> Iterator[tuple[int, int]]:
        for number in range(1_000):
            yield number, 1

    with pytest.raises(ValueError, match="no"):
        list(each_at_once(work, items(), most=2))

    assert len(done) < 12


def test_a_caller_that_leaves_ends_the_work() -> None:
    done: list[int] = []

    for _ in each_at_once(done.append, [(n, 1) for n in range(1_000)], most=2):
        break

    assert len(done) < 12
    assert threading.active_count() == 1 or not any(
        "ThreadPoolExecutor" in thread.name for thread in threading.enumerate()
    )


def test_nothing_runs_that_a_signal_ended_the_start_of(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    class Interrupted(ThreadPoolExecutor):
        """A pool whose thread runs when a signal ends the call that started it."""

        def submit(self, work: Callable[..., R], /, *words: object, **names: object) -> Future[R]:
            started = super().submit(work, *words, **names)
            if words == (2,):
                raise KeyboardInterrupt
            return started

    monkeypatch.setattr("tradai.entrypoint._inputs.parallel.ThreadPoolExecutor", Interrupted)

    with pytest.raises(KeyboardInterrupt):
        list(each_at_once(done.append, [(1, 1), (2, 1), (3, 1)], most=3))

    assert done in ([], [1])
