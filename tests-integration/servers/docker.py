"""Docker's daemon and a registry: no network bridge, no iptables, loopback only."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from servers.process import Server, answers, free_port, missing

if TYPE_CHECKING:
    from docker import DockerClient

_DRIVERS: Final = ("overlay2", "vfs")
_PACKAGES: Final = "docker.io, docker-registry and busybox-static of Debian"


@dataclass(kw_only=True)
class Dockerd:
    """A daemon with a data folder of its own; it may be stopped and started again.

    Attributes:
        folder: Its folder; the path is short, as that of a Unix socket must be.
        driver: Storage driver.
    """

    folder: Path
    driver: str = _DRIVERS[0]
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def url(self) -> str:
        """Address of the daemon, as in ``DOCKER_HOST``."""
        return f"unix://{self.folder}/d.sock"

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        self._running.enter_context(self._server().running())

    def stop(self) -> None:
        """Stop the daemon, and with it the containers; all of them are kept."""
        self._running.close()

    def client(self) -> "DockerClient":
        """Return a client of the daemon, to be closed by the caller."""
        import docker

        return docker.DockerClient(base_url=self.url, timeout=120)

    def close(self) -> None:
        """Remove all containers, for which the daemon would wait, and stop it."""
        if self._is_ready():
            with contextlib.closing(self.client()) as client:
                for container in client.containers.list(all=True, ignore_removed=True):
                    container.remove(force=True)
        self.stop()

    def _server(self) -> Server:
        options = {
            "host": self.url,
            "data-root": self.folder / "data",
            "exec-root": self.folder / "exec",
            "pidfile": self.folder / "pid",
            "storage-driver": self.driver,
            "bridge": "none",
            "log-level": "warn",
            # Name of this machine for containers in its network: there is no bridge to have one.
            "host-gateway-ip": "127.0.0.1",
        }
        off = ("iptables", "ip6tables", "ip-forward", "ip-masq", "userland-proxy")
        return Server(
            name="docker",
            command=[
                "dockerd",
                *(f"--{name}={text}" for name, text in options.items()),
                *(f"--{name}=false" for name in off),
            ],
            is_ready=self._is_ready,
            folder=self.folder,
            start_timeout_s=60,
            stop_timeout_s=60,
        )

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(2)
            probe.connect(str(self.folder / "d.sock"))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in probe.recv(64)
        return False


@contextlib.contextmanager
def running_dockerd() -> Iterator[Dockerd]:
    """Run a daemon of our own; skip, with the reason, where that is not possible."""
    _check_machine()
    folder = Path(tempfile.mkdtemp(prefix="tradai-docker-", dir="/tmp"))
    try:
        with contextlib.closing(_start(folder)) as daemon:
            yield daemon
    finally:
        _remove(folder)


def _check_machine() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        missing("docker", "a Docker daemon of our own needs Linux and root")
    # On a Debian of another user, the folder of the daemon is not on the path.
    absent = [name for name in ("dockerd", "docker-registry", "busybox") if not shutil.which(name)]
    if absent:
        missing("docker", f"no {', '.join(absent)} on PATH: install {_PACKAGES}")


def _start(folder: Path) -> Dockerd:
    """Start a daemon with the first storage driver that this machine supports."""
    first, last = (Dockerd(folder=folder, driver=driver) for driver in _DRIVERS)
    with contextlib.suppress(pytest.fail.Exception):
        first.start()
        return first
    try:
        last.start()
    except pytest.fail.Exception as exc:
        missing("docker", f"dockerd does not start on this machine: {exc}")
    return last


def _remove(folder: Path) -> None:
    """Remove the folder of a daemon that has ended, and the mounts that it left there."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    points = [Path(line.split()[1]) for line in mounts]
    for point in reversed([point for point in points if folder in point.parents]):
        subprocess.run(["umount", "--lazy", point], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_registry(folder: Path, *, passwords: Path | None = None) -> Iterator[str]:
    """Run a registry, and yield its host and port.

    Args:
        folder: Folder for its images.
        passwords: File of users and their bcrypt hashes, as ``htpasswd`` writes it; None lets
            everyone in.
    """
    _check_machine()
    port = free_port()
    config = folder / "registry.yml"
    lines = [
        "version: 0.1",
        "log: {level: warn}",
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}",
        f"http: {{addr: '127.0.0.1:{port}'}}",
    ]
    if passwords is not None:
        lines.append(f"auth: {{htpasswd: {{realm: tests, path: {passwords}}}}}")
    config.write_text("\n".join(lines))
    server = Server(
        name="registry",
        command=["docker-registry", "serve", config],
        is_ready=lambda: answers(f"http://127.0.0.1:{port}/v2/"),
        folder=folder,
    )
    with server.running():
        yield f"127.0.0.1:{port}"
