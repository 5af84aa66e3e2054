"""Invalidation wins in any order of events: thousands of random schedules.

The steps of each call run one by one here, because the order of real threads cannot be chosen. A
step is two events: its effect, and the return of its result. Any other event may come between them.
"""

import random
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from typing import Any

import pytest
from cache_fleet import Fleet, Node, Waiting

from tradai.cache import Cache
from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._calls.lookup import get_or_load, invalidate
from tradai.cache._calls.steps import AskTier, Blocking, Fetch, Load, Step, Steps, Wait
from tradai.cache._decorator.cached_function import Cached
from tradai.cache._memory.single_flight import Loaded
from tradai.cache._tier.shared_tier import TierDown

Process = tuple[Cache, Node, Cached[[int], int]]


class World:
    """The true values, and the ones that every call in a process must see by now.

    A process must see a value once its `invalidate` has returned, once the message of another
    process has arrived, or once it has noticed that messages were lost.
    """

    def __init__(self) -> None:
        self.truth: dict[int, int] = {}
        self.published: dict[int, int] = {}
        self.known: dict[tuple[int, int], int] = {}

    def learn(self, process: int, key: int, value: int) -> None:
        self.known[process, key] = max(self.known.get((process, key), 0), value)

    def load(self, key: int) -> int:
        return self.truth.get(key, 0)


class Actor:
    """One call in one process, run step by step."""

    def __init__(self, steps: Steps[Any], done: Callable[[Any], None]) -> None:
        self._steps = steps
        self._done = done
        self._context: Context = copy_context()
        self._move: Callable[[], Step] | None = partial(next, steps)
        self._step: Step | None = None
        self.is_over = False

    @property
    def is_ready(self) -> bool:
        match self._step:
            case Wait(_, load):
                return load.outcome is not None
            case Blocking(call):
                waiting = getattr(call, "__self__", None)
                return not isinstance(waiting, Waiting) or waiting.ended.is_set()
            case _:
                return True

    def go_on(self) -> None:
        """Run the next step, or return its result to the call."""
        if self._move is None:
            self._do()
            return
        try:
            self._step = self._context.run(self._move)
        except StopIteration as end:
            self.is_over = True
            self._done(end.value)
        self._move = None

    def _do(self) -> None:
        try:
            self._move = partial(self._steps.send, _result(self._step))
        except TierDown as error:
            self._move = partial(self._steps.throw, error)


def _result(step: Step | None) -> object:
    match step:
        case Fetch(tier, key):
            return tier.fetch(key)
        case Load(call) | AskTier(call) | Blocking(call):
            return call()
        case Wait(_, load):
            return load.outcome
        case None:
            raise AssertionError


class Schedule:
    """A few readers, writers and faults in a few processes."""

    def __init__(self, fleet: Fleet, processes: list[Process], world: World, key: int) -> None:
        self.fleet, self.processes, self.world, self.key = fleet, processes, world, key
        self.violations: list[str] = []

    def run(self, chance: random.Random, *, has_faults: bool) -> None:
        todo: list[Callable[[random.Random], list[Actor]]] = []
        todo += [self._read] * chance.randint(3, 8)
        todo += [self._write] * chance.randint(1, 3)
        if has_faults:
            faults = [self._lose_messages, self._notice_loss, self._go_away, self._come_back]
            todo += chance.choices(faults, k=4)
        chance.shuffle(todo)
        actors: list[Actor] = []
        while todo or actors:
            ready = [actor for actor in actors if actor.is_ready]
            if todo and (not ready or chance.random() < 0.2):
                actors.extend(todo.pop()(chance))
                continue
            if not ready:  # the lease of a lost holder runs out
                assert has_faults, "deadlock"
                self._come_back(chance)
                continue
            actor = chance.choice(ready)
            actor.go_on()
            actors = [actor for actor in actors if not actor.is_over]
        self._come_back(chance)
        for index in range(len(self.processes)):
            assert self.processes[index][2](self.key) == self.world.truth.get(self.key, 0)

    def _read(self, chance: random.Random) -> list[Actor]:
        index = chance.randrange(len(self.processes))
        _, _, load = self.processes[index]
        floor = self.world.known.get((index, self.key), 0)

        def done(outcome: object) -> None:
            assert isinstance(outcome, Loaded)
            got = outcome.get_value()
            assert isinstance(got, int)
            if got < floor:
                self.violations.append(f"{index} got {got} after {floor}")

        return [Actor(get_or_load(_request(load, self.key)), done)]

    def _write(self, chance: random.Random) -> list[Actor]:
        index = chance.randrange(len(self.processes))
        _, _, load = self.processes[index]
        self.world.truth[self.key] = written = self.world.truth.get(self.key, 0) + 1

        def done(_: object) -> None:
            self.world.learn(index, self.key, written)
            if not self.fleet.server.is_away:
                self._publish(written)

        return [Actor(invalidate(_request(load, self.key)), done)]

    def _publish(self, written: int) -> None:
        self.world.published[self.key] = max(self.world.published.get(self.key, 0), written)
        for index, (_, node, _) in enumerate(self.processes):
            if not node.is_deaf:
                self.world.learn(index, self.key, self.world.published[self.key])

    def _lose_messages(self, chance: random.Random) -> list[Actor]:
        chance.choice(self.processes)[1].is_deaf = True
        return []

    def _notice_loss(self, chance: random.Random) -> list[Actor]:
        node = chance.choice(self.processes)[1]
        node.is_deaf = False
        node.start_generation()
        self._publish(0)
        return []

    def _go_away(self, _: random.Random) -> list[Actor]:
        self.fleet.go(is_up=False)
        return []

    def _come_back(self, _: random.Random) -> list[Actor]:
        for process in self.processes:
            process[1].is_deaf = False
        self.fleet.go(is_up=True)
        return []


def _request(load: Cached[[int], int], key: int) -> CallRequest:
    return load._request((key,), {})  # noqa: SLF001 - runs its steps one by one


def _processes(fleet: Fleet, world: World, count: int) -> list[Process]:
    processes: list[Process] = []
    for _ in range(count):
        cache, node = fleet.cache()

        @cache.cached(ttl=3_600)
        def load(key: int) -> int:
            return world.load(key)

        processes.append((cache, node, load))
    return processes


@pytest.mark.parametrize(
    "count", [500, pytest.param(50_000, marks=pytest.mark.deep)], ids=["quick", "deep"]
)
@pytest.mark.parametrize("has_faults", [False, True], ids=["calm", "faults"])
def test_no_call_gets_an_old_value_after_invalidate_has_returned(
    *, has_faults: bool, count: int
) -> None:
    fleet, world = Fleet(), World()
    processes = _processes(fleet, world, 2)
    violations: list[str] = []

    for seed in range(count):
        schedule = Schedule(fleet, processes, world, key=seed)
        # A schedule, not a secret.
        schedule.run(random.Random(seed), has_faults=has_faults)  # noqa: S311
        violations += [f"seed {seed}: {violation}" for violation in schedule.violations]

    assert violations == []
