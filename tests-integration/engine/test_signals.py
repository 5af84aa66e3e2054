"""Signals at every stage of a run: it ends, leaves no process, and records the cause."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TERMINATED, INTERRUPTED, CRASHED = 143, 130, 70


@pytest.fixture
def bot(start: Callable[..., Any], strategy: Path, candles: Path) -> Any:
    """A backtest of the demo strategy that has just started."""
    return start("run", strategy, "--mode", "backtest", "--data", candles)


def wait_for_end(bot: Any, *, within_s: float = 300) -> dict[str, Any]:
    bot.process.wait(within_s)
    manifest: dict[str, Any] = json.loads((bot.folder / "manifest.json").read_text())
    return manifest


def engines_of(pid: int, subcommand: bytes = b"backtesting") -> list[int]:
    listed = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [each for each in listed if subcommand in shown(each, "cmdline")]


def shown(pid: int, name: str) -> bytes:
    """Return what the system shows of a process, and nothing once that is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    # It may go before its file is opened, and between that and the reading.
    except (FileNotFoundError, ProcessLookupError):
        return b""


def is_in(group: int, pid: int) -> bool:
    # After the name, which may hold spaces: state, parent, group.
    return shown(pid, "stat").rpartition(b")")[2].split()[2:3] == [b"%d" % group]


def engine_of(bot: Any) -> int:
    seen: list[int] = []

    def has_engine() -> bool:
        # Kept: a process that becomes another program has no command line for a moment.
        seen[:] = engines_of(bot.process.pid)
        return bool(seen)

    bot.wait_for(has_engine, event="an engine")
    return seen[0]


def is_alive(pid: int) -> bool:
    return shown(pid, "stat").rpartition(b")")[2].split()[:1] not in ([], [b"Z"])


def has_ended(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not is_alive(pid)


@pytest.mark.parametrize("delay_ms", [30, 90, 150, 250, 400, 600])
def test_sigterm_during_the_start_leaves_no_partial_run(bot: Any, delay_ms: int) -> None:
    deadline = time.monotonic() + delay_ms / 1000
    while time.monotonic() < deadline:
        os.sched_yield()

    bot.process.send_signal(signal.SIGTERM)
    code = bot.process.wait(300)

    # Before the handlers are installed, the signal ends the interpreter itself.
    assert code in {TERMINATED, -signal.SIGTERM}
    for manifest in bot.runs.glob("*/manifest.json"):
        assert json.loads(manifest.read_text())["exit_code"] == TERMINATED


def test_sigterm_at_the_engines_start_ends_both(bot: Any) -> None:
    engine = engine_of(bot)

    bot.process.send_signal(signal.SIGTERM)
    manifest = wait_for_end(bot)

    assert manifest["exit_code"] == bot.process.returncode == TERMINATED
    assert "SIGTERM" in manifest["verdict"]
    assert has_ended(engine)


def test_ctrl_c_in_the_middle_ends_the_run(bot: Any) -> None:
    engine = engine_of(bot)
    bot.wait_for(
        lambda: "Loading data" in (bot.folder / "engine.log").read_text(), event="loading data"
    )

    bot.process.send_signal(signal.SIGINT)
    manifest = wait_for_end(bot)

    assert manifest["exit_code"] == bot.process.returncode == INTERRUPTED
    assert "SIGINT" in (bot.folder / "journal.jsonl").read_text()
    assert has_ended(engine)


def test_sigterm_after_the_engine_has_ended_does_not_change_the_verdict(bot: Any) -> None:
    bot.wait_for_event("engine ended")

    bot.process.send_signal(signal.SIGTERM)
    manifest = wait_for_end(bot)

    assert manifest["exit_code"] == bot.process.returncode == 0
    assert manifest["results"]["trades"] > 0


def test_a_killed_engine_is_a_crash(bot: Any) -> None:
    os.kill(engine_of(bot), signal.SIGKILL)

    manifest = wait_for_end(bot)

    assert manifest["exit_code"] == bot.process.returncode == CRASHED
    assert "SIGKILL" in manifest["verdict"]


def test_the_engine_dies_with_its_supervisor(bot: Any) -> None:
    engine = engine_of(bot)

    bot.process.kill()
    bot.process.wait()

    assert has_ended(engine)
    assert json.loads((bot.folder / "manifest.json").read_text())["state"] == "running"


@pytest.fixture
def search(start: Callable[..., Any], strategy: Path, candles: Path) -> Any:
    """A hyperopt of the demo in two processes, with its first epochs done."""
    source = strategy.parent / "strategies" / "demo.py"
    # Another process of the search does not find the module beside the strategy.
    inline = "def crossed_above(a, b):\n    return (a > b) & (a.shift() <= b.shift())\n"
    text = source.read_text().replace("from signals import crossed_above\n", inline)
    source.write_text(text)
    more = ("run.epochs=500", "run.jobs=2")
    running = start("run", strategy, "--mode", "hyperopt", "--data", candles, *more)
    pattern = "*/scratch/user_data/hyperopt_results/*.fthypt"

    def has_epoch() -> bool:
        return any(b"\n" in path.read_bytes() for path in running.runs.glob(pattern))

    running.wait_for(has_epoch, event="its first epochs")
    return running


def test_ctrl_c_in_a_search_keeps_its_epochs_and_the_best_so_far(search: Any) -> None:
    search.process.send_signal(signal.SIGINT)
    manifest = wait_for_end(search)

    assert manifest["exit_code"] == search.process.returncode == INTERRUPTED
    assert manifest["results"]["is_partial"]
    assert (search.folder / "epochs.jsonl").read_text().endswith("\n")
    assert (search.folder / "best.yaml").read_text().startswith("# partial: ")
    assert not (search.folder / "scratch").exists()


def test_nothing_of_a_search_outlives_a_supervisor_that_is_killed(search: Any) -> None:
    (engine,) = engines_of(search.process.pid, b"hyperopt")
    running = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    group = [pid for pid in running if is_in(engine, pid)]
    assert len(group) > 2

    search.process.kill()
    search.process.wait()

    assert all(map(has_ended, group))


def test_sigterm_ends_the_command_as_process_1(
    engine_bin: Path, strategy: Path, candles: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    unshare = shutil.which("unshare")
    probe = [str(unshare), "--fork", "--pid", "--mount-proc", "true"]
    if unshare is None or subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("a process namespace is not permitted here")
    arguments = ["run", str(strategy), "--mode", "backtest", "--data", str(candles)]
    command = [str(engine_bin / "tradai-entrypoint"), *arguments]
    runs = tmp_path / "runs"
    with subprocess.Popen(
        [unshare, "--fork", "--pid", "--mount-proc", "--kill-child", *command],
        env=environ | {"TRADAI_RUN_FOLDER": str(runs)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as outer:
        deadline = time.monotonic() + 300
        while not list(runs.glob("*/engine.log")) and time.monotonic() < deadline:
            os.sched_yield()
        (first,) = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        os.kill(int(first), signal.SIGTERM)
        code = outer.wait(300)

    (manifest,) = runs.glob("*/manifest.json")
    assert code == json.loads(manifest.read_text())["exit_code"] == TERMINATED
