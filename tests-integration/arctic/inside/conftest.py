"""Fixtures with an S3 server on loopback."""

import os
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.process import free_port

ROOT = Path(__file__).resolve().parents[3]
MOTO = Path(os.environ.get("TRADAI_MOTO_VENV", ROOT / ".servers" / "moto")) / "bin" / "moto_server"


@pytest.fixture(scope="session")
def s3_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of an S3 server on the loopback address."""
    if not MOTO.exists():
        reason = f"no S3 server at {MOTO}: install moto[server] into an environment there"
        if "moto" in os.environ.get("TRADAI_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [MOTO, "-H", "127.0.0.1", "-p", str(port)],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_for(port, server, log)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture
def make_bucket(s3_port: int) -> Callable[[str], None]:
    """Make an empty bucket."""

    def make(name: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{s3_port}/{name}", method="PUT")
        with _opener().open(request, timeout=60):
            pass

    return make


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 300
    while not _answers(port):
        assert server.poll() is None, f"it ended: {log.read_text()}"
        assert time.monotonic() < deadline, f"it never answered: {log.read_text()}"
        select.select([], [], [], 0.05)


def _answers(port: int) -> bool:
    try:
        with _opener().open(f"http://127.0.0.1:{port}/moto-api/", timeout=2):
            return True
    except urllib.error.HTTPError as answer:
        answer.close()
        return True
    except OSError:
        return False


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener that ignores the proxies of the environment."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
