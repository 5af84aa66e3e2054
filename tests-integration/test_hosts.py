"""The programs of the how-to pages, each on the server that it is written for."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import pytest
from pages.page import Page

PATIENCE_S: Final = 300
HIDDEN: Final = "obviously-fake-key-of-the-host"
LOOPBACK: Final = "127.0.0.1"


class Host:
    """A server in a process of its own, whose lines are kept."""

    def __init__(self, command: list[str], folder: Path, environ: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()

    def find(self, pattern: str, count: int = 1) -> list[str]:
        """Return the matches of `pattern` in the lines, once there are `count` of them."""

        def matches() -> list[str]:
            return [found for line in tuple(self.lines) for found in re.findall(pattern, line)]

        with self._changed:
            reached = self._changed.wait_for(lambda: len(matches()) >= count, PATIENCE_S)
        assert reached, "\n".join(self.lines)
        return matches()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code when all lines are read."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def records(self) -> list[dict[str, Any]]:
        """Return the lines that are JSON."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def close(self) -> None:
        """Kill what is left of it and its children."""
        for kill in (self.process.kill, lambda: os.killpg(self.process.pid, signal.SIGKILL)):
            try:
                kill()
            except ProcessLookupError:
                continue
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stdout
        self.process.stdout.close()


Launch = Callable[..., Host]


@pytest.fixture
def launch(root: Path, tmp_path: Path) -> Iterator[Launch]:
    """Write the files of a page, and start a command beside them."""
    hosts: list[Host] = []

    def start(page: str, *command: str, **environ: str) -> Host:
        for block in Page(root / "docs/how-to" / page).blocks:
            if block.file:
                (tmp_path / block.file).write_text(block.text)
        hosts.append(Host([sys.executable, *command], tmp_path, environ))
        return hosts[-1]

    yield start
    for host in hosts:
        host.close()


