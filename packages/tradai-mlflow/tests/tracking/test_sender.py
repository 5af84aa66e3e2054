"""Every record of a spool reaches the server once and in order, whatever is lost on the way."""

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, strategies as st

from tradai.core import MetricPoint, TrackedRun, TrackedStatus
from tradai.core.exceptions import ExternalServiceError, TradAIError, ValidationError
from tradai.mlflow import LimitExceededError
from tradai.mlflow._client.artifact_roots import UnreachableRootError
from tradai.mlflow._client.entities import ExperimentRun
from tradai.mlflow._tracking.batch import Batch
from tradai.mlflow._tracking.point_times import PointTimes
from tradai.mlflow._tracking.sender import SpoolSender
from tradai.mlflow._tracking.spool import Spool, SpoolRecord
from tradai.mlflow._tracking.spooled_run import SpooledRun
from tradai.mlflow._tracking.tracker import MLflowTracker, track

if TYPE_CHECKING:
    from tests.tracking.conftest import FakeRuns

START = datetime.fromisoformat("2025-01-01T00:00:00+00:00")
RUN = TrackedRun(id="run-1", name="first", experiment="momentum", started_at=START)
# More calls than any example needs without faults.
MANY = 200

Facts = Sequence[tuple[str, int]]
FACTS = st.lists(
    st.tuples(st.sampled_from(["points", "params", "tags", "artifact", "child"]), st.integers(1, 9))
)
FAULTS = st.dictionaries(
    st.integers(0, 12), st.sampled_from(["refuse", "lose", "cut", "kill"]), max_size=8
)


class Expected:
    """Facts that were reported."""

    def __init__(self) -> None:
        self.points: list[tuple[str, float, int]] = []
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.artifacts: dict[str, bytes] = {}
        self.children: list[list[float]] = []


def report(run: SpooledRun, facts: Facts) -> Expected:
    expected = Expected()
    for number, (kind, size) in enumerate(facts):
        if kind == "points":
            points = [MetricPoint("loss", size / 7, step) for step in range(size)]
            run.log_points(points)
            expected.points.extend((point.key, point.value, point.step) for point in points)
        elif kind == "params":
            run.log_params({f"p{number}": str(size)})
            expected.params[f"p{number}"] = str(size)
        elif kind == "tags":
            run.set_tags({"last": str(number)})
            expected.tags["last"] = str(number)
        elif kind == "artifact":
            (run.folder / f"{number}.bin").write_bytes(bytes(size))
            run.log_artifact(f"{number}.bin")
            expected.artifacts[f"{number}.bin"] = bytes(size)
        else:
            part = TrackedRun(
                id=f"run-1.{number}", name=f"part {number}", experiment="momentum", started_at=START
            )
            child = run.child(part)
            child.log_points(
                [MetricPoint("loss", float(size), step, START) for step in range(size)]
            )
            expected.children.append([float(size)] * size)
    return expected


def deliver_in_the_end(tracker: MLflowTracker, folder: Path) -> None:
    """Deliver again and again, each time as another process."""
    for _ in range(MANY):
        with contextlib.suppress(BaseException):
            if tracker.deliver(folder).waiting == 0:
                return
    pytest.fail("the server never got everything")


