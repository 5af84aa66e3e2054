"""A dry-run of the real engine: asked, paused, stopped, and continued with its trades."""

import http.client
import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

OPEN = "SELECT pair, open_rate, stop_loss, open_date FROM trades WHERE is_open ORDER BY id"
Ask = Callable[[str], dict[str, Any]]
CONFIGURATION, OWNED = 78, 75


@pytest.fixture
def config(always_in: Path) -> Path:
    return always_in


@pytest.fixture
def ask(tradai: Callable[..., Any]) -> Ask:
    def status(run_id: str) -> dict[str, Any]:
        done = tradai("status", run_id, "--json")
        assert done.code == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return status


def has_status(runs: Path, run_id: str) -> bool:
    return (runs / run_id / "scratch/status.json").exists()


def open_trades(database: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as opened:
        return opened.execute(OPEN).fetchall()


def _require_asked_and_paused(first: Any, tradai: Callable[..., Any], ask: Ask) -> None:
    first.wait_for_event("engine running")
    first.wait_for(
        # A trade has its stop once its entry is filled.
        lambda: (
            [
                trade["stop"] > 0 < trade["amount"]
                for trade in (ask("first")["status"] or {}).get("open_trades") or ()
            ]
            == [True, True]
        ),
        event="two open trades",
    )
    status = ask("first")["status"]
    assert status["last_candle"].startswith("BTC/USDT 20")
    assert status["profit"] != 0
    assert status["closed_trades"] == 0
    assert all(trade["stop"] > 0 < trade["amount"] for trade in status["open_trades"])
    assert all(trade["last_rate"] * trade["profit_ratio"] for trade in status["open_trades"])
    assert {trade["pair"] for trade in status["open_trades"]} == {"BTC/USDT", "ETH/USDT"}
    for wanted, state in (("--pause", "paused"), ("--run", "running")):
        done = tradai("stop", "first", wanted, "--reason", "a test", "--by", "ann")
        assert done.code == 0, done.stderr
        assert ask("first")["state"] == state
    journal = (first.runs / "first/journal.jsonl").read_text()
    assert "bot paused" in journal
    assert "bot resumed" in journal


def _killed(first: Any, ask: Ask) -> list[tuple[Any, ...]]:
    """Kill a paused run; return the open trades that it leaves, in part in the write-ahead log."""
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait()
    assert ask("first")["state"].startswith("killed")
    database = first.runs / "first/scratch/tradesv3.dryrun.sqlite"
    assert database.with_name(f"{database.name}-wal").stat().st_size
    return open_trades(database)


def _require_records(runs: Path) -> None:
    first, second = (
        json.loads((runs / name / "manifest.json").read_text()) for name in ("first", "second")
    )
    assert first["continuation"]["continued_by"] == "second"
    assert second["continuation"]["continues"] == "first"
    assert second["continuation"]["open_trades"] == 2
    assert second["digests"]["config"] == first["digests"]["config"]
    (notice,) = (each for each in second["notices"] if "paused" in each)
    assert notice.startswith("it began paused, as run first was before it, and was resumed at 20")


def _require_refused(done: Any, code: int, *words: str) -> None:
    assert done.code == code, done.stderr
    for each in words:
        assert each in done.stderr


def test_a_dry_run_is_asked_paused_killed_and_continued_with_its_trades(
    start: Callable[..., Any], tradai: Callable[..., Any], ask: Ask, config: Path, exchange: str
) -> None:
    dry_run = ("run", config, "--mode", "dry-run", f"run.exchange_url={exchange}")
    first = start(*dry_run, "--run-id", "first")
    _require_asked_and_paused(first, tradai, ask)
    _require_refused(tradai("run", "--continue", "first"), OWNED, "still runs")
    assert tradai("stop", "first", "--pause", "--reason", "the night", "--by", "ann").code == 0
    before = _killed(first, ask)
    assert len(before) == 2

    second = start("run", "--continue", "first", "--run-id", "second")
    second.wait_for(lambda: has_status(second.runs, "second"), event="its first status")
    second.wait_for(lambda: ask("second")["state"] == "paused", event="the pause of the first")
    resumed = tradai("stop", "second", "--run", "--reason", "the morning", "--by", "ann")
    assert resumed.code == 0, resumed.stderr
    done = tradai("stop", "second", "--reason", "the weekend", "--by", "ann")

    assert done.code == second.process.wait(60) == 0, done.stderr + second.stderr()
    assert open_trades(second.runs / "second/trades.sqlite") == before
    _require_records(second.runs)
    again = tradai("run", "--continue", "first")
    _require_refused(again, OWNED, "continued by run 'second'")
    changed = (*dry_run, "--continue", "second", "execution.stake_amount=50")
    _require_refused(tradai(*changed), CONFIGURATION, "execution.stake_amount", "--accept-changes")
    other = (*dry_run, "--continue", "second", "stake_currency=BTC", "pairs=[ETH/BTC]")
    _require_refused(tradai(*other), CONFIGURATION, "another stake_currency")


def status_of(url: str, headers: dict[str, str]) -> int:
    """Ask the engine's API past any proxy, and return the status of its answer."""
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)) as asked:
        asked.request("GET", "/api/v1/count", headers=headers)
        return asked.getresponse().status


@pytest.fixture
def terminal(
    engine_bin: Path, tmp_path: Path, environ: dict[str, str]
) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], int]]]:
    """Start `tradai-entrypoint` on a terminal of its own; kill it after the test."""
    started: list[tuple[subprocess.Popen[bytes], int]] = []

    def run(*arguments: object) -> tuple[subprocess.Popen[bytes], int]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [engine_bin / "tradai-entrypoint", *map(str, arguments)],
            env=environ | {"TRADAI_RUN_FOLDER": str(tmp_path / "runs"), "TERM": "dumb"},
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            cwd=tmp_path,
            start_new_session=True,
        )
        os.close(theirs)
        started.append((process, ours))
        return started[-1]

    yield run
    for process, ours in started:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait()
        os.close(ours)


def test_the_api_is_opened_on_loopback_with_a_password_that_the_terminal_alone_has(
    terminal: Callable[..., tuple[subprocess.Popen[bytes], int]],
    config: Path,
    exchange: str,
    tmp_path: Path,
) -> None:
    process, screen = terminal(
        *("run", config, "--mode", "dry-run", "--api", "--run-id", "open"),
        f"run.exchange_url={exchange}",
    )
    # Bytes: what is read at once may end inside of a character.
    text = b""
    while not (
        shown := re.search(rb"(http://127\.0\.0\.1:\d+)  user: (\w+)  password: (\S+)", text)
    ):
        text += os.read(screen, 4096)
    url, user, password = (part.decode() for part in shown.groups())
    journal = tmp_path / "runs/open/journal.jsonl"
    while "engine running" not in journal.read_text():
        if select.select([screen], [], [], 0.05)[0]:
            os.read(screen, 4096)

    assert status_of(url, {}) == 401
    token = b64encode(f"{user}:{password}".encode()).decode()
    assert status_of(url, {"Authorization": f"Basic {token}"}) == 200

    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    kept = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert kept
    assert not any(password.encode() in path.read_bytes() for path in kept)


def test_an_interface_is_refused_without_a_terminal_and_without_its_page(
    tradai: Callable[..., Any], config: Path, exchange: str
) -> None:
    dry_run = ("run", config, "--mode", "dry-run", f"run.exchange_url={exchange}")

    _require_refused(tradai(*dry_run, "--api"), CONFIGURATION, "on a terminal")
    _require_refused(tradai(*dry_run, "--ui"), CONFIGURATION, "install-ui")
