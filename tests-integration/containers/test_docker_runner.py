"""The Docker runner keeps the promises of the port, on a real daemon."""

from collections.abc import Callable

import pytest

from tradai.aws import DockerRunner
from tradai.core import JobRunner, JobSpec
from tradai.core.testing import JobLogsContract, JobRunnerContract, JobScript, JobStopsContract


class DockerFixtures:
    @pytest.fixture
    def spec_for(self, python_image: str) -> Callable[[str, JobScript], JobSpec]:
        return lambda job_id, script: JobSpec(
            job_id=job_id, command=script.command(), image=python_image
        )

    @pytest.fixture
    def reopen(self) -> Callable[[DockerRunner], JobRunner]:
        return lambda runner: DockerRunner.for_uri(runner.uri)

    @pytest.fixture
    def secret(self, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
        monkeypatch.setenv("SCRIPTED_SECRET", "fake-'docker'-value \\ $HOME")
        return "env:SCRIPTED_SECRET", "fake-'docker'-value \\ $HOME"


class TestDockerRunner(DockerFixtures, JobRunnerContract):
    pass


class TestDockerLogs(DockerFixtures, JobLogsContract):
    pass


class TestDockerStops(DockerFixtures, JobStopsContract):
    pass
