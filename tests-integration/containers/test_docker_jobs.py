"""Jobs in containers: secrets, limits, images and daemons that are not as expected."""

import contextlib
import gc
import io
import json
import socket
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from servers.docker import Dockerd, running_dockerd
from servers.python_image import make_python_image

from tradai.aws import DockerRunner, DockerSettings
from tradai.core import JobPlatform, JobSpec, JobStatus, LogDelivery, SecretReference
from tradai.core.exceptions import ExternalServiceError, NotFoundError, ValidationError

# The client of Docker leaves a socket open when its daemon cannot be reached.
LEAVES_SOCKETS: Final = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)
VALUE: Final = "fake-value 'quoted'\n$HOME `id`\\n"


def spec_for(image: str, script: str, **changes: Any) -> JobSpec:
    return JobSpec(job_id="job-1", command=("sh", "-c", script), image=image, **changes)


def texts(runner: DockerRunner, spec: JobSpec) -> list[str]:
    return [line.text for line in runner.logs(runner.submit(spec))]


def test_no_description_of_the_container_has_a_secret(
    runner: DockerRunner,
    python_image: str,
    empty_dockerd: Dockerd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCRIPTED_SECRET", VALUE)
    spec = spec_for(
        python_image,
        "printf %s \"$API_KEY\" | od -An -tx1 | tr -d ' \\n'; sleep 600",
        secrets={"API_KEY": SecretReference("env:SCRIPTED_SECRET")},
    )

    handle = runner.submit(spec)

    with contextlib.closing(empty_dockerd.client()) as client:
        container = client.containers.get(handle.native_id)
        shown = json.dumps([container.attrs, container.top(), container.diff()])
    runner.stop(handle, "the test is over")
    assert "fake-value" not in shown
    assert [bytes.fromhex(line.text).decode() for line in runner.logs(handle)] == [VALUE]


def test_a_job_that_needs_too_much_memory_is_told_from_one_that_was_killed(
    runner: DockerRunner, python_image: str
) -> None:
    spec = JobSpec(
        job_id="job-1",
        command=("python3", "-c", "x = bytearray(2**28); print(len(x))"),
        image=python_image,
        memory_mib=32,
    )
    killed = replace(spec, job_id="job-2", command=("sh", "-c", "kill -9 $$"))

    infos = [runner.wait(runner.submit(each)) for each in (spec, killed)]

    assert [(info.status, info.exit_code) for info in infos] == [(JobStatus.FAILED, 137)] * 2
    assert (
        infos[0].reason == "it needed more than its memory of 32 MiB, and ended with exit code 137"
    )
    assert infos[1].reason == "it ended with exit code 137"


def test_the_limits_of_the_specification_reach_the_container(
    empty_dockerd: Dockerd, python_image: str
) -> None:
    settings = DockerSettings(host=empty_dockerd.url, max_processes=7, network="none")
    spec = spec_for(python_image, "true", cpu_units=512, memory_mib=64, tags={"team": "a"})

    handle = DockerRunner(settings).submit(spec)

    with contextlib.closing(empty_dockerd.client()) as client:
        facts = client.containers.get(handle.native_id).attrs
    limits = facts["HostConfig"]
    assert (limits["NanoCpus"], limits["Memory"], limits["PidsLimit"]) == (500_000_000, 2**26, 7)
    assert limits["NetworkMode"] == "none"
    assert facts["Config"]["Labels"]["tradai.tag.team"] == "a"


def test_a_time_limit_holds_when_the_launching_process_is_gone(
    runner: DockerRunner, python_image: str
) -> None:
    program = (
        "import sys; from tradai.aws import DockerRunner; from tradai.core import JobSpec;"
        "print(DockerRunner.for_uri(sys.argv[1]).submit(JobSpec(job_id='job-1', "
        "command=('sleep', '600'), image=sys.argv[2], time_limit_s=1)).to_json())"
    )
    subprocess.run([sys.executable, "-c", program, runner.uri, python_image], check=True)
    (handle,) = runner.jobs()

    info = runner.wait(handle)

    assert (info.status, info.exit_code) == (JobStatus.FAILED, 143)
    assert info.reason == "its time limit of 1 s has passed"


def test_a_deaf_job_is_killed_after_its_time_limit_and_grace(
    runner: DockerRunner, python_image: str
) -> None:
    script = "trap '' TERM; while :; do sleep 600 & wait; done"

    info = runner.wait(
        runner.submit(spec_for(python_image, script, time_limit_s=1, stop_grace_s=1))
    )

    assert (info.status, info.exit_code) == (JobStatus.FAILED, 137)
    assert "time limit" in info.reason


def test_a_job_with_the_exit_code_of_the_shell_is_not_launched_again(
    runner: DockerRunner, python_image: str
) -> None:
    spec = spec_for(python_image, "echo once; exit 97")
    info = runner.wait(runner.submit(spec))

    handle = runner.submit(spec)

    assert (info.status, info.exit_code) == (JobStatus.FAILED, 97)
    assert runner.status(handle) == info
    assert [line.text for line in runner.logs(handle)] == ["once"]


def test_the_entry_point_of_the_image_stands_before_the_command(
    runner: DockerRunner, python_image: str, empty_dockerd: Dockerd
) -> None:
    with contextlib.closing(empty_dockerd.client()) as client:
        dockerfile = f'FROM {python_image}\nENTRYPOINT ["echo", "before"]\n'
        image, _ = client.images.build(fileobj=io.BytesIO(dockerfile.encode()))

    lines = texts(runner, JobSpec(job_id="job-1", command=("after",), image=image.id))

    assert lines == ["before after"]


def test_a_long_line_arrives_in_pieces_and_a_longer_one_too(
    runner: DockerRunner, python_image: str
) -> None:
    program = "print('a' * 40_000); print('b' * 200_000); print('end', end='')"

    lines = texts(
        runner, JobSpec(job_id="job-1", command=("python3", "-c", program), image=python_image)
    )

    assert [len(line) for line in lines] == [40_000, 65_536, 65_536, 65_536, 3_392, 3]
    assert "".join(lines) == "a" * 40_000 + "b" * 200_000 + "end"


def test_an_image_of_another_platform_is_refused(runner: DockerRunner, python_image: str) -> None:
    spec = spec_for(python_image, "true")
    with contextlib.closing(DockerSettingsClient(runner)) as client:
        here = client.platform(python_image)
    (other,) = set(JobPlatform) - {here}

    with pytest.raises(ValidationError, match=f"is for {here}") as caught:
        runner.submit(replace(spec, platform=other))

    assert caught.value.field == "platform"
    assert list(runner.jobs()) == []


def test_a_job_without_an_image_is_refused(runner: DockerRunner) -> None:
    with pytest.raises(ValidationError, match="has no image"):
        runner.submit(JobSpec(job_id="job-1", command=("true",)))


def test_an_image_that_nobody_has_is_not_found(runner: DockerRunner, registry: str) -> None:
    for name in (f"{registry}/no/such:image", "127.0.0.1:1/no/such:1"):
        with pytest.raises(NotFoundError, match="can it be pulled") as caught:
            runner.submit(spec_for(name, "true"))
        assert (caught.value.kind, caught.value.key) == ("image", name)


def test_an_image_is_pulled_when_the_daemon_does_not_have_it(
    runner: DockerRunner, registry: str, python_image: str, empty_dockerd: Dockerd
) -> None:
    name = f"{registry}/tests/pulled"
    with contextlib.closing(empty_dockerd.client()) as client:
        client.images.get(python_image).tag(name, "1")
        client.images.push(name, "1")
        client.images.remove(f"{name}:1")

    assert texts(runner, spec_for(f"{name}:1", "echo pulled")) == ["pulled"]


def test_a_job_in_an_image_without_a_shell_is_a_failure(
    runner: DockerRunner, empty_dockerd: Dockerd
) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    with contextlib.closing(empty_dockerd.client()) as client:
        client.api.import_image_from_data(data.getvalue(), "local/empty", tag="1")

    info = runner.wait(runner.submit(spec_for("local/empty:1", "true")))

    assert (info.status, info.exit_code, info.started_at) == (JobStatus.FAILED, 127, None)
    assert "exec sh failed" in info.reason


@LEAVES_SOCKETS
def test_a_daemon_that_is_not_there_is_named(tmp_path: Path) -> None:
    runner = DockerRunner(DockerSettings(host=f"unix://{tmp_path}/none.sock"))

    with pytest.raises(ExternalServiceError, match=r"does not answer .*start it") as caught:
        runner.submit(spec_for("image", "true"))

    assert caught.value.retryable
    gc.collect()


@LEAVES_SOCKETS
def test_a_daemon_that_is_restarted_keeps_its_jobs() -> None:
    with running_dockerd() as daemon:
        with contextlib.closing(daemon.client()) as client:
            image = make_python_image(client)
        runner = DockerRunner(DockerSettings(host=daemon.url))
        ended = runner.submit(spec_for(image, "echo one; exit 3"))
        info = runner.wait(ended)
        running = runner.submit(replace(spec_for(image, "exec sleep 600"), job_id="job-2"))

        daemon.stop()
        with pytest.raises(ExternalServiceError):
            runner.status(ended)
        daemon.start()

        assert runner.status(ended) == info
        assert [line.text for line in runner.logs(ended)] == ["one"]
        assert runner.wait(running).status is JobStatus.FAILED
        assert list(runner.jobs()) == [ended, running]
        gc.collect()


def test_a_container_that_is_started_again_by_hand_stays_an_ended_job(
    runner: DockerRunner, python_image: str, empty_dockerd: Dockerd
) -> None:
    handle = runner.submit(spec_for(python_image, "echo one; exit 3"))
    end = runner.wait(handle)
    with contextlib.closing(empty_dockerd.client()) as client:
        client.containers.get(handle.native_id).start()

    info = runner.wait(handle, timeout_s=30)

    assert (info.status, info.started_at) == (JobStatus.FAILED, end.started_at)
    assert info.ended_at == end.ended_at
    assert "its container was started again after its end" in info.reason
    assert [line.text for line in runner.logs(handle)] == ["one"]
    assert runner.stop(handle, "the test is over") == info


def test_a_container_that_is_removed_while_it_is_followed_is_not_found(
    runner: DockerRunner, python_image: str, empty_dockerd: Dockerd
) -> None:
    handle = runner.submit(spec_for(python_image, "echo one; exec sleep 600"))
    lines = runner.logs(handle)
    assert next(lines).text == "one"
    with contextlib.closing(empty_dockerd.client()) as client:
        client.containers.get(handle.native_id).remove(force=True)

    with pytest.raises(NotFoundError):
        list(lines)


def test_a_job_reaches_a_server_of_the_machine_by_the_host_network(
    empty_dockerd: Dockerd, python_image: str
) -> None:
    settings = DockerSettings(host=empty_dockerd.url, network="host")
    program = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))"
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = ("python3", "-c", program, str(server.getsockname()[1]))

        spec = JobSpec(job_id="job-1", command=command, image=python_image)
        runner = DockerRunner(settings)
        assert runner.wait(runner.submit(spec)).status is JobStatus.COMPLETED


