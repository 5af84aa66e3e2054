"""A job is launched once, wherever the process that launches it dies."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import job_launcher
import pytest
from job_launcher import POINTS, spec_of
from servers.docker import Dockerd

from tradai.aws import DockerRunner, DockerSettings
from tradai.core import JobStatus, Pause
from tradai.core.exceptions import ExternalServiceError

LAUNCHER: Final = Path(job_launcher.__file__)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets a line for each run of the job; it is mounted into its containers."""
    monkeypatch.setenv("TRADAI_DOCKER_MOUNTS", json.dumps([f"{tmp_path}:/runs"]))
    return tmp_path / "log"


@pytest.fixture
def runner(runs: Path, empty_dockerd: Dockerd) -> DockerRunner:
    assert not runs.exists()
    return DockerRunner(DockerSettings(host=empty_dockerd.url))


def launching(runner: DockerRunner, image: str, point: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(LAUNCHER), runner.uri, image, "job-1", point]
    return subprocess.Popen(command)


def die_launching(runner: DockerRunner, image: str, point: str) -> None:
    assert launching(runner, image, point).wait() == -signal.SIGKILL


@pytest.mark.parametrize("point", POINTS)
def test_a_launcher_that_dies_leaves_one_run(
    runner: DockerRunner, python_image: str, runs: Path, point: str
) -> None:
    die_launching(runner, python_image, point)

    handle = runner.submit(spec_of("job-1", python_image))

    assert runner.wait(handle).exit_code == 3
    assert [line.text for line in runner.logs(handle)] == ["launched"]
    assert list(runner.jobs()) == [handle]
    assert runs.read_text() == "launched\n"


def test_a_submission_waits_for_the_launcher_between_its_claim_and_its_input(
    runner: DockerRunner, python_image: str, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only its pauses tell that a submission has looked at the container of another launcher.
    looked, sleep = threading.Event(), Pause.sleep

    def note_the_look(pause: Pause, deadline: float | None = None) -> None:
        looked.set()
        sleep(pause, deadline)

    with launching(runner, python_image, "suspended-after-rename") as launcher:
        os.waitpid(launcher.pid, os.WUNTRACED)
        monkeypatch.setattr(Pause, "sleep", note_the_look)
        with ThreadPoolExecutor() as pool:
            submission = pool.submit(runner.submit, spec_of("job-1", python_image))
            submission.add_done_callback(lambda _: looked.set())
            looked.wait()
            # The daemon notices the end of a launcher later than a submission that looks.
            launcher.kill()

    assert runner.wait(submission.result()).exit_code == 3
    assert runs.read_text() == "launched\n"


@pytest.mark.parametrize("point", ["after-rename", "before-sendall"])
def test_a_job_that_was_never_launched_says_so(
    runner: DockerRunner, python_image: str, point: str
) -> None:
    die_launching(runner, python_image, point)
    (handle,) = runner.jobs()

    with pytest.raises(ExternalServiceError, match="never launched") as caught:
        runner.wait(handle)

    assert caught.value.retryable
    assert runner.stop(handle, "not wanted").status is JobStatus.CANCELLED
    assert runner.submit(spec_of("job-1", python_image)) == handle
    assert runner.wait(handle).reason == "it was stopped: not wanted"
    assert list(runner.logs(handle)) == []


def test_two_racing_processes_that_find_a_dead_launch_run_the_job_once(
    runner: DockerRunner, python_image: str, runs: Path
) -> None:
    die_launching(runner, python_image, "after-rename")
    runners = [DockerRunner.for_uri(runner.uri) for _ in range(4)]

    with ThreadPoolExecutor() as pool:
        handles = set(pool.map(lambda each: each.submit(spec_of("job-1", python_image)), runners))

    (handle,) = handles
    assert runner.wait(handle).exit_code == 3
    assert runs.read_text() == "launched\n"
