"""The Docker runner without a daemon."""

import sys

import pytest

from tradai.aws import DockerRunner, DockerSettings
from tradai.core import JobSpec, backend_for
from tradai.core.exceptions import ConfigurationError


def test_the_runner_is_found_by_its_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")

    runners = [backend_for("tradai.runners", uri) for uri in ("docker:", "docker:unix:///srv/d")]

    assert [getattr(runner, "uri", "") for runner in runners] == [
        "docker:tcp://127.0.0.1:2375",
        "docker:unix:///srv/d",
    ]


def test_without_the_client_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    runner = DockerRunner.for_uri("docker:unix:///nowhere.sock")

    with pytest.raises(ConfigurationError, match=r"install tradai-aws\[docker\]") as caught:
        runner.submit(JobSpec(job_id="job-1", command=("true",), image="image"))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mount", ["data", "data:/data", "/data", "/data:data", "/data:/data:rw"])
def test_a_mount_is_two_absolute_paths(mount: str) -> None:
    with pytest.raises(ConfigurationError, match="SOURCE:TARGET"):
        DockerSettings(mounts=(mount,))