def test_a_mounted_folder_is_seen_by_the_job(
    empty_dockerd: Dockerd, python_image: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("seen\n")
    settings = DockerSettings(host=empty_dockerd.url, mounts=(f"{tmp_path}:/data:ro",))

    lines = texts(DockerRunner(settings), spec_for(python_image, "cat /data/file; touch /data/new"))

    assert lines[0] == "seen"
    assert "Read-only" in lines[1]


class DockerSettingsClient:
    """Asks the daemon of a runner about images."""

    def __init__(self, runner: DockerRunner) -> None:
        import docker

        self._client = docker.DockerClient(base_url=runner.uri.removeprefix("docker:"))

    def platform(self, name: str) -> str:
        facts = self._client.images.get(name).attrs
        return f"{facts['Os']}/{facts['Architecture']}"

    def close(self) -> None:
        self._client.close()


def test_bytes_that_are_not_text_end_neither_a_line_nor_the_log(
    runner: DockerRunner, python_image: str
) -> None:
    program = "import os; os.write(1, bytes(range(256)) + b'\\n'); print('end')"
    command = ("python3", "-c", program)

    lines = texts(runner, JobSpec(job_id="job-1", command=command, image=python_image))

    assert len(lines) == 3
    assert lines[0] == "".join(map(chr, range(10)))
    assert lines[1].startswith("\x0b\x0c")
    assert lines[1].endswith("\ufffd" * 128)
    assert lines[2] == "end"


def test_a_job_that_is_stopped_while_it_is_submitted_is_cancelled(
    runner: DockerRunner, python_image: str
) -> None:
    spec = spec_for(python_image, "sleep 600")
    with ThreadPoolExecutor(1) as pool:
        submitting = pool.submit(DockerRunner.for_uri(runner.uri).submit, spec)
        while not submitting.done() and not list(runner.jobs()):
            pass
        (job,) = runner.jobs()
        info = runner.stop(job, "not wanted")

        handle = submitting.result(60)

    assert info.status is JobStatus.CANCELLED
    assert runner.status(handle) == info
    assert runner.submit(spec) == handle


@pytest.mark.parametrize(
    ("delivery", "options"),
    [
        (LogDelivery.BLOCKING, {"mode": "blocking"}),
        (LogDelivery.NON_BLOCKING, {"mode": "non-blocking", "max-buffer-size": "25m"}),
    ],
)
def test_the_delivery_of_the_log_is_set(
    runner: DockerRunner,
    empty_dockerd: Dockerd,
    python_image: str,
    delivery: LogDelivery,
    options: dict[str, str],
) -> None:
    handle = runner.submit(spec_for(python_image, "echo one", log_delivery=delivery))

    with contextlib.closing(empty_dockerd.client()) as client:
        config = client.containers.get(handle.native_id).attrs["HostConfig"]["LogConfig"]
    assert config == {"Type": "json-file", "Config": options}
    assert [line.text for line in runner.logs(handle)] == ["one"]
