"""An operator at another terminal: `status` and `stop` against a session in another process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from servers.process import ROOT
from servers.redis import RedisServer

COMMAND: Final = Path(sys.executable).with_name("tradai-entrypoint")
DRIVER: Final = ROOT / "tests-integration" / "session_driver.py"


class Desk:
    """An empty folder and a terminal on another machine: only the store is shared."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri = uri
        self.environ = {"PATH": os.environ["PATH"], "LOGNAME": "ada", "TRADAI_LIVE_SESSIONS": uri}
        self._folder = folder
        self._sessions: list[subprocess.Popen[bytes]] = []

    def start(self, run_id: str) -> subprocess.Popen[bytes]:
        """Start a session, and return once it runs."""
        session = subprocess.Popen([sys.executable, "-P", DRIVER, self.uri, "trend", run_id])
        self._sessions.append(session)
        while not self._has_started(run_id):
            # It may have ended already, as it was asked to.
            assert session.poll() in {None, 0}
        return session

    def _has_started(self, run_id: str) -> bool:
        if (shown := self.session()) is None or shown["run_id"] != run_id:
            return False
        return shown["state"] not in {"starting", "warm-up"}

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type a command."""
        return subprocess.run(
            [COMMAND, *words],
            cwd=self._folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def session(self) -> Any | None:
        done = self.type("status", "trend", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def clear(self) -> None:
        for session in self._sessions:
            session.kill()
            session.wait()


@pytest.fixture(params=["file", "redis"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    server: RedisServer = request.getfixturevalue("shared_redis")
    with server.admin() as client:
        client.flushall()
    (tmp_path / "desk").mkdir()
    uri = f"{server.url}/desk" if request.param == "redis" else str(tmp_path / "sessions")
    desk = Desk(uri, tmp_path / "desk")
    yield desk
    desk.clear()


def test_a_session_is_looked_at_paused_continued_and_stopped(desk: Desk) -> None:
    assert desk.type("status").stdout == "no session was started yet\n"
    session = desk.start("run-1")

    assert "trend" in desk.type("status").stdout
    paused = desk.type("stop", "trend", "--pause", "--reason", "the news")
    assert paused.returncode == 0
    assert paused.stdout.splitlines()[-1] == "trend: paused: the news"
    before = desk.session()
    assert before is not None
    assert (before["state"], before["status"], before["is_stale"]) == ("paused", "paused", False)

    assert desk.type("stop", "trend", "--run", "--reason", "it was nothing").returncode == 0
    stopped = desk.type("stop", "trend", "--reason", "the weekend")

    assert stopped.returncode == 0
    assert stopped.stdout.splitlines()[-1] == "trend: stopped: 0 orders are open"
    assert stopped.stderr == ""
    assert session.wait(60) == 0
    after = desk.session()
    assert after is not None
    assert after["progress"] > before["progress"]
    assert after["request"] is None
    again = desk.type("stop", "trend", "--reason", "the weekend")
    assert (again.returncode, again.stdout) == (65, "")
    assert "the session trend is stopped: expected one that runs" in again.stderr


def test_a_request_to_a_killed_session_is_obeyed_by_the_next(desk: Desk) -> None:
    desk.start("run-1").kill()
    asked = desk.type("stop", "trend", "--reason", "the weekend", "--detach")
    assert asked.returncode == 0
    waiting = desk.session()
    assert waiting is not None
    assert (waiting["state"], waiting["request"]["by"]) == ("running", "ada")

    assert desk.start("run-2").wait(60) == 0

    ended = desk.session()
    assert ended is not None
    assert (ended["state"], ended["run_id"], ended["predecessor"]) == ("stopped", "run-2", "run-1")


def test_an_interrupt_ends_the_waiting_and_the_request_stays(desk: Desk) -> None:
    desk.start("run-1").kill()
    command = [str(COMMAND), "stop", "trend", "--reason", "the weekend"]
    with subprocess.Popen(command, env=desk.environ, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        lines = [waiting.stdout.readline() for _ in range(3)]
        waiting.terminate()

        assert waiting.wait(60) == 143
    assert lines[-1] == "trend: running: the engine is up\n"
    left = desk.session()
    assert left is not None
    assert left["request"]["reason"] == "the weekend"
