"""The Docker daemon and the registry that the other tests use."""

import contextlib
import subprocess
from pathlib import Path

from servers.docker import Dockerd, running_dockerd


def test_a_container_of_the_base_image_runs_python(dockerd: Dockerd, python_image: str) -> None:
    program = "import asyncio, ctypes, json, sqlite3, ssl; print('ready')"

    with contextlib.closing(dockerd.client()) as client:
        output = client.containers.run(
            python_image, ["python3", "-c", program], network_mode="none", remove=True, user="1000"
        )

    assert output == b"ready\n"


def test_an_image_travels_through_the_registry(
    dockerd: Dockerd, python_image: str, registry: str
) -> None:
    name = f"{registry}/tests/python"
    with contextlib.closing(dockerd.client()) as client:
        client.images.get(python_image).tag(name, "1")

        events = list(client.images.push(name, "1", stream=True, decode=True))

        (digest,) = (event["aux"]["Digest"] for event in events if "aux" in event)
        client.images.remove(f"{name}:1")
        pulled = client.images.pull(name, "1")
        assert f"{name}@{digest}" in pulled.attrs["RepoDigests"]


def test_a_daemon_leaves_nothing_behind() -> None:
    with running_dockerd() as daemon:
        daemon.stop()
        daemon.start()
        folder = daemon.folder

    assert not folder.exists()
    assert str(folder) not in Path("/proc/self/mounts").read_text()
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(folder) not in processes.stdout
