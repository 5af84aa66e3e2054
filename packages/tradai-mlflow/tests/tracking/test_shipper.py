"""The wait at the end of a run, in virtual time."""

import itertools
import threading
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tradai.core import MetricPoint, TrackedRun, TrackedStatus
from tradai.core.exceptions import ExternalServiceError
from tradai.mlflow._client.entities import Experiment, ExperimentRun
from tradai.mlflow._tracking.sender import SpoolSender
from tradai.mlflow._tracking.shipper import Shipper
from tradai.mlflow._tracking.spool import Spool
from tradai.mlflow._tracking.tracker import MLflowTracker

if TYPE_CHECKING:
    from tests.tracking.conftest import FakeRuns

START = datetime.fromisoformat("2025-01-01T00:00:00+00:00")
RUN = TrackedRun(id="run-1", name="first", experiment="momentum", started_at=START)


class VirtualTimer:
    """Time moves by `advance`, and by `step_s` each time the thread of the test looks."""

    def __init__(self, *, step_s: float = 0.0) -> None:
        self.passed_s = 0.0
        self._step_s = step_s

    def now_s(self) -> float:
        return self.passed_s

    def advance(self, by_s: float) -> None:
        self.passed_s += by_s

    def wait(self, event: Event, timeout_s: float) -> bool:
        if threading.current_thread() is not threading.main_thread():
            return event.wait()
        if event.wait(0.001):
            return True
        self.advance(min(self._step_s, timeout_s))
        return False


def test_a_server_that_hangs_holds_the_end_for_two_seconds(
    server: "FakeRuns", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Event()

    def hang(name: str) -> Experiment:
        del name
        release.wait()
        raise ExternalServiceError("released", service="mlflow", operation="send")

    monkeypatch.setattr(server, "experiment", hang)
    timer = VirtualTimer(step_s=0.05)
    tracker = MLflowTracker(lambda: server, address="", timer=timer)
    run = tracker.start(RUN, folder=tmp_path)
    run.log_points([MetricPoint("loss", 0.5, step) for step in range(500)])

    delivery = run.end(TrackedStatus.FINISHED)
    while_it_hangs = tracker.deliver(tmp_path)
    release.set()

    assert timer.passed_s <= 2
    assert delivery.waiting == 501
    # Another process must not send what this one may be sending.
    assert while_it_hangs.is_alive


def test_a_server_that_is_down_is_asked_once_more_and_holds_the_end_no_longer(
    server: "FakeRuns", tmp_path: Path
) -> None:
    server.is_down = True
    timer = VirtualTimer()
    run = MLflowTracker(lambda: server, address="", timer=timer).start(RUN, folder=tmp_path)
    run.log_points([MetricPoint("loss", 0.5, step) for step in range(500)])

    delivery = run.end(TrackedStatus.FAILED)

    assert (delivery.waiting, delivery.is_alive) == (501, False)
    assert "down" in str(delivery.problem)


def test_the_end_waits_for_a_slow_server_as_long_as_it_takes_something(
    server: "FakeRuns", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer = VirtualTimer()
    upload = server.upload_artifact

    def slow(owner: ExperimentRun, /, file: Path, path: str) -> None:
        timer.advance(1.5)
        upload(owner, file, path)

    monkeypatch.setattr(server, "upload_artifact", slow)
    run = MLflowTracker(lambda: server, address="", timer=timer).start(RUN, folder=tmp_path)
    for number in range(6):
        (tmp_path / f"{number}.bin").write_bytes(bytes(number))
        run.log_artifact(f"{number}.bin")

    delivery = run.end(TrackedStatus.FINISHED)

    assert timer.passed_s == 9.0
    assert delivery.waiting == 0
    assert len(server.only().artifacts) == 6


def test_a_caller_can_give_up_waiting(
    server: "FakeRuns", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Event()

    def hang(name: str) -> Experiment:
        del name
        release.wait()
        raise ExternalServiceError("released", service="mlflow", operation="send")

    monkeypatch.setattr(server, "experiment", hang)
    timer = VirtualTimer()
    run = MLflowTracker(lambda: server, address="", timer=timer).start(RUN, folder=tmp_path)
    looks = itertools.count(1)

    delivery = run.end(TrackedStatus.KILLED, give_up=lambda: next(looks) == 3)
    release.set()

    assert (delivery.waiting, next(looks)) == (1, 4)


def test_many_points_are_sent_before_the_end(
    server: "FakeRuns", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = Event()
    log = server.log_batch

    def noticed(run_id: str, **facts: object) -> None:
        log(run_id, **facts)  # type: ignore[arg-type]  # passed on as they are
        arrived.set()

    monkeypatch.setattr(server, "log_batch", noticed)
    tracker = MLflowTracker(lambda: server, address="", timer=VirtualTimer())
    run = tracker.start(RUN, folder=tmp_path)

    run.log_points([MetricPoint("loss", 0.5, step) for step in range(1000)])

    assert arrived.wait(30)
    run.end(TrackedStatus.FINISHED)
    assert len(server.only().points) == 1000


def test_an_answer_that_crashes_the_sender_ends_as_a_problem_of_the_run(
    server: "FakeRuns", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(name: str) -> Experiment:
        raise KeyError(name)

    monkeypatch.setattr(server, "experiment", crash)
    timer = VirtualTimer()
    run = MLflowTracker(lambda: server, address="", timer=timer).start(RUN, folder=tmp_path)

    delivery = run.end(TrackedStatus.FINISHED)

    assert (delivery.waiting, delivery.is_alive) == (1, False)
    assert "KeyError" in str(delivery.problem)


def test_no_fewer_than_none_wait_when_a_fact_is_sent_before_it_is_counted(
    server: "FakeRuns", tmp_path: Path
) -> None:
    spool = Spool.create(tmp_path)
    sender = SpoolSender(spool, server, address="http://127.0.0.1:9", is_new=True)
    # Its thread reads a record as soon as it is on disk.
    sender.sent = 1
    shipper = Shipper(spool, lambda: sender)

    shipper.start()

    assert (shipper.finish().waiting, spool.weight) == (0, 0)
