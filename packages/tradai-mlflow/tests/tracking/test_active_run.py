"""A program tracks a run in a `with` block; without a server it is kept on this machine."""

import errno
import math
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tradai.core import TrackedStatus
from tradai.core.exceptions import (
    ConfigurationError,
    NotFoundError,
    StorageError,
    ValidationError,
)
from tradai.mlflow import ActiveRun, start_run
from tradai.mlflow._tracking.tracker import MLflowTracker

if TYPE_CHECKING:
    from tests.tracking.conftest import FakeRuns


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URI", "USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    # A busy machine fails no test.
    monkeypatch.setattr("tradai.mlflow._tracking.shipper._PATIENCE_S", 60.0)


def test_a_run_is_on_the_server_when_its_block_ends(server: "FakeRuns", tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<html>")
    with start_run("momentum", name="first", client=server, folder=tmp_path / "runs") as run:
        run.log_params({"depth": 3, "rate": 0.1})
        run.log_metrics({"loss": 0.5, "gain": math.inf}, step=1)
        run.set_tags({"by": "hand"})
        run.log_artifact(report)
        run.log_artifact(report, "copies/again.html")
        report.write_text("<html>changed")

    seen = server.view(run.id)
    assert run.delivery is not None
    assert run.delivery.waiting == 0
    assert (seen.name, seen.experiment, seen.status) == (
        "first",
        "momentum",
        TrackedStatus.FINISHED,
    )
    assert seen.params == {"depth": "3", "rate": "0.1"}
    assert seen.tags["by"] == "hand"
    assert seen.tags["tradai.not_finite.gain"] == "inf at step 1"
    assert [(point.key, point.value, point.step) for point in seen.points] == [("loss", 0.5, 1)]
    assert seen.artifacts == {"report.html": b"<html>", "copies/again.html": b"<html>"}


def test_a_run_without_a_server_says_how_much_waits_and_how_it_is_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with start_run("momentum", folder=tmp_path / "my runs") as run:
        run.log_metrics({"loss": 0.25}, step=1)

    (warning,) = caplog.messages
    assert warning == (
        "2 facts of the run wait for a tracking server; "
        f"`tradai-entrypoint sync '{run.folder}'` sends them"
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("boom"), TrackedStatus.FAILED),
        (KeyboardInterrupt(), TrackedStatus.KILLED),
        (SystemExit(143), TrackedStatus.KILLED),
        (SystemExit(1), TrackedStatus.FAILED),
        (SystemExit(0), TrackedStatus.FINISHED),
    ],
)
def test_what_leaves_the_block_decides_the_status(
    error: BaseException, status: TrackedStatus, server: "FakeRuns", tmp_path: Path
) -> None:
    with (
        pytest.raises(type(error)),
        start_run("momentum", client=server, folder=tmp_path) as run,
    ):
        raise error

    assert server.view(run.id).status is status
    tags = server.view(run.id).tags
    assert type(error).__name__ in tags["tradai.verdict"]
    # MLflow shows this one as the description.
    assert tags["mlflow.note.content"] == tags["tradai.verdict"]


def test_a_part_is_a_run_of_its_own(server: "FakeRuns", tmp_path: Path) -> None:
    with start_run("momentum", client=server, folder=tmp_path) as run:
        for depth in (3, 4):
            with run.child(f"depth {depth}") as part:
                part.log_params({"depth": depth})

    parts = [view for view in map(server.view, _ids(server)) if view.parent_id == run.id]
    assert sorted((part.name, part.params["depth"]) for part in parts) == [
        ("depth 3", "3"),
        ("depth 4", "4"),
    ]
    assert {part.status for part in parts} == {TrackedStatus.FINISHED}


def test_without_a_server_a_run_is_kept_until_there_is_one(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    with start_run("momentum", folder=tmp_path) as run:
        for step in range(500):
            run.log_metrics({"loss": step / 7}, step=step)

    kept = run.delivery
    tracker.deliver(run.folder)

    assert kept is not None
    assert (kept.waiting, kept.problem) == (501, None)
    assert [point.step for point in server.view(run.id).points] == list(range(500))


def test_two_runs_at_once_do_not_mix(server: "FakeRuns", tmp_path: Path) -> None:
    def loss(run: ActiveRun) -> list[float]:
        return [point.value for point in server.view(run.id).points]

    with (
        start_run("momentum", client=server, folder=tmp_path) as one,
        start_run("momentum", client=server, folder=tmp_path) as two,
    ):
        one.log_metrics({"loss": 1.0})
        two.log_metrics({"loss": 2.0})

    assert (loss(one), loss(two)) == ([1.0], [2.0])


@pytest.mark.parametrize(
    ("report", "error"),
    [
        (lambda run: run.log_artifact("absent.html"), NotFoundError),
        (lambda run: run.log_params({"a?b": 1}), ValidationError),
        (lambda run: [run.log_params({"a": value}) for value in (1, 2)], ValidationError),
    ],
    ids=["absent file", "unusable name", "second value"],
)
def test_a_report_that_cannot_be_kept_is_refused_at_once(
    report: Callable[[ActiveRun], object], error: type[Exception], tmp_path: Path
) -> None:
    with start_run("momentum", folder=tmp_path) as run, pytest.raises(error):
        report(run)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("tracking.jsonl", None),
        ("tracking.jsonl", "x/../tracking.jsonl"),
        ("tracking.jsonl", "../elsewhere.txt"),
        (".", "everything"),
    ],
    ids=["spool", "spool by a detour", "other folder", "itself"],
)
def test_an_artifact_replaces_no_spool_and_leaves_the_folder_of_the_run_alone(
    source: str, name: str | None, server: "FakeRuns", tmp_path: Path
) -> None:
    (tmp_path / "tracking.jsonl").write_text("mine")
    with start_run("momentum", client=server, folder=tmp_path / "runs") as run:
        run.log_metrics({"loss": 1.0})
        with pytest.raises(ValidationError, match="cannot be kept"):
            run.log_artifact(tmp_path / source, name)

    assert [point.value for point in server.view(run.id).points] == [1.0]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.id]
    assert [path.name for path in run.folder.iterdir()] == ["tracking.jsonl"]


