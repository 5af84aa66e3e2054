"""The local runner keeps the promises of the port."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradai.core import JobRunner, JobSpec
from tradai.core.testing import JobLogsContract, JobRunnerContract, JobScript, JobStopsContract
from tradai.entrypoint import LocalRunner


class LocalFixtures:
    @pytest.fixture
    def runner(self, tmp_path: Path) -> Iterator[JobRunner]:
        runner = LocalRunner(tmp_path / "jobs")
        yield runner
        for handle in runner.jobs():
            runner.stop(handle, "the test is over")

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
