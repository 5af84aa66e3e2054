"""Fixtures that run the command on the real engine (Freqtrade) with small synthetic candles."""

import json
import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine.venue.control import Venue, running_exchange

from tradai.core import FileJournal

ROOT = Path(__file__).resolve().parents[2]
DEMO = Path(__file__).resolve().parent / "demo"
# A strategy that holds both pairs from its first candle on.
ALWAYS_IN = """\
name: always-in
version: 1.0.0
timeframe: 1m
pairs: [BTC/USDT, ETH/USDT]
strategy: {class: AlwaysIn, source: strategies}
execution:
  stake_amount: 100
  max_open_trades: 2
  process_throttle_s: 1
  entry_pricing: {price_side: other, use_order_book: true, order_book_top: 1}
  exit_pricing: {price_side: other, use_order_book: true, order_book_top: 1}
"""
# Bare Freqtrade's configuration of a backtest of ten days.
# Ends an hour before ours: bare Freqtrade includes the candle that opens at the stop.
BARE_DAILY: Mapping[str, Any] = {
    "dry_run": True,
    "trading_mode": "spot",
    "stake_currency": "USDT",
    "stake_amount": 100,
    "max_open_trades": 2,
    "dry_run_wallet": 1000,
    "timeframe": "1h",
    "timerange": "1735776000-1736636400",
    "entry_pricing": {"price_side": "same", "use_order_book": True, "order_book_top": 1},
    "exit_pricing": {"price_side": "same", "use_order_book": True, "order_book_top": 1},
    "pairlists": [{"method": "StaticPairList"}],
}
VENV = Path(os.environ.get("TRADAI_ENGINE_VENV", ROOT / ".venv-freqtrade"))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one call of the command."""

    code: int
    stdout: str
    stderr: str
    runs: Path

    @property
    def folder(self) -> Path:
        """The only run folder."""
        (folder,) = self.runs.iterdir()
        return folder

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the run."""
        read: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return read


# These programs run in the engine's environment only.
collect_ignore = ["ccxt_reading.py", "demo", "venue_reading.py"]

Command = Callable[..., Outcome]


