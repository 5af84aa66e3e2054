"""A strategy on its way: run, registered, promoted, and run again from the registry."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from servers.fault_proxy import FaultProxy
from servers.mlflow import MLflowServer, Release

RANGE = "20250110-20250120"
# A server on a busy machine is slow, and not gone.
PATIENT = {"TRADAI_MLFLOW_DEADLINE_S": "120", "TRADAI_MODEL_DEADLINE_S": "120"}


class Machine:
    """A machine with a cache, whose commands find the registry at one address."""

    def __init__(self, engine_bin: Path, folder: Path, environ: dict[str, str]) -> None:
        self._program = engine_bin / "tradai-entrypoint"
        self._folder = folder
        self._environ = environ | {"TRADAI_MODEL_CACHE": str(folder / "cache")}

    def call(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command, and return what it said."""
        return subprocess.run(
            [self._program, *map(str, words)],
            env=self._environ | variables,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
            cwd=self._folder,
        )

    def backtest(self, config: object, data: Path, **variables: str) -> dict[str, Any]:
        """Run a backtest that succeeds, and return its manifest."""
        words = ("--mode", "backtest", "--data", data, "--timerange", RANGE, "--json")
        done = self.call("run", config, *words, **variables)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        manifest: dict[str, Any] = json.loads(Path(self._folder, result["manifest"]).read_text())
        manifest["folder"] = str(Path(self._folder, result["folder"]))
        return manifest


@pytest.fixture
def machine(engine_bin: Path, tmp_path: Path, environ: dict[str, str]) -> Machine:
    """The machine."""
    return Machine(engine_bin, tmp_path, environ)


def test_a_promoted_version_runs_with_the_digests_of_the_run_that_proves_it(
    machine: Machine,
    strategy: Path,
    candles: Path,
    mlflow_servers: dict[Release, MLflowServer],
) -> None:
    proof = machine.backtest(strategy, candles)
    with FaultProxy(mlflow_servers["3.17"].url) as proxy:
        there = {"MLFLOW_TRACKING_URI": proxy.url}
        patient = there | PATIENT
        machine.call("models", "register", "demo", "--run", proof["folder"], **patient)
        promoted = machine.call("models", "promote", "demo@latest", **patient)
        assert promoted.returncode == 0, promoted.stderr
        shutil.rmtree(strategy.parent)
        again = machine.backtest("mlflow:demo@champion", candles, **patient)

    # Both pairs have candles to the end of the range.
    assert proof["data"]["traded_until"] == proof["results"]["last_candle"]
    assert proof["digests"] == again["digests"]
    assert proof["config_id"] == again["config_id"]
    assert again["provenance"]["timeframe"].startswith("mlflow:demo@champion version ")
    assert f"of run {proof['run_id']}" in again["notices"][0]

    # Now nothing listens at that address.
    refused = machine.call(
        "run", "mlflow:demo@champion", "--mode", "backtest", "--data", candles, **there
    )
    stale = machine.backtest("mlflow:demo@champion", candles, TRADAI_MODEL_MAX_STALE="1d", **there)

    assert refused.returncode == 69
    assert "TRADAI_MODEL_MAX_STALE allows none" in refused.stderr
    assert stale["digests"] == proof["digests"]
    assert "the server cannot be reached" in stale["notices"][0]


def test_live_refuses_a_registry_that_does_not_answer(machine: Machine) -> None:
    there = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}

    done = machine.call("check", "mlflow:demo@champion", "--mode", "live", **there)

    assert done.returncode != 0
    assert "was not before on this machine" in done.stdout + done.stderr