def get(url: str, **headers: str) -> tuple[int, str, Any]:
    """Return status, content type and JSON body."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback only
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback only
            return answer.status, answer.headers["content-type"], json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], json.load(error)


def assert_masked(host: Host) -> None:
    text = "\n".join(host.lines)
    assert "***" in text
    assert HIDDEN not in text


def test_uvicorn_serves_the_application_of_its_page(launch: Launch) -> None:
    host = launch(
        "serve-with-uvicorn.md", "-m", "uvicorn", "web_app:app", "--port=0", WEB_KEY=HIDDEN
    )
    (url,) = host.find(r"Uvicorn running on (http://[\d.:]+)")

    health = get(f"{url}/health?key={HIDDEN}")
    missing = get(f"{url}/runs/r1", **{"x-request-id": "t1"})
    code = host.end()

    assert health == (200, "application/json", {"state": "running"})
    assert missing[:2] == (404, "application/problem+json")
    assert missing[2]["detail"] == "there is no run 'r1'"
    assert missing[2]["instance"] == "/runs/r1"
    # uvicorn raises the signal again when all is done.
    assert code == -signal.SIGTERM
    states = [record["state"] for record in host.records() if "state_before" in record]
    assert states == ["starting", "running", "stopping", "stopped"]
    assert [record["trace_id"] for record in host.records() if "run" in record] == ["t1"]
    assert_masked(host)


def test_a_service_runs_uvicorn_and_ends_in_order_after_one_signal(launch: Launch) -> None:
    host = launch("serve-with-uvicorn.md", "web_service.py", "port=0", WEB_KEY=HIDDEN)
    (url,) = host.find(r"Uvicorn running on (http://[\d.:]+)")

    health = get(f"{url}/health?key={HIDDEN}")
    code = host.end()

    assert health[0] == 200
    assert code == 0
    ends = [record for record in host.records() if record.get("state") == "stopped"]
    assert len(ends) == 2  # of the feed and of the service around the server
    assert_masked(host)


def test_gunicorn_serves_the_application_of_its_page(launch: Launch) -> None:
    host = launch(
        "serve-with-gunicorn.md",
        *("-m", "gunicorn", "wsgi_app:app", "--bind", f"{LOOPBACK}:0"),
        WEB_KEY=HIDDEN,
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "not-a-real-key"),
    )
    (url,) = host.find(r"Listening at: (http://[\d.:]+)")
    first, *_ = host.find(r"Booting worker with pid: (\d+)", count=2)

    workers: set[int] = set()
    while len(workers) < 2:
        workers.add(get(f"{url}/health?key={HIDDEN}", **{"x-request-id": "t1"})[2]["worker"])
    problem = get(f"{url}/nothing")
    # A worker is a plain child: it ends by the signal, and another takes its place.
    os.kill(int(first), signal.SIGTERM)
    host.find(r"Booting worker with pid: (\d+)", count=3)
    code = host.end()

    assert problem[:2] == (404, "application/problem+json")
    assert code == 0
    asked = [record for record in host.records() if record["message"] == "asked for health"]
    assert {record["trace_id"] for record in asked} == {"t1"}
    assert_masked(host)


def test_a_celery_worker_runs_the_tasks_of_its_page(launch: Launch, tmp_path: Path) -> None:
    broker = tmp_path / "broker"
    broker.mkdir()
    environ = {"SHOP_BROKER_FOLDER": str(broker), "SHOP_KEY": HIDDEN}
    host = launch(
        "run-in-celery.md",
        *("-m", "celery", "--app=shop_tasks", "worker", "--concurrency=2", "--loglevel=INFO"),
        **environ,
    )
    host.find("ready")

    send = "import shop_tasks as s; print(s.login.delay('me').id, s.fail.delay().id)"
    sent = subprocess.run(
        [sys.executable, "-c", send],
        cwd=tmp_path,
        env={**os.environ, **environ},
        check=True,
        capture_output=True,
        text=True,
    )
    login, fail = sent.stdout.split()
    host.find("succeeded in")
    host.find("the shop refused")
    code = host.end()

    assert code == 0
    (said,) = [r for r in host.records() if r["message"].startswith("login of me")]
    assert (said["message"], said["run_id"]) == ("login of me with ***", login)
    (failed,) = [r for r in host.records() if "exception" in r]
    assert fail in failed["message"]
    assert "login with *** refused" in failed["exception"]
    assert_masked(host)


class RuntimeApi:
    """The interface through which Lambda's runtime gets its invocations, on loopback."""

    def __init__(self, events: list[dict[str, object]]) -> None:
        self.answers: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        waiting = iter(enumerate(events))
        ended = self._ended = threading.Event()
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                number, event = next(waiting, (-1, {}))
                if number < 0:
                    ended.wait(PATIENCE_S)
                    self.close_connection = True
                    return
                body = json.dumps(event).encode()
                self.send_response(200)
                for name, value in {
                    "Content-Length": str(len(body)),
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": f"request-{number}",
                    "Lambda-Runtime-Deadline-Ms": "4102444800000",
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:x:0:function:f",
                    "Lambda-Runtime-Trace-Id": "Root=1-0",
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answers.put((self.path.rpartition("/")[2], json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.address = f"{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._ended.set()
        self._server.shutdown()
        self._thread.join(PATIENCE_S)
        self._server.server_close()


def test_the_runtime_of_lambda_runs_the_handler_of_its_page(launch: Launch) -> None:
    api = RuntimeApi([{"pair": "BTC/USDT"}, {}])
    try:
        host = launch(
            "run-in-lambda.md",
            *("-m", "awslambdaric", "price_function.handler"),
            AWS_LAMBDA_RUNTIME_API=api.address,
            PRICE_KEY=HIDDEN,
        )
        answers = [api.answers.get(timeout=PATIENCE_S) for _ in range(2)]
        host.end(signal.SIGKILL)
    finally:
        api.close()

    assert [kind for kind, _ in answers] == ["response", "response"]
    assert [answer["statusCode"] for _, answer in answers] == [200, 422]
    assert json.loads(answers[0][1]["body"])["pair"] == "BTC/USDT"
    assert json.loads(answers[1][1]["body"])["field"] == "pair"
    asked = [r for r in host.records() if r["message"] == "asked for a price with ***"]
    assert [record["run_id"] for record in asked] == ["request-0", "request-1"]
    # Each record is one line: Lambda's own handler is gone.
    assert len([line for line in host.lines if "asked for a price" in line]) == 2
    assert_masked(host)
