"""The fake tracker keeps the promises of the port, and the suite catches trackers that do not."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from tradai.core import (
    Delivery,
    MetricPoint,
    RunTracking,
    TrackedRun,
    TrackedStatus,
    Tracker,
)
from tradai.core.exceptions import ExternalServiceError, NotFoundError, ValidationError
from tradai.core.testing import MemoryTracker, TrackedView, TrackerContract, failing_tests


class TestMemoryTracker(TrackerContract):
    @pytest.fixture
    def memory(self) -> MemoryTracker:
        return MemoryTracker()

    @pytest.fixture
    def tracker(self, memory: MemoryTracker) -> Tracker:
        return memory

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "run"
        folder.mkdir()
        return folder

    @pytest.fixture
    def view(self, memory: MemoryTracker) -> Callable[[str], TrackedView]:
        return memory.views.__getitem__


def test_a_server_that_is_down_leaves_everything_waiting_until_it_answers(tmp_path: Path) -> None:
    tracker = MemoryTracker()
    tracker.refusal = ExternalServiceError("down", service="memory", operation="send")
    run = tracker.start(
        TrackedRun(id="a", name="a", experiment="e", started_at=datetime(2025, 1, 1, tzinfo=UTC)),
        folder=tmp_path,
    )
    run.log_points([MetricPoint("loss", 1.0), MetricPoint("loss", 0.5)])

    down = run.end(TrackedStatus.FAILED)
    tracker.refusal = None
    up = tracker.deliver(tmp_path)

    assert (down.waiting, down.problem is None) == (3, False)
    assert (up.waiting, tracker.views["a"].status) == (0, TrackedStatus.FAILED)


def test_one_racer_tracks_a_run_in_a_folder(
    tmp_path: Path, eager_barrier: Callable[[int], Barrier]
) -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC)
    for _ in range(300):
        tracker, barrier = MemoryTracker(), eager_barrier(8)

        def start(
            number: int, tracker: MemoryTracker = tracker, barrier: Barrier = barrier
        ) -> bool:
            run = TrackedRun(id=str(number), name="a", experiment="e", started_at=at)
            barrier.wait()
            try:
                tracker.start(run, folder=tmp_path)
            except ValidationError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(start, range(8))) == 1


class WrongTracking:
    """Passes everything on; each wrong implementation changes one method."""

    def __init__(self, right: RunTracking) -> None:
        self.right = right

    def log_params(self, params: Mapping[str, str]) -> None:
        self.right.log_params(params)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.right.set_tags(tags)

    def log_points(self, points: Iterable[MetricPoint]) -> None:
        self.right.log_points(points)

    def log_artifact(self, name: str) -> None:
        self.right.log_artifact(name)

    def child(self, run: TrackedRun) -> RunTracking:
        return type(self)(self.right.child(run))

    def end(
        self,
        status: TrackedStatus,
        *,
        at: datetime | None = None,
        give_up: Callable[[], bool] | None = None,
    ) -> Delivery:
        return self.right.end(status, at=at, give_up=give_up)


class RightTracking(WrongTracking):
    pass


class TrackingThatMergesEqualPoints(WrongTracking):
    def __init__(self, right: RunTracking) -> None:
        super().__init__(right)
        self.seen: set[MetricPoint] = set()

    def log_points(self, points: Iterable[MetricPoint]) -> None:
        fresh = [point for point in points if point not in self.seen]
        self.seen.update(fresh)
        super().log_points(fresh)


class TrackingThatKeepsTheFirstValue(WrongTracking):
    def __init__(self, right: RunTracking) -> None:
        super().__init__(right)
        self.params: dict[str, str] = {}

    def log_params(self, params: Mapping[str, str]) -> None:
        self.params = {**params, **self.params}
        super().log_params({name: self.params[name] for name in params})


class TrackingThatCallsEveryEndASuccess(WrongTracking):
    def end(
        self,
        status: TrackedStatus,
        *,
        at: datetime | None = None,
        give_up: Callable[[], bool] | None = None,
    ) -> Delivery:
        del status
        return super().end(TrackedStatus.FINISHED, at=at, give_up=give_up)


class TrackingThatDatesThePointsItself(WrongTracking):
    def log_points(self, points: Iterable[MetricPoint]) -> None:
        super().log_points([replace(point, at=None) for point in points])


class TrackingThatIgnoresMissingFiles(WrongTracking):
    def log_artifact(self, name: str) -> None:
        try:
            super().log_artifact(name)
        except NotFoundError:
            return


CAUGHT: dict[type[WrongTracking], str] = {
    TrackingThatMergesEqualPoints: "test_equal_points_are_not_merged",
    TrackingThatKeepsTheFirstValue: "test_a_parameter_has_one_value",
    TrackingThatCallsEveryEndASuccess: "test_the_server_has_the_status_of_the_end",
    TrackingThatDatesThePointsItself: "test_points_keep_value_step_and_instant",
    TrackingThatIgnoresMissingFiles: "test_an_artifact_that_is_not_in_the_folder_is_refused",
}


class WrongTracker:
    def __init__(self, right: MemoryTracker, tracking: type[WrongTracking]) -> None:
        self.right = right
        self.tracking = tracking

    def start(self, run: TrackedRun, *, folder: Path) -> RunTracking:
        return self.tracking(self.right.start(run, folder=folder))

    def deliver(self, folder: Path) -> Delivery:
        return self.right.deliver(folder)

    def check(self) -> str:
        return self.right.check()


def _failing(tracking: type[WrongTracking]) -> set[str]:
    made: list[MemoryTracker] = []

    def make() -> WrongTracker:
        made.append(MemoryTracker())
        return WrongTracker(made[-1], tracking)

    def view() -> Callable[[str], TrackedView]:
        return lambda run_id: made[-1].views[run_id]

    with tempfile.TemporaryDirectory() as root:
        fixtures: dict[str, Callable[[], object]] = {
            "tracker": make,
            "view": view,
            "folder": lambda: Path(tempfile.mkdtemp(dir=root)),
            "status": lambda: TrackedStatus.KILLED,
            "name": lambda: "absent.html",
            "first": lambda: "part",
        }
        return failing_tests(TrackerContract, fixtures)


def test_the_suite_passes_what_is_right() -> None:
    assert _failing(RightTracking) == set()


@pytest.mark.parametrize("wrong", CAUGHT)
def test_the_suite_catches_what_is_wrong(wrong: type[WrongTracking]) -> None:
    assert CAUGHT[wrong] in _failing(wrong)
