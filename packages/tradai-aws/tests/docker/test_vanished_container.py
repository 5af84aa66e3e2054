"""A container that another process removes between two requests."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tradai.aws import DockerRunner
from tradai.core import JobHandle
from tradai.core.exceptions import NotFoundError

DIGEST = "0" * 64
RUNNING = {
    "Id": "c0ffee",
    "State": {"Running": True},
    "Config": {"Labels": {"tradai.job": "job-1", "tradai.spec-digest": DIGEST}},
}


class Daemon(BaseHTTPRequestHandler):
    """A daemon whose only container exists while it is inspected, and has gone when it is read."""

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self._answer(200, {"ApiVersion": "1.41"})
        elif self.path.endswith("/containers/tradai-job-job-1/json"):
            self._answer(200, RUNNING)
        else:
            self._answer(404, {"message": "No such container: c0ffee"})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the requests out of the output."""


@pytest.fixture
def runner() -> Iterator[DockerRunner]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Daemon) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield DockerRunner.for_uri(f"docker:tcp://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_a_container_that_is_gone_while_its_log_is_read_is_not_found(runner: DockerRunner) -> None:
    handle = JobHandle(runner=runner.uri, job_id="job-1", spec_digest=DIGEST, native_id="c0ffee")

    with pytest.raises(NotFoundError, match="c0ffee: it does not exist"):
        runner.status(handle)
