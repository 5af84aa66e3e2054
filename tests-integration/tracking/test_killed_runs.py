"""Runs of `tradai-entrypoint` whose process is stopped or killed, on a real server."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from servers.mlflow import MLflowServer
from servers.process import free_port

from tradai.mlflow import ExperimentRun, MLflowClient

# A run that waits for a signal; the engine has no part in it.
PROGRAM = """
    import sys
    from tradai.core import TradingMode
    from tradai.entrypoint import ExitCode, StrategyEntrypoint, Verdict, main

    @StrategyEntrypoint.register_handler(TradingMode.BACKTEST)
    class Waiting:
        def __init__(self, entrypoint):
            self.context = entrypoint.context

        def run(self):
            print("ready", flush=True)
            self.context.interrupts.wait(120)
            ended = Verdict(exit_code=ExitCode.TERMINATED, sentence="a signal ended it")
            return self.context.conclude(ended)

    sys.exit(main())
"""
CONFIG = """\
name: demo
version: 1.0.0
timeframe: 5m
pairs: [BTC/USDT]
strategy:
  class: Demo
  source: strategies
execution:
  stake_amount: 100
"""


@pytest.fixture
def run(tmp_path: Path, unique: str) -> Iterator["Run"]:
    running = Run(tmp_path, unique)
    yield running
    running.end()


class Run:
    """A process that runs a strategy in `folder`, tracked in `experiment`."""

    def __init__(self, folder: Path, experiment: str) -> None:
        (folder / "strategy.yaml").write_text(CONFIG)
        self.folder = folder
        self.experiment = experiment
        self.process: subprocess.Popen[str] | None = None

    def start(self, uri: str, *words: str) -> None:
        """Start it, and return when its handler runs."""
        command = [sys.executable, "-c", dedent(PROGRAM), "run", "strategy.yaml"]
        self.process = subprocess.Popen(
            [*command, "--mode", "backtest", "--run-id", "run-1", *words],
            env=self._environ(uri),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def stop(self, number: int) -> int:
        """Send the process a signal, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(120)

    def end(self) -> None:
        """End the process, if it lives."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def sync(self, uri: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tradai.entrypoint", "sync", *words],
            env=self._environ(uri),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def on_server(self, client: MLflowClient) -> ExperimentRun:
        (run,) = self.all_on_server(client)
        return run

    def all_on_server(self, client: MLflowClient) -> list[ExperimentRun]:
        return list(client.search_runs([client.experiment(self.experiment).experiment_id]))

    def _environ(self, uri: str) -> dict[str, str]:
        return os.environ | {
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_EXPERIMENT_NAME": self.experiment,
        }


def test_sigterm_ends_the_run_as_killed_with_its_verdict(
    run: Run, server: MLflowServer, client: MLflowClient
) -> None:
    run.start(server.url)

    code = run.stop(signal.SIGTERM)
    run.sync(server.url)

    seen = run.on_server(client)
    assert (code, seen.status) == (143, "KILLED")
    assert seen.tags["tradai.verdict"] == "a signal ended it"
    assert seen.params["execution.stake_amount"] == "100"
    assert seen.ended_at is not None


def test_a_run_left_running_by_a_dead_process_is_closed_and_a_living_one_is_not(
    run: Run,
    server: MLflowServer,
    client: MLflowClient,
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    run.start(server.url)
    assert eventually(lambda: bool(run.all_on_server(client)))
    while_alive = run.sync(server.url)
    before = run.on_server(client).status

    code = run.stop(signal.SIGKILL)
    run.sync(server.url)

    assert "goes on" in while_alive
    assert (code, before, run.on_server(client).status) == (-9, "RUNNING", "KILLED")


def test_a_task_whose_disk_is_lost_is_sent_from_the_run_store(
    run: Run,
    server: MLflowServer,
    client: MLflowClient,
    tmp_path: Path,
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    store = tmp_path / "store"
    run.start(f"http://127.0.0.1:{free_port()}", "--store", str(store))
    segment = store / "run-1" / "tracking" / "000001.jsonl"
    assert eventually(segment.exists)
    run.stop(signal.SIGKILL)
    (run.folder / ".tradai").rename(tmp_path / "lost")

    # Nothing here tells whether the task lives.
    first = run.sync(server.url, "--store", str(store))
    before = run.all_on_server(client)
    run.sync(server.url, "--store", str(store), "--dead", "run-1")
    last = run.sync(server.url, "--store", str(store))

    after = run.on_server(client)
    assert (before, after.status) == ([], "KILLED")
    assert "`--dead run-1`" in first
    assert after.params["timeframe"] == "5m"
    assert "nothing waits" in last
