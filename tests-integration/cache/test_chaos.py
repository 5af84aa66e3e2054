"""Calls under load while Redis is killed, stopped, filled or cut: no error, no stale value."""

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
from cache.chaos_board import MEMBERS, Board, seeded_random
from servers.process import ROOT
from servers.redis import RedisServer

PATIENCE_S: Final = 300
# Calls of each member before each fault, and after it.
CALLS: Final = 300
# Loops of each member that change keys.
CHANGERS: Final = 2


class FaultInjector:
    """Faults of Redis, each of which lasts for some seconds."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._running = ExitStack()

    def start(self) -> None:
        self._running.enter_context(self._server.running())

    def stop(self) -> None:
        self._running.close()

    def kill(self, seconds: float) -> None:
        self._server.kill()
        self.stop()
        _pass(seconds)
        self.start()

    def hang(self, seconds: float) -> None:
        self._server.stop()
        _pass(seconds)
        self._server.resume()

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
    # The duration is part of the test: nothing signals the end of a fault.
    threading.Event().wait(seconds)


@contextmanager
def _members(url: str, file: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Run members; yield a function that ends them and returns their findings."""
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

    def collect_findings() -> list[dict[str, Any]]:
        return [json.loads(member.communicate(timeout=PATIENCE_S)[0]) for member in running]

    try:
        yield collect_findings
    finally:
        for member in running:
            member.kill()
            member.wait()
            for stream in (member.stdin, member.stdout):
                if stream is not None:
                    stream.close()


def run(folder: Path, faults: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    """Inject `faults` while members work, each followed by a recovery; return their findings."""
    board = Board(folder / "board")
    server = RedisServer(flavour="redis", folder=folder / "r", options={"appendonly": "yes"})
    injector = FaultInjector(server)
    injector.start()
    try:
        with _members(server.url, folder / "board") as collect_findings:
            for fault, seconds in faults:
                work(board)
                getattr(injector, fault)(seconds)
                work(board)
                settle(board)
            return collect_findings()
    finally:
        injector.stop()


def work(board: Board) -> None:
    """Wait until each member has made `CALLS` more calls."""
    targets = [board.calls(member) + CALLS for member in range(MEMBERS)]
    _until(lambda: all(board.calls(member) >= wanted for member, wanted in enumerate(targets)))


def settle(board: Board) -> None:
    """Pause changes until every member has read the true version of every key."""
    board.pause(is_paused=True)
    _until(lambda: all(board.paused_loops(member) == CHANGERS for member in range(MEMBERS)))
    _until(lambda: not board.stale(), board.stale)
    board.pause(is_paused=False)


def _until(is_done: Callable[[], bool], explain: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_done():
        assert time.monotonic() < deadline, explain()
        _pass(0.01)


def check(findings: list[dict[str, Any]]) -> None:
    print(json.dumps(findings, indent=1))
    assert [problem for member in findings for problem in member["problems"]] == []
    # Each member used its memory, and values that another member had loaded.
    for member in findings:
        assert member["memory"] > member["loads"]
        assert member["shared"] > 0


def test_no_call_fails_or_reads_a_stale_value(tmp_path: Path) -> None:
    faults = [("kill", 0.5), ("hang", 1.5), ("fill", 0.5), ("cut", 0), ("demote", 0.5)]

    check(run(tmp_path, faults))


@pytest.mark.deep
def test_no_call_fails_or_reads_a_stale_value_for_minutes(tmp_path: Path) -> None:
    # Random, but the same in each run, so that a failure can be repeated.
    rng = seeded_random(5)
    names = ["kill", "hang", "fill", "cut", "demote", "flush"]
    faults = [(rng.choice(names), rng.uniform(0.05, 3)) for _ in range(40)]

    check(run(tmp_path, faults))
