"""The local runner keeps the promises of the port."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradai.core import JobRunner, JobSpec, JobStatus, attach, backend_for
from tradai.core.exceptions import StorageError, ValidationError
from tradai.core.testing import JobLogsContract, JobRunnerContract, JobScript, JobStopsContract
from tradai.entrypoint import LocalRunner


class LocalFixtures:
    @pytest.fixture
    def runner(self, folder: Path) -> JobRunner:
        return LocalRunner(folder)

    @pytest.fixture
    def spec_for(self) -> Callable[[str, JobScript], JobSpec]:
        return lambda job_id, script: JobSpec(job_id=job_id, command=script.command())

    @pytest.fixture
    def reopen(self) -> Callable[[LocalRunner], JobRunner]:
        return lambda runner: LocalRunner.for_uri(runner.uri)

    @pytest.fixture
    def secret(self, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
        monkeypatch.setenv("SCRIPTED_SECRET", "fake-local-value")
        return "env:SCRIPTED_SECRET", "fake-local-value"


class TestLocalRunner(LocalFixtures, JobRunnerContract):
    pass


class TestLocalLogs(LocalFixtures, JobLogsContract):
    pass


class TestLocalStops(LocalFixtures, JobStopsContract):
    pass


def test_the_runner_is_found_by_its_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my jobs"

    runners = [backend_for("tradai.runners", uri) for uri in ("local:", f"local:{folder}")]

    assert [getattr(runner, "uri", "") for runner in runners] == [
        f"local:{tmp_path}/.tradai/jobs",
        f"local:{tmp_path}/my%20jobs",
    ]
    handle = runners[1].submit(JobSpec(job_id="job-1", command=("true",)))
    assert attach(handle).wait().status is JobStatus.COMPLETED


@pytest.mark.parametrize(
    ("change", "field"),
    [({"image": "busybox"}, "image"), ({"platform": "linux/arm64"}, "platform")],
)
def test_a_job_that_needs_another_machine_is_refused(
    tmp_path: Path, change: dict[str, Any], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    runner = LocalRunner(tmp_path)

    with pytest.raises(ValidationError) as caught:
        runner.submit(JobSpec(job_id="job-1", command=("true",), **change))

    assert caught.value.field == field
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    runner = LocalRunner(tmp_path)

    info = runner.wait(runner.submit(JobSpec(job_id="job-1", command=("no-such-program",))))

    assert (info.exit_code, info.started_at) == (127, None)
    assert info.reason == "the program no-such-program was not found"


def test_a_signal_that_ends_a_job_is_named(tmp_path: Path) -> None:
    runner = LocalRunner(tmp_path)
    spec = JobSpec(job_id="job-1", command=("sh", "-c", "kill -9 $$"))

    info = runner.wait(runner.submit(spec))

    assert (info.status, info.exit_code) == (JobStatus.FAILED, 137)
    assert info.reason == "SIGKILL ended it"


def test_a_job_gets_only_the_variables_of_its_specification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_RUN_MODE", "live")
    runner = LocalRunner(tmp_path)
    spec = JobSpec(job_id="job-1", command=("env",), environment={"PAIR": "BTC/USDT"})

    handle = runner.submit(spec)

    names = {line.text.partition("=")[0] for line in runner.logs(handle)}
    assert {"PAIR", "PATH", "TRADAI_RUN_TRACE_ID"} <= names
    assert "TRADAI_RUN_MODE" not in names


def test_a_folder_that_is_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("in the way")
    runner = LocalRunner(tmp_path / "jobs")

    with pytest.raises(StorageError):
        runner.submit(JobSpec(job_id="job-1", command=("true",)))

    assert list(runner.jobs()) == []