@pytest.fixture(scope="session")
def engine_bin() -> Path:
    """Folder of the commands of the engine environment, which scripts/quickstart makes."""
    folder = VENV / "bin"
    if not (folder / "tradai-entrypoint").exists():
        reason = f"no engine environment at {VENV}: run scripts/quickstart once"
        if "freqtrade" in os.environ.get("TRADAI_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def candles(engine_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of synthetic candles with market rules; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("candles")
    subprocess.run([engine_bin / "python", DEMO / "candles.py", folder], check=True, timeout=600)
    return folder


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    """A private copy of the demo strategy; returns its YAML file."""
    return _copy_demo(tmp_path)


def _copy_demo(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "candles.py")
    return Path(shutil.copytree(DEMO, folder / "demo", ignore=ignored)) / "strategy.yaml"


@pytest.fixture
def always_in(tmp_path: Path) -> Path:
    """The strategy that holds both pairs from its first candle on; returns its YAML file."""
    (tmp_path / "strategies").mkdir()
    shutil.copy(DEMO / "strategies/always_in.py", tmp_path / "strategies")
    path = tmp_path / "strategy.yaml"
    path.write_text(ALWAYS_IN)
    return path


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    """Environment of the command: that of this process without variables of tradai or Freqtrade.

    Every proxy variable names a listener. The tests talk to this machine only, so it must hear
    nothing.
    """
    with _environ() as environ:
        yield environ


@contextmanager
def _environ() -> Iterator[dict[str, str]]:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        yield {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TRADAI_", "FREQTRADE__", "VIRTUAL_ENV"))
        } | {
            name: "" if name.lower() == "no_proxy" else url
            for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
            for name in (variable, variable.upper())
        }
        heard, _, _ = select.select([proxy], [], [], 0)
        assert not heard, "a connection to this machine went to the proxy"


@pytest.fixture
def tradai(engine_bin: Path, tmp_path: Path, environ: dict[str, str]) -> Command:
    """Run `tradai-entrypoint` with its runs in a folder of this test."""

    def run(*arguments: object, extra: Mapping[str, str] | None = None) -> Outcome:
        return _run(engine_bin, tmp_path, environ | dict(extra or {}), *arguments)

    return run


def _run(engine_bin: Path, folder: Path, environ: Mapping[str, str], *arguments: object) -> Outcome:
    runs = folder / "runs"
    done = subprocess.run(
        [engine_bin / "tradai-entrypoint", *map(str, arguments)],
        env={"TRADAI_RUN_FOLDER": str(runs), **environ},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        cwd=folder,
    )
    return Outcome(code=done.returncode, stdout=done.stdout, stderr=done.stderr, runs=runs)


@pytest.fixture(scope="session")
def demo_backtest(
    engine_bin: Path, candles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    """A backtest of the demo strategy on `candles`; tests copy its run before they change it."""
    folder = tmp_path_factory.mktemp("demo backtest")
    words = ("--mode", "backtest", "--data", candles, "--json")
    with _environ() as environ:
        outcome = _run(engine_bin, folder, environ, "run", _copy_demo(folder), *words)
    assert outcome.code == 0, outcome.stderr
    return outcome


@pytest.fixture
def exchange() -> Iterator[str]:
    """Address of a loopback exchange with moving prices."""
    with running_exchange() as url:
        yield url


@pytest.fixture
def venue(exchange: str) -> Venue:
    """The loopback exchange, to be scripted."""
    return Venue(exchange)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with _mounted(tmp_path / "small", "1m") as folder:
        yield folder


@pytest.fixture
def session_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a live session, and not for much more."""
    with _mounted(tmp_path / "disk", "288m") as folder:
        yield folder


@contextmanager
def _mounted(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


class Started:
    """A command that is still running."""

    def __init__(self, process: "subprocess.Popen[bytes]", runs: Path, log: Path) -> None:
        """Take the process, the folder of runs and the file of its standard error."""
        self.process = process
        self.runs = runs
        self._log = log

    @property
    def folder(self) -> Path:
        """The only run folder."""
        (folder,) = self.runs.iterdir()
        return folder

    def stderr(self) -> str:
        """Return its standard error so far."""
        return self._log.read_text()

    def wait_for(self, condition: Callable[[], bool], *, event: str) -> None:
        """Poll until `condition` holds; fail when the process ends or time runs out before."""
        deadline = time.monotonic() + 300
        while not condition():
            assert self.process.poll() is None, f"it ended before {event}: {self.stderr()}"
            assert time.monotonic() < deadline, f"it never came to {event}: {self.stderr()}"
            select.select([], [], [], 0.02)

    def wait_for_event(self, event: str) -> None:
        """Wait until the journal has `event`."""

        def has_event() -> bool:
            journals = list(self.runs.glob("*/journal.jsonl"))
            return bool(journals) and event in {
                entry.event for entry in FileJournal(journals[0]).entries()
            }

        self.wait_for(has_event, event=event)


@pytest.fixture
def start(
    engine_bin: Path, tmp_path: Path, environ: dict[str, str]
) -> Iterator[Callable[..., Started]]:
    """Start `tradai-entrypoint` without waiting for it; kill it after the test."""
    started: list[Started] = []

    def run(*arguments: object) -> Started:
        runs, log = tmp_path / "runs", tmp_path / "stderr.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [engine_bin / "tradai-entrypoint", *map(str, arguments)],
                env=environ | {"TRADAI_RUN_FOLDER": str(runs)},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                cwd=tmp_path,
                start_new_session=True,
            )
        started.append(Started(process, runs, log))
        return started[-1]

    yield run
    for command in started:
        if command.process.poll() is None:
            os.killpg(command.process.pid, 9)
        command.process.wait()