@given(facts=FACTS, faults=FAULTS, merges=st.booleans(), is_new=st.booleans())
def test_nothing_is_lost_or_doubled_when_calls_answers_and_processes_are_lost(
    facts: Facts, faults: Mapping[int, str], *, merges: bool, is_new: bool, fake: type["FakeRuns"]
) -> None:
    server = fake()
    server.faults, server.merges_equal_points = faults.get, merges
    tracker = MLflowTracker(lambda: server, address="http://mlflow.example")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spool = Spool.create(folder)
        run = track(RUN, spool)
        if is_new:
            # The process of the run sends too, as far as it comes.
            sender = SpoolSender(spool, server, address="", is_new=True)
            for _ in range(3):
                with contextlib.suppress(BaseException):
                    sender.send()
        expected = report(run, facts)
        run.end(TrackedStatus.FINISHED)

        deliver_in_the_end(tracker, folder)

    seen = server.view("run-1")
    assert [(point.key, point.value, point.step) for point in seen.points] == expected.points
    assert seen.params == expected.params
    assert {key: seen.tags[key] for key in expected.tags} == expected.tags
    assert seen.artifacts == expected.artifacts
    assert seen.status is TrackedStatus.FINISHED
    children = [server.view(run_id) for run_id in _children(server)]
    assert [[point.value for point in child.points] for child in children] == expected.children
    assert {child.parent_id for child in children} <= {"run-1"}


def _children(server: "FakeRuns") -> list[str]:
    ids = [stored.run.tags["tradai.run_id"] for stored in server.runs.values()]
    assert len(ids) == len(set(ids)), "a run was created twice"
    return [run_id for run_id in ids if run_id != "run-1"]


@pytest.mark.parametrize("fault", ["refuse", "lose", "cut", "kill"])
@pytest.mark.parametrize("call", range(6))
def test_each_fault_at_each_call_is_made_good(
    call: int, fault: str, server: "FakeRuns", tmp_path: Path
) -> None:
    server.merges_equal_points = False
    server.faults = {call: fault}.get
    spool = Spool.create(tmp_path)
    run = track(RUN, spool)
    run.log_points([MetricPoint("loss", step / 7, step) for step in range(2500)])
    run.end_unsent(TrackedStatus.FINISHED, 1)
    sender = SpoolSender(spool, server, address="", is_new=True)

    for _ in range(3):
        with contextlib.suppress(BaseException):
            sender.send()

    assert sender.is_done
    assert [point.step for point in server.only().points] == list(range(2500))


