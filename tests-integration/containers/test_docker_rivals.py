"""Another process acts on the daemon between two requests of a launch."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pytest
import requests
from job_launcher import spec_of
from servers.docker import Dockerd

from tradai.aws import DockerRunner, DockerSettings
from tradai.core import JobSpec, JobStatus
from tradai.core.exceptions import ExternalServiceError, NotFoundError

if TYPE_CHECKING:
    from docker import APIClient, DockerClient

# Let another process do its work once: before or after a request, or after one without an answer.
LetAct: TypeAlias = Callable[
    [Literal["before", "after", "without answer"], str, Callable[[], object]], None
]
JOB: Final = "tradai-job-job-1"


@pytest.fixture
def let_act(monkeypatch: pytest.MonkeyPatch) -> LetAct:
    """Plan what another process does at the first request whose path ends with some text."""
    from docker import APIClient

    send = APIClient.send

    def plan(when: str, path: str, work: Callable[[], object]) -> None:
        def act(api: "APIClient", request: requests.PreparedRequest, **options: Any) -> Any:
            if not str(request.url).partition("?")[0].endswith(path):
                return send(api, request, **options)
            monkeypatch.setattr(APIClient, "send", send)
            if when == "before":
                work()
                return send(api, request, **options)
            response = send(api, request, **options)
            work()
            if when == "after":
                return response
            response.close()
            raise requests.exceptions.ConnectionError

        monkeypatch.setattr(APIClient, "send", act)

    return plan


@pytest.fixture
def client(empty_dockerd: Dockerd) -> Iterator["DockerClient"]:
    """The client of the other process."""
    with contextlib.closing(empty_dockerd.client()) as client:
        yield client


@pytest.mark.parametrize("path", ["/attach", "/start"])
def test_a_launch_whose_new_container_is_pruned_begins_again(
    path: str, runner: DockerRunner, python_image: str, client: "DockerClient", let_act: LetAct
) -> None:
    let_act("before", path, client.containers.prune)

    handle = runner.submit(spec_of("job-1", python_image))

    assert runner.wait(handle).exit_code == 3
    assert [one.name for one in client.containers.list(all=True)] == [JOB]


def test_an_image_that_is_removed_before_its_container_is_created_is_the_one_not_found(
    runner: DockerRunner, python_image: str, client: "DockerClient", let_act: LetAct
) -> None:
    # Nobody answers there, so that it cannot be pulled.
    name = "127.0.0.1:1/tests/removed"
    container = client.containers.create(python_image, ["true"])
    container.commit(name, "1")
    container.remove()
    let_act("before", "/create", lambda: client.images.remove(f"{name}:1"))

    with pytest.raises(NotFoundError, match=f"the image {name}:1 is neither") as caught:
        runner.submit(spec_of("job-1", f"{name}:1"))

    assert (caught.value.kind, caught.value.key) == ("image", f"{name}:1")
    assert client.containers.list(all=True) == []


def test_a_container_whose_creation_was_not_answered_is_removed(
    runner: DockerRunner, python_image: str, client: "DockerClient", let_act: LetAct
) -> None:
    let_act("without answer", "/create", lambda: None)

    with pytest.raises(ExternalServiceError, match="does not answer"):
        runner.submit(spec_of("job-1", python_image))

    assert client.containers.list(all=True) == []


def test_a_job_that_is_killed_before_its_command_is_not_blamed_on_its_image(
    runner: DockerRunner, python_image: str, client: "DockerClient", let_act: LetAct
) -> None:
    let_act("after", "/rename", lambda: client.containers.get(JOB).kill())

    info = runner.status(runner.submit(spec_of("job-1", python_image)))

    assert (info.status, info.exit_code, info.started_at) == (JobStatus.FAILED, 137, None)
    assert info.reason == "it ended with exit code 137 before its command was started"


def test_a_job_that_is_removed_while_it_starts_is_not_launched_again(
    runner: DockerRunner, python_image: str, client: "DockerClient", let_act: LetAct
) -> None:
    let_act("after", "/rename", lambda: client.containers.get(JOB).remove(force=True))

    with pytest.raises(ExternalServiceError, match="job-1 was removed while it started"):
        runner.submit(spec_of("job-1", python_image))

    assert client.containers.list(all=True) == []


def test_a_network_that_does_not_exist_is_named(
    empty_dockerd: Dockerd, python_image: str, client: "DockerClient"
) -> None:
    runner = DockerRunner(DockerSettings(host=empty_dockerd.url, network="no-such-network"))

    with pytest.raises(NotFoundError, match="network no-such-network not found"):
        runner.submit(JobSpec(job_id="job-1", command=("true",), image=python_image))

    assert client.containers.list(all=True) == []
