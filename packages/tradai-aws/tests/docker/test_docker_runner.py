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


def test_a_folder_is_a_store_of_jobs_where_it_is_mounted_under_its_own_name() -> None:
    mounts = ("/srv/runs:/srv/runs", "/srv/read:/srv/read:ro", "/srv/other:/data")
    runner = DockerRunner(DockerSettings(mounts=mounts))

    reached = {
        uri: runner.can_reach(uri)
        for uri in (
            *("s3://bucket/runs/", "file:///srv/runs/", "file:///srv/runs/a/b/"),
            *("/srv/runs", "file:///srv/runs2/", "file:///srv/read/", "file:///srv/other/"),
            *("file:///data/", "memory:runs"),
        )
    }

    assert [uri for uri, is_reached in reached.items() if is_reached] == [
        "s3://bucket/runs/",
        "file:///srv/runs/",
        "file:///srv/runs/a/b/",
        "/srv/runs",
    ]


@pytest.mark.parametrize("mount", ["data", "data:/data", "/data", "/data:data", "/data:/data:rw"])
def test_a_mount_is_two_absolute_paths(mount: str) -> None:
    with pytest.raises(ConfigurationError, match="SOURCE:TARGET"):
        DockerSettings(mounts=(mount,))