@pytest.mark.parametrize("fault", ["refuse", "lose", "cut", "kill"])
@pytest.mark.parametrize("call", range(6))
def test_another_process_goes_on_where_the_first_was_killed(
    call: int, fault: str, server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    server.merges_equal_points = False
    server.faults = {call: fault}.get
    run = track(RUN, Spool.create(tmp_path))
    run.log_points([MetricPoint("loss", step / 7, step) for step in range(2500)])
    run.end(TrackedStatus.FINISHED)

    deliver_in_the_end(tracker, tmp_path)

    assert [point.step for point in server.only().points] == list(range(2500))


def test_a_workload_takes_four_calls_once_the_experiment_is_known(
    server: "FakeRuns", tmp_path: Path
) -> None:
    spool = Spool.create(tmp_path)
    run = track(RUN, spool)
    run.log_params({f"p{number}": "1" for number in range(50)})
    for step in range(50):
        run.log_points([MetricPoint(f"m{key}", float(step), step) for key in range(20)])
    run.end_unsent(TrackedStatus.FINISHED, 1)

    SpoolSender(spool, server, address="", is_new=True).send()

    # The run, two batches, and the end; the look at the experiment is not a change.
    assert server.calls == 4
    assert len(server.only().points) == 1000


def test_the_points_of_eight_writers_are_all_there_though_they_are_equal(
    server: "FakeRuns", tmp_path: Path
) -> None:
    run = track(RUN, Spool.create(tmp_path))
    for _ in range(500):
        run.log_points([MetricPoint("loss", 0.5, 1)])
    run.end(TrackedStatus.FINISHED)

    MLflowTracker(lambda: server, address="").deliver(tmp_path)

    assert len(server.only().points) == 500


def test_a_server_that_is_down_is_reported_with_the_number_of_facts_that_wait(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = track(RUN, Spool.create(tmp_path))
    run.log_points([MetricPoint("loss", 0.5, step) for step in range(500)])
    run.end(TrackedStatus.FINISHED)
    server.is_down = True

    down = tracker.deliver(tmp_path)
    server.is_down = False
    up = tracker.deliver(tmp_path)

    assert (down.waiting, isinstance(down.problem, ExternalServiceError)) == (501, True)
    assert (up.waiting, up.problem) == (0, None)
    assert up.place == f"http://mlflow.example/#/experiments/id of momentum/runs/{0:032x}"


def test_a_run_that_is_delivered_is_not_looked_at_again(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = track(RUN, Spool.create(tmp_path))
    run.end(TrackedStatus.FINISHED)
    first = tracker.deliver(tmp_path)
    server.is_down = True

    again = tracker.deliver(tmp_path)

    assert (again.waiting, again.problem, again.place) == (0, None, first.place)


def test_a_run_without_an_end_is_closed_as_killed_when_its_process_is_gone(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    spool = Spool.create(tmp_path)
    run = track(RUN, spool)
    run.child(TrackedRun(id="run-1.1", name="part", experiment="momentum", started_at=START))
    run.log_points([MetricPoint("loss", 0.5)])
    while_alive = tracker.deliver(tmp_path)
    spool.close()

    tracker.deliver(tmp_path)

    assert (while_alive.is_alive, server.calls > 0) == (True, True)
    assert {stored.run.status for stored in server.runs.values()} == {"KILLED"}


def test_an_answer_that_makes_sending_crash_is_the_problem_of_the_delivery(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyError("odd")

    spool = Spool.create(tmp_path)
    track(RUN, spool).log_points([MetricPoint("loss", 0.5)])
    spool.close()
    monkeypatch.setattr(server, "log_batch", crash)

    delivery = tracker.deliver(tmp_path)

    assert (delivery.waiting, type(delivery.problem)) == (2, ExternalServiceError)
    assert str(delivery.problem).startswith("sending failed with KeyError")


def test_long_values_become_artifacts_with_their_digest(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = tracker.start(RUN, folder=tmp_path)
    run.log_params({"pairs": "x" * 6001, "fits": "x" * 6000})
    run.set_tags({"note": "y" * 8001})
    run.end(TrackedStatus.FINISHED)

    seen = server.view("run-1")
    assert seen.params["fits"] == "x" * 6000
    assert seen.params["pairs"].startswith("sha256:")
    assert sorted(map(len, seen.artifacts.values())) == [6001, 8001]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_point_that_is_not_finite_is_a_tag(
    value: float, server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = tracker.start(RUN, folder=tmp_path)
    run.log_points([MetricPoint("loss", 0.5, 1), MetricPoint("loss", value, 2)])
    run.end(TrackedStatus.FAILED)

    seen = server.view("run-1")
    assert [point.value for point in seen.points] == [0.5]
    assert seen.tags["tradai.not_finite.loss"] == f"{value} at step 2"


def test_artifacts_that_are_gone_are_named_and_nothing_else_is_lost(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = track(RUN, Spool.create(tmp_path))
    for name in ("report.html", "trades.csv"):
        (tmp_path / name).write_text("<html>")
        run.log_artifact(name)
    run.end(TrackedStatus.FINISHED)
    (tmp_path / "report.html").unlink()
    (tmp_path / "trades.csv").unlink()

    tracker.deliver(tmp_path)

    assert server.view("run-1").tags["tradai.missing_artifacts"] == "report.html, trades.csv"
    assert server.view("run-1").status is TrackedStatus.FINISHED


@pytest.mark.parametrize("name", ["", "a\nb", "../up", "/root", "x" * 251, "a//b", "per%cent"])
def test_a_name_that_no_server_takes_is_refused_before_it_waits(
    name: str, tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = tracker.start(RUN, folder=tmp_path)
    calls: list[Any] = [
        lambda: run.log_params({name: "1"}),
        lambda: run.set_tags({name: "1"}),
        lambda: run.log_points([MetricPoint(name, 1.0)]),
    ]

    for call in calls:
        with pytest.raises(ValueError, match="not usable"):
            call()

    assert run.end(TrackedStatus.FINISHED).waiting == 0


@pytest.mark.parametrize(
    "refusal",
    [
        ValidationError("the path is not usable", field="path", expected="another"),
        LimitExceededError("the proxy accepts no request so large"),
        UnreachableRootError("only the server reaches them", key="MLFLOW_TRACKING_URI"),
    ],
    ids=["name", "size", "place"],
)
def test_a_file_that_is_refused_for_ever_keeps_nothing_else_back(
    refusal: TradAIError,
    server: "FakeRuns",
    tracker: MLflowTracker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = server.upload_artifact

    def refuse(owner: ExperimentRun, /, file: Path, path: str) -> None:
        if path != "good.bin":
            raise refusal
        upload(owner, file, path)

    monkeypatch.setattr(server, "upload_artifact", refuse)
    run = track(RUN, Spool.create(tmp_path))
    for name in ("one.bin", "good.bin", "two.bin"):
        (tmp_path / name).write_bytes(b"x")
        run.log_artifact(name)
    run.log_points([MetricPoint("loss", 0.5, 1, START)])
    run.end(TrackedStatus.FINISHED)

    delivery = tracker.deliver(tmp_path)

    seen = server.view("run-1")
    assert (delivery.waiting, delivery.problem) == (0, None)
    assert (len(seen.points), seen.status) == (1, TrackedStatus.FINISHED)
    assert list(seen.artifacts) == ["good.bin"]
    assert seen.tags["tradai.missing_artifacts"] == "one.bin, two.bin"


def test_the_number_of_the_last_record_goes_in_one_request_with_its_points() -> None:
    points = [["loss", float(step), step, step] for step in range(90)]
    texts = {f"name {number}": "\N{CYRILLIC SMALL LETTER A}" * 2_000 for number in range(40)}
    batch = Batch()
    batch.add(SpoolRecord(number=1, run=0, kind="points", value=points), 0)

    assert not batch.takes(SpoolRecord(number=2, run=0, kind="params", value=texts))


@pytest.mark.parametrize(
    "point",
    [
        MetricPoint("loss", 0.5, 2**63),
        MetricPoint("loss", 0.5, cast("int", 1.5)),
        MetricPoint("loss", 0.5, 1, datetime(1969, 12, 31, tzinfo=UTC)),
        MetricPoint(".", 0.5, 1),
    ],
    ids=["step", "fraction", "instant", "name"],
)
def test_a_point_that_no_server_takes_is_refused_before_it_blocks_the_others(
    point: MetricPoint, tmp_path: Path
) -> None:
    run = track(RUN, Spool.create(tmp_path))

    with pytest.raises(ValidationError):
        run.log_points([point])


def test_equal_points_are_told_apart_when_the_clock_goes_back() -> None:
    times = PointTimes()
    first = times.place(MetricPoint("loss", 0.5), 100)
    times.place(MetricPoint("gain", 0.5), 101)

    assert times.place(MetricPoint("loss", 0.5), 100) != first


@pytest.mark.parametrize("name", ["100%.txt", "a#b.txt", "models/a#b.txt"])
def test_a_file_that_mlflow_refuses_is_refused_when_it_is_reported(
    name: str, tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = tracker.start(RUN, folder=tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / name).write_text("x")

    with pytest.raises(ValidationError, match="the artifact path"):
        run.log_artifact(name.partition("/")[0])
    assert run.end(TrackedStatus.FINISHED).waiting == 0


def test_a_metric_whose_name_is_too_long_for_a_tag_is_refused_when_it_is_reported(
    tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = tracker.start(RUN, folder=tmp_path)

    with pytest.raises(ValidationError, match="up to 250"):
        run.log_points([MetricPoint("m" * 240, 0.5)])
    assert run.end(TrackedStatus.FINISHED).waiting == 0