def test_a_server_that_we_do_not_speak_to_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")

    with pytest.raises(ConfigurationError, match="http://"):
        start_run("momentum", folder=tmp_path)


def _ids(server: "FakeRuns") -> list[str]:
    return [stored.run.tags["tradai.run_id"] for stored in server.runs.values()]


def test_the_error_of_the_block_goes_on_when_the_disk_takes_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    def work() -> None:
        with start_run("momentum", folder=tmp_path):
            monkeypatch.setattr(os, "write", full)
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        work()


@pytest.mark.parametrize("name", ["../up.txt", "/up.txt", "tracking.jsonl", "a#b"])
def test_an_artifact_name_that_is_not_below_the_run_copies_nothing(
    name: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    report.write_text("<html>")

    with start_run("momentum", folder=tmp_path / "runs") as run:
        facts = (run.folder / "tracking.jsonl").read_bytes()
        with pytest.raises(ValidationError, match="artifact"):
            run.log_artifact(report, name)

        assert (run.folder / "tracking.jsonl").read_bytes() == facts
        assert [path.name for path in run.folder.iterdir()] == ["tracking.jsonl"]
    assert not (tmp_path / "runs" / "up.txt").exists()


def test_an_artifact_that_is_a_link_to_itself_is_named(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")

    with start_run("momentum", folder=tmp_path / "runs") as run:
        with pytest.raises(StorageError, match=r"cannot copy .*loop"):
            run.log_artifact(loop)

        assert [path.name for path in run.folder.iterdir()] == ["tracking.jsonl"]
        (run.folder / "loop").symlink_to("loop")
        with pytest.raises(StorageError, match="cannot copy"):
            run.log_artifact(Path(__file__), "loop")


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_run_ends_as_failed_when_the_text_of_its_error_cannot_be_read(
    server: "FakeRuns", tmp_path: Path
) -> None:
    with (
        pytest.raises(UnreadableError),
        start_run("momentum", client=server, folder=tmp_path) as run,
    ):
        raise UnreadableError

    assert server.view(run.id).status is TrackedStatus.FAILED


def test_a_run_ends_as_failed_when_the_disk_refuses_its_long_reason(
    server: "FakeRuns", tmp_path: Path
) -> None:
    run = start_run("momentum", client=server, folder=tmp_path)
    # A reason that is too long for a tag goes to a file of this folder.
    (run.folder / "long-values").write_text("in the way")

    with pytest.raises(LookupError), run:
        raise LookupError("x" * 10_000)

    assert server.view(run.id).status is TrackedStatus.FAILED


@pytest.mark.parametrize("value", [None, 10**400, "nan", "1.5", [1.0], Decimal("sNaN")])
def test_a_metric_that_is_not_a_number_is_refused_and_the_run_goes_on(
    value: float, server: "FakeRuns", tmp_path: Path
) -> None:
    with start_run("momentum", client=server, folder=tmp_path) as run:
        with pytest.raises(ValidationError, match="'loss' is not usable: expected a number that"):
            run.log_metrics({"loss": value})
        run.log_metrics({"loss": 0.5, "hits": 3, "is_best": True})

    values = {point.key: point.value for point in server.view(run.id).points}
    assert values == {"loss": 0.5, "hits": 3.0, "is_best": 1.0}


@pytest.mark.parametrize("name", [None, 1, b"loss"])
def test_a_name_that_is_not_a_text_is_refused(
    name: str, server: "FakeRuns", tmp_path: Path
) -> None:
    with start_run("momentum", client=server, folder=tmp_path) as run:
        for report in (run.log_metrics, run.log_params, run.set_tags):
            with pytest.raises(ValidationError, match=r"is of type \w+: expected text"):
                report({name: 1.0})
