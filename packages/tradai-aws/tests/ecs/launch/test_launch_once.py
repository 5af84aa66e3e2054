"""A job is launched once, wherever the launching process is killed and whatever is lost."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import pytest

from tradai.aws import EcsPolicy, EcsRunner, EcsSettings, LaunchError
from tradai.aws.testing import FakeEcs, FakeTask, TaskScript
from tradai.core import (
    Capacity,
    JobHandle,
    JobInfo,
    JobSpec,
    JobStatus,
    MemoryStore,
    ObjectInfo,
    StoredObject,
)

_UNIT_SEEDS: Final = 10
_DEEP_SEEDS: Final = 200
# Steps of a submit and a wait at which the process may die: before and after each request.
_POINTS: Final = 24
_SUBMITS: Final = 20
_HOUR_S: Final = 3600.0


class Killed(BaseException):
    """The process is killed: nothing else of it happens."""


@dataclass
class Death:
    """Kills a process at its step number `at`, counted from 0."""

    at: int | None = None
    steps: list[str] = field(default_factory=list)

    def __call__(self, *step: str) -> None:
        self.steps.append(" ".join(step))
        if self.at is not None and len(self.steps) > self.at:
            raise Killed


class MortalStore:
    """A store that reports each request to the process that makes it."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.on_call: Callable[..., None] = lambda *_: None

    def read(self, uri: str) -> StoredObject:
        self.on_call("before", "read")
        found = self._store.read(uri)
        self.on_call("after", "read")
        return found

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        self.on_call("before", "write")
        etag = self._store.write(uri, data, if_match=if_match, if_absent=if_absent)
        self.on_call("after", "write")
        return etag

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._store.list(prefix)

    def delete(self, uri: str) -> None:
        self._store.delete(uri)

    def stat(self, uri: str) -> ObjectInfo:
        return self._store.stat(uri)

    def copy(self, source: str, target: str) -> str:
        return self._store.copy(source, target)


@dataclass
class World:
    """ECS, the job store, and processes that come and go."""

    settings: EcsSettings
    spec: JobSpec
    chance: random.Random
    store: MortalStore = field(default_factory=MortalStore)

    def __post_init__(self) -> None:
        self.ecs = FakeEcs(self.program)

    def program(self, _: FakeTask) -> TaskScript:
        return TaskScript(runs_s=self.chance.uniform(0.1, 400))

    def process(self, on_call: Callable[..., None], policy: EcsPolicy | None = None) -> EcsRunner:
        self.ecs.on_call = on_call
        self.store.on_call = on_call
        return EcsRunner(
            self.settings, client=self.ecs, store=self.store, clock=self.ecs.clock, policy=policy
        )

    def run(self, death: Death) -> JobInfo | None:
        """Submit and wait in one process; None when it was killed."""
        try:
            runner = self.process(death)
            return runner.wait(runner.submit(self.spec))
        except Killed:
            return None

    def run_to_the_end(self) -> JobInfo:
        """Submit until it works, as the port allows, then wait."""
        runner = self.process(Death())
        for _ in range(_SUBMITS):
            try:
                return runner.wait(runner.submit(self.spec))
            except LaunchError:
                continue
        message = "the job was never launched"
        raise AssertionError(message)

    def disturb(self) -> None:
        """Plan some of the failures that AWS is known for."""
        for plan in self.chance.sample(self._plans(), self.chance.randint(0, 3)):
            plan()

    def _plans(self) -> list[Callable[[], None]]:
        ecs = self.ecs
        return [
            lambda: ecs.lose_reply("RunTask"),
            lambda: ecs.lose_request("RunTask"),
            lambda: ecs.fail("RunTask", "ThrottlingException", times=2),
            lambda: ecs.fail("RunTask", "ClientException", "Too many concurrent attempts."),
            lambda: ecs.fail("RunTask", "InvalidParameterException", "Rate exceeded"),
            lambda: ecs.fail("RunTask", "ServerException"),
            lambda: ecs.refuse_placement("Capacity is unavailable at this time.", is_spot=True),
            lambda: ecs.refuse_placement("RESOURCE:MEMORY"),
        ]

    def assert_one_of_everything(self, info: JobInfo) -> None:
        assert info.status is JobStatus.COMPLETED
        assert [task.has_result for task in self.ecs.tasks] == [True]
        assert self.ecs.running() == []


@dataclass
class Rival:
    """Another process: it launches the job before request number `at` of the first, from 0."""

    world: World
    at: int
    handle: JobHandle | None = None

    def __call__(self, when: str, _: str) -> None:
        if when == "after":
            return
        if self.at == 0:
            self.world.ecs.clear_faults()
            self.handle = self.world.process(Death()).submit(self.world.spec)
        self.at -= 1


@pytest.fixture
def new_world(ecs_settings: EcsSettings) -> Callable[[int], World]:
    def make(seed: int) -> World:
        spec = JobSpec(
            job_id="job-1",
            command=("run",),
            image="registry.invalid/job",
            capacity=(Capacity.SPOT, Capacity.ON_DEMAND),
        )
        # The seed makes a run repeatable; no secret comes of it (S311).
        return World(ecs_settings, spec, random.Random(seed))  # noqa: S311

    return make


def _kill_at(point: int, world: World) -> None:
    world.disturb()
    for _ in range(world.chance.randint(1, 3)):
        if world.run(Death(at=point)) is not None:
            break
        world.ecs.clock.advance(world.chance.uniform(0, 0.6 * _HOUR_S / 3))
    world.assert_one_of_everything(world.run_to_the_end())


@pytest.mark.parametrize("point", range(_POINTS))
def test_a_killed_launch_is_taken_over_and_runs_once(
    point: int, new_world: Callable[[int], World]
) -> None:
    for seed in range(_UNIT_SEEDS):
        _kill_at(point, new_world(seed))


@pytest.mark.deep
@pytest.mark.parametrize("point", range(_POINTS))
def test_a_killed_launch_runs_once_with_many_seeds(
    point: int, new_world: Callable[[int], World]
) -> None:
    for seed in range(_UNIT_SEEDS, _UNIT_SEEDS + _DEEP_SEEDS):
        _kill_at(point, new_world(seed))


def test_a_launch_without_failures_has_as_many_steps_as_are_killed(
    new_world: Callable[[int], World],
) -> None:
    death = Death()

    new_world(0).run(death)

    assert death.steps[:12] == [
        "before read",
        "before DescribeTaskDefinition",
        "before RegisterTaskDefinition",
        "after RegisterTaskDefinition",
        "before write",
        "after write",
        "before RunTask",
        "after RunTask",
        "before write",
        "after write",
        "before DescribeTasks",
        "after DescribeTasks",
    ]
    assert len(death.steps) >= _POINTS


def test_a_launch_without_room_finds_the_task_that_another_process_launched_meanwhile(
    new_world: Callable[[int], World],
) -> None:
    for at in itertools.count():
        world = new_world(0)
        world.ecs.refuse_placement("Capacity is unavailable at this time.", times=2)
        rival = Rival(world, at)
        runner = world.process(rival, EcsPolicy(launch_budget_s=0.001))
        try:
            handle = runner.submit(world.spec)
        except LaunchError:
            assert rival.handle is None
            break
        assert handle == rival.handle
        world.assert_one_of_everything(runner.wait(handle))
    assert at >= len(("read", "RunTask", "RunTask", "read", "write"))
