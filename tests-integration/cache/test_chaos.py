"""Redis is killed, stopped, filled and cut under load; nobody gets an error or a stale value."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from cache.chaos_board import MEMBERS, Board, dice_of
from servers.process import ROOT
from servers.redis import RedisServer

PATIENCE_S: Final = 300
# What each member does before the next evil, and after it.
CALLS: Final = 300
# Loops of each that change keys.
CHANGERS: Final = 2


class Chaos:
    """What is done to Redis, each for a time."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._running = ExitStack()

    def begin(self) -> None:
        self._running.enter_context(self._server.running())

    def end(self) -> None:
        self._running.close()

    def kill(self, seconds: float) -> None:
        self._server.kill()
        self.end()
        _pass(seconds)
        self.begin()

    def hang(self, seconds: float) -> None:
        self._server.stop()
        _pass(seconds)
        self._server.go_on()

    def fill(self, seconds: float) -> None:
        with self._server.admin() as admin:
            admin.config_set("maxmemory", 1)
            _pass(seconds)
            admin.config_set("maxmemory", 0)

    def demote(self, seconds: float) -> None:
        with self._server.admin() as admin:
            admin.replicaof("127.0.0.1", 1)
            _pass(seconds)
            admin.replicaof("NO", "ONE")

    def cut(self, _: float) -> None:
        with self._server.admin() as admin:
            for kind in ("normal", "pubsub"):
                admin.execute_command("CLIENT", "KILL", "TYPE", kind)

    def flush(self, _: float) -> None:
        with self._server.admin() as admin:
            admin.flushall()


def _pass(seconds: float) -> None:
    # That time passes is what is tested.
    threading.Event().wait(seconds)


@contextmanager
def _members(url: str, file: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Run members; what is yielded ends them and returns what they saw."""
    program = Path(__file__).with_name("chaos_member.py")
    command: list[str | Path] = [sys.executable, "-W", "error", program, url, file]
    environ = os.environ | {"PYTHONPATH": str(ROOT / "tests-integration")}
    running = [
        subprocess.Popen(
            [*command, str(index)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        )
        for index in range(MEMBERS)
    ]

    def seen() -> list[dict[str, Any]]:
        return [json.loads(member.communicate(timeout=PATIENCE_S)[0]) for member in running]

    try:
        yield seen
    finally:
        for member in running:
            member.kill()
            member.wait()
            for stream in (member.stdin, member.stdout):
                if stream is not None:
                    stream.close()


def run(folder: Path, evils: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    """Do `evils` while members work, with time to recover after each; what the members saw."""
    board = Board(folder / "board")
    server = RedisServer(flavour="redis", folder=folder / "r", options={"appendonly": "yes"})
    chaos = Chaos(server)
    chaos.begin()
    try:
        with _members(server.url, folder / "board") as seen:
            for evil, seconds in evils:
                work(board)
                getattr(chaos, evil)(seconds)
                work(board)
                settle(board)
            return seen()
    finally:
        chaos.end()


def work(board: Board) -> None:
    """Wait until each member has called often enough once more."""
    enough = [board.calls(member) + CALLS for member in range(MEMBERS)]
    _until(lambda: all(board.calls(member) >= wanted for member, wanted in enumerate(enough)))


def settle(board: Board) -> None:
    """Change nothing until every member has the true version of every key, which lives on."""
    board.quiet(is_so=True)
    _until(lambda: all(board.standing(member) == CHANGERS for member in range(MEMBERS)))
    _until(lambda: not board.stale(), board.stale)
    board.quiet(is_so=False)


def _until(is_so: Callable[[], bool], told: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, told()
        _pass(0.01)


def check(seen: list[dict[str, Any]]) -> None:
    print(json.dumps(seen, indent=1))
    assert [problem for one in seen for problem in one["problems"]] == []
    # They worked, and with each other.
    for one in seen:
        assert one["memory"] > one["loads"]
        assert one["shared"] > 0


def test_nobody_is_failed_or_misled(tmp_path: Path) -> None:
    evils = [("kill", 0.5), ("hang", 1.5), ("fill", 0.5), ("cut", 0), ("demote", 0.5)]

    check(run(tmp_path, evils))


@pytest.mark.deep
def test_nobody_is_failed_or_misled_for_minutes(tmp_path: Path) -> None:
    # Always the same, and found by dice: what failed once can be run again.
    dice = dice_of(5)
    names = ["kill", "hang", "fill", "cut", "demote", "flush"]
    evils = [(dice.choice(names), dice.uniform(0.05, 3)) for _ in range(40)]

    check(run(tmp_path, evils))
