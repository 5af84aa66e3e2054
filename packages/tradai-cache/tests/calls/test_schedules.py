"""Invalidation wins, whatever the order of events: thousands of orders, chosen at random.

Courses are walked step by step here, because the order of real threads cannot be chosen. Each step
is two events: what it does, and that its caller learns of it. Between them anything may happen.
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
from tradai.cache._calls.steps import Blocking, Fetch, Load, Step, Steps, Wait
from tradai.cache._decorator.cached_function import Cached
from tradai.cache._memory.single_flight import Loaded
from tradai.cache._tier.shared_tier import TierDown

Process = tuple[Cache, Node, Cached[[int], int]]


class World:
    """What is loaded, and since when everybody in a process must see it.

    Where `invalidate` has returned that is at once, elsewhere when the message has arrived, and
    where messages were lost when that has been noticed.
    """

    def __init__(self) -> None:
        self.truth: dict[int, int] = {}
        self.told: dict[int, int] = {}
        self.known: dict[tuple[int, int], int] = {}

    def learn(self, place: int, key: int, value: int) -> None:
        self.known[place, key] = max(self.known.get((place, key), 0), value)

    def load(self, key: int) -> int:
        return self.truth.get(key, 0)


class Actor:
    """One call in one process, walked step by step."""

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
            case Blocking(call, _):
                waiting = getattr(call, "__self__", None)
                return not isinstance(waiting, Waiting) or waiting.ended.is_set()
            case _:
                return True

    def go_on(self) -> None:
        """Do the step that is due, or learn of what came of it."""
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
        case Fetch(tier, place):
            return tier.fetch(place)
        case Load(call) | Blocking(call, _):
            return call()
        case Wait(_, load):
            return load.outcome
        case None:
            raise AssertionError


class Schedule:
    """A few callers and writers in a few processes, and what goes wrong between them."""

    def __init__(self, fleet: Fleet, processes: list[Process], world: World, key: int) -> None:
        self.fleet, self.processes, self.world, self.key = fleet, processes, world, key
        self.violations: list[str] = []

    def run(self, chance: random.Random, *, has_faults: bool) -> None:
        todo: list[Callable[[random.Random], list[Actor]]] = []
        todo += [self._read] * chance.randint(3, 8)
        todo += [self._write] * chance.randint(1, 3)
        if has_faults:
            faults = [self._grow_deaf, self._doubt, self._go_away, self._come_back]
            todo += chance.choices(faults, k=4)
        chance.shuffle(todo)
        actors: list[Actor] = []
        while todo or actors:
            ready = [actor for actor in actors if actor.is_ready]
            if todo and (not ready or chance.random() < 0.2):
                actors.extend(todo.pop()(chance))
                continue
            if not ready:  # leases end in time, those too that nobody could end
                assert has_faults, "everybody waits for somebody"
                self._come_back(chance)
                continue
            actor = chance.choice(ready)
            actor.go_on()
            actors = [actor for actor in actors if not actor.is_over]
        self._come_back(chance)
        for place in range(len(self.processes)):
            assert self.processes[place][2](self.key) == self.world.truth.get(self.key, 0)

    def _read(self, chance: random.Random) -> list[Actor]:
        place = chance.randrange(len(self.processes))
        _, _, load = self.processes[place]
        floor = self.world.known.get((place, self.key), 0)

        def done(outcome: object) -> None:
            assert isinstance(outcome, Loaded)
            got = outcome.get_value()
            assert isinstance(got, int)
            if got < floor:
                self.violations.append(f"{place} got {got} after {floor}")

        return [Actor(get_or_load(_request(load, self.key)), done)]

    def _write(self, chance: random.Random) -> list[Actor]:
        place = chance.randrange(len(self.processes))
        _, _, load = self.processes[place]
        self.world.truth[self.key] = written = self.world.truth.get(self.key, 0) + 1

        def done(_: object) -> None:
            self.world.learn(place, self.key, written)
            if not self.fleet.server.is_away:
                self._tell(written)

        return [Actor(invalidate(_request(load, self.key)), done)]

    def _tell(self, written: int) -> None:
        self.world.told[self.key] = max(self.world.told.get(self.key, 0), written)
        for place, (_, node, _) in enumerate(self.processes):
            if not node.is_deaf:
                self.world.learn(place, self.key, self.world.told[self.key])

    def _grow_deaf(self, chance: random.Random) -> list[Actor]:
        chance.choice(self.processes)[1].is_deaf = True
        return []

    def _doubt(self, chance: random.Random) -> list[Actor]:
        node = chance.choice(self.processes)[1]
        node.is_deaf = False
        node.doubt()
        self._tell(0)
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
    return load._request((key,), {})  # noqa: SLF001 - as the docstring of the module says


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
def test_nobody_gets_an_old_value_where_invalidate_has_returned(
    *, has_faults: bool, count: int
) -> None:
    fleet, world = Fleet(), World()
    processes = _processes(fleet, world, 2)
    violations: list[str] = []

    for seed in range(count):
        schedule = Schedule(fleet, processes, world, key=seed)
        # Chances, not secrets.
        schedule.run(random.Random(seed), has_faults=has_faults)  # noqa: S311
        violations += [f"seed {seed}: {one}" for one in schedule.violations]

    assert violations == []
