"""Conformance suite of trackers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Final

import pytest

from tradai.core._ports.tracker import MetricPoint, TrackedRun, TrackedStatus, Tracker
from tradai.core._secrets.redaction import register_secret
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.testing._tracking.tracked_view import TrackedView

_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)
_WRITERS: Final = 4
_EACH: Final = 25


def _run(run_id: str, *, parent_id: str | None = None) -> TrackedRun:
    return TrackedRun(
        id=run_id,
        name=f"name of {run_id}",
        experiment="momentum",
        started_at=_AT,
        parent_id=parent_id,
        tags={"origin": run_id},
    )


class TrackerContract:
    """Suite for a `Tracker`.

    Fixtures to define: ``tracker``, whose server answers; ``folder``, an empty folder; ``view``,
    a function that returns the `TrackedView` of the run with an id.
    """

    def test_a_run_that_ended_is_on_the_server(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        run = tracker.start(_run("a"), folder=folder)
        run.log_params({"timeframe": "5m", "empty": ""})
        run.set_tags({"origin": "changed"})

        delivery = run.end(TrackedStatus.FINISHED)

        seen = view("a")
        assert (delivery.waiting, delivery.problem) == (0, None)
        assert (seen.name, seen.experiment, seen.status) == (
            "name of a",
            "momentum",
            TrackedStatus.FINISHED,
        )
        assert seen.params == {"timeframe": "5m", "empty": ""}
        assert seen.tags["origin"] == "changed"

    @pytest.mark.parametrize("status", list(TrackedStatus))
    def test_the_server_has_the_status_of_the_end(
        self,
        status: TrackedStatus,
        tracker: Tracker,
        folder: Path,
        view: Callable[[str], TrackedView],
    ) -> None:
        tracker.start(_run("a"), folder=folder).end(status)

        assert view("a").status is status

    def test_points_keep_value_step_and_instant(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        points = [MetricPoint("balance", 1000 + step / 3, step, _AT) for step in range(3)]
        run = tracker.start(_run("a"), folder=folder)

        run.log_points(points)
        run.end(TrackedStatus.FINISHED)

        assert view("a").points == points

    def test_equal_points_are_not_merged(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        run = tracker.start(_run("a"), folder=folder)

        for _ in range(_EACH):
            run.log_points([MetricPoint("loss", 0.5)])
        run.end(TrackedStatus.FINISHED)

        assert [point.value for point in view("a").points] == [0.5] * _EACH

    def test_reports_of_several_threads_are_all_there(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        run = tracker.start(_run("a"), folder=folder)
        barrier = Barrier(_WRITERS)

        def write(writer: int) -> None:
            barrier.wait()
            for step in range(_EACH):
                run.log_points([MetricPoint(f"metric {writer}", 1.5, step)])

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(write, range(_WRITERS)))
        run.end(TrackedStatus.FINISHED)

        steps = sorted((point.key, point.step) for point in view("a").points)
        assert steps == [(f"metric {w}", step) for w in range(_WRITERS) for step in range(_EACH)]

    def test_files_and_folders_are_artifacts_under_their_names(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        (folder / "models" / "deep").mkdir(parents=True)
        (folder / "models" / "deep" / "one.bin").write_bytes(b"\x00weights")
        (folder / "report.html").write_bytes(b"<html>")
        run = tracker.start(_run("a"), folder=folder)

        run.log_artifact("report.html")
        run.log_artifact("models")
        run.end(TrackedStatus.FINISHED)

        assert view("a").artifacts == {
            "report.html": b"<html>",
            "models/deep/one.bin": b"\x00weights",
        }

    @pytest.mark.parametrize(
        "name", ["absent.html", "../outside.txt", "/etc/hostname", "loop", "out"]
    )
    def test_an_artifact_that_is_not_in_the_folder_is_refused(
        self, name: str, tracker: Tracker, folder: Path
    ) -> None:
        (folder.parent / "outside.txt").write_text("outside")
        (folder / "loop").symlink_to("loop")
        (folder / "out").symlink_to(folder.parent / "outside.txt")
        run = tracker.start(_run("a"), folder=folder)

        with pytest.raises(NotFoundError, match="artifact"):
            run.log_artifact(name)

    def test_a_child_is_a_run_of_its_own_below_its_parent(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        run = tracker.start(_run("a"), folder=folder)
        child = run.child(replace(_run("a.1"), experiment="another"))
        child.log_params({"buy": "3"})
        child.log_points([MetricPoint("loss", 0.25, 1, _AT)])
        child.end(TrackedStatus.FAILED)
        left_open = run.child(_run("a.2"))
        left_open.log_params({"buy": "4"})

        run.end(TrackedStatus.FINISHED)

        first, second = view("a.1"), view("a.2")
        assert (first.parent_id, first.experiment) == ("a", "momentum")
        assert (first.params, first.status) == ({"buy": "3"}, TrackedStatus.FAILED)
        assert first.points == [MetricPoint("loss", 0.25, 1, _AT)]
        assert (second.parent_id, second.status) == ("a", TrackedStatus.FINISHED)
        assert view("a").params == {}

    @pytest.mark.parametrize("first", ["parent", "part"])
    def test_a_run_is_below_its_parent_whichever_is_sent_first(
        self,
        first: str,
        tracker: Tracker,
        folder: Path,
        view: Callable[[str], TrackedView],
    ) -> None:
        parent = replace(_run("parent"), has_parts=True)
        runs = [parent, _run("part", parent_id="parent")]
        for run in sorted(runs, key=lambda run: run.id != first):
            (folder / run.id).mkdir()
            tracker.start(run, folder=folder / run.id).end(TrackedStatus.FINISHED)

        assert view("part").parent_id == "parent"
        assert view("parent").parent_id is None

    def test_a_parameter_has_one_value(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        run = tracker.start(_run("a"), folder=folder)
        run.log_params({"timeframe": "5m"})
        run.log_params({"timeframe": "5m"})

        with pytest.raises(ValidationError, match="timeframe"):
            run.log_params({"timeframe": "1h"})
        run.end(TrackedStatus.FINISHED)

        assert view("a").params == {"timeframe": "5m"}

    def test_nothing_is_reported_after_the_end(self, tracker: Tracker, folder: Path) -> None:
        run = tracker.start(_run("a"), folder=folder)
        run.end(TrackedStatus.FINISHED)

        with pytest.raises(ValidationError, match="ended"):
            run.log_points([MetricPoint("loss", 1.0)])
        with pytest.raises(ValidationError, match="ended"):
            run.end(TrackedStatus.FAILED)

    def test_a_folder_has_one_run(self, tracker: Tracker, folder: Path) -> None:
        tracker.start(_run("a"), folder=folder).end(TrackedStatus.FINISHED)

        with pytest.raises(ValidationError, match="already"):
            tracker.start(_run("b"), folder=folder)

    def test_secrets_are_masked(
        self, tracker: Tracker, folder: Path, view: Callable[[str], TrackedView]
    ) -> None:
        register_secret("not-a-real-secret")
        tags = {"first": "-> not-a-real-secret <-"}
        run = tracker.start(replace(_run("a"), tags=tags), folder=folder)

        run.log_params({"login": "-> not-a-real-secret <-"})
        run.set_tags({"note": "-> not-a-real-secret <-"})
        run.end(TrackedStatus.FINISHED)

        shown = f"{view('a')}"
        assert "not-a-real-secret" not in shown
        assert "->" in shown

    def test_a_run_that_was_delivered_has_nothing_waiting(
        self, tracker: Tracker, folder: Path
    ) -> None:
        tracker.start(_run("a"), folder=folder).end(TrackedStatus.FINISHED)

        again = tracker.deliver(folder)

        assert (again.waiting, again.sent, again.problem) == (0, 0, None)

    def test_a_folder_without_a_run_has_nothing_waiting(
        self, tracker: Tracker, folder: Path
    ) -> None:
        assert tracker.deliver(folder).waiting == 0

    def test_a_server_that_answers_is_described(self, tracker: Tracker) -> None:
        assert tracker.check()
