"""Whole runs on a stand-in for the engine: its program is ``../fake_engine.py``."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Self, cast

import pytest

from tradai.core import Clock, FileJournal, JournalEntry, TradingMode
from tradai.core.frames import FlatDataRepository
from tradai.entrypoint import (
    EntrypointSettings,
    HandlerFactory,
    Interrupts,
    Progress,
    RunManifest,
    RunRequest,
    StrategyEntrypoint,
    TradingEntrypoint,
)
from tradai.entrypoint._process.checks import CheckRow
from tradai.entrypoint._process.loopback_http import LoopbackServer
from tradai.entrypoint._runs.continuation import Continuation
from tradai.entrypoint.freqtrade import (
    BacktestHandler,
    DryRunHandler,
    HyperoptHandler,
    LiveHandler,
    MarketRules,
    MarketsSnapshot,
    TrainHandler,
)
from tradai.entrypoint.freqtrade._candles.staged_data import StagedData, StagingRequest
from tradai.entrypoint.freqtrade._candles.staging import stage_data
from tradai.entrypoint.freqtrade._candles.staging_child import stage_series
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

# Its strategy imports the engine.
collect_ignore = ["older_runs"]

STAGE_DATA: Final = "tradai.entrypoint.freqtrade._preparation.prepare.stage_data"
HERE: Final = Path(__file__).resolve().parent
PAIRS: Final = ("BTC/USDT", "ETH/USDT", "XRP/USDT")
FIRST: Final = datetime(2024, 12, 30, tzinfo=UTC)
# The archive of Freqtrade 2026.9 for a backtest of a strategy of this name on these pairs.
CAPTURED: Final[dict[str, Any]] = json.loads(
    (HERE.parent / "results/data/wave-rider-backtest.json").read_text()
)
CONFIG: Final = """\
name: waves
version: 1.2.3
timeframe: 5m
pairs: [BTC/USDT, ETH/USDT, XRP/USDT]
strategy: {class: WaveRider, source: strategies}
execution: {stake_amount: 100, starting_balance: 1000, max_open_trades: 2}
buy_params: {buy_fast: 10}
run: {timerange: 20250101-20250102}
"""
FREQAI: Final = """\
freqai:
  enabled: true
  identifier: waves
  train_period_days: 1
  backtest_period_days: 1
  feature_parameters:
    include_timeframes: [5m]
    include_corr_pairlist: []
    indicator_periods_candles: [10]
"""
STRATEGY: Final = """\
from freqtrade.strategy import IntParameter, IStrategy


class WaveRider(IStrategy):
    startup_candle_count = 10
    buy_fast = IntParameter(5, 30, default=12, space="buy")
"""
HANDLERS: Final[Mapping[TradingMode, Callable[..., Any]]] = {
    TradingMode.BACKTEST: BacktestHandler,
    TradingMode.DRY_RUN: DryRunHandler,
    TradingMode.HYPEROPT: HyperoptHandler,
    TradingMode.LIVE: LiveHandler,
    TradingMode.TRAIN: TrainHandler,
}


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run that has ended."""

    code: int
    folder: Path
    given: dict[str, Any] | None
    lines: list[str]

    @property
    def manifest(self) -> RunManifest:
        return RunManifest.read(self.folder)

    @property
    def verdict(self) -> str:
        return str(self.manifest.verdict)

    @property
    def journal(self) -> list[JournalEntry]:
        return list(FileJournal(self.folder / "journal.jsonl").entries())

    @property
    def events(self) -> list[str]:
        return [entry.event for entry in self.journal]

    def facts(self, event: str) -> Mapping[str, Any]:
        (entry,) = (entry for entry in self.journal if entry.event == event)
        return entry.facts

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


class ReactingProgress:
    """Stands for the progress that a person sees, and does something when a text is shown."""

    def __init__(self, reactions: Mapping[str, Callable[[], None]]) -> None:
        self._reactions = dict(reactions)
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def say(self, doing: str) -> None:
        self._reactions.pop(doing, lambda: None)()

    def milestone(self, done: str, *, detail: str = "") -> None:
        self.lines.append(f"{done}: {detail}")
        self.say(done)

    def line(self, text: str) -> None:
        """Print nothing."""

    def check(self) -> None:
        """Fail when a text to react on was never shown: the test would prove nothing."""
        assert not self._reactions


@pytest.fixture(scope="session")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of candles of three pairs, and market rules beside them; never changed."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("candles")
    opened = pd.date_range(FIRST, periods=3 * 288, freq="5min", unit="ms", name="date")
    prices = [100 + n % 7 + n / 64 for n in range(len(opened))]
    columns = ("open", "high", "low", "close", "volume")
    for pair in PAIRS:
        frame = pd.DataFrame(dict.fromkeys(columns, prices), index=opened)
        FlatDataRepository(folder).save_ohlcv(pair, "5m", frame)
    rules = MarketRules(tick="0.01", step="0.00001", min_notional="5")
    made = MarketsSnapshot.made(dict.fromkeys(PAIRS, rules), note="for tests", captured_at=FIRST)
    made.save(folder / "markets.json")
    return folder


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    """A configuration and its strategy; returns the YAML file."""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "wave_rider.py").write_text(STRATEGY)
    (tmp_path / "freqai.yaml").write_text(FREQAI)
    path = tmp_path / "strategy.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(autouse=True)
def _stage_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out candles without a child of its own, whose start takes longer than all else."""

    def stage(request: StagingRequest, **_: object) -> StagedData:
        return stage_series(request)

    monkeypatch.setattr(STAGE_DATA, stage)


@pytest.fixture
def stage_in_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out candles as a run does."""
    monkeypatch.setattr(STAGE_DATA, stage_data)


@pytest.fixture
def fake_engine(tmp_path: Path) -> Callable[..., EngineInstall]:
    """Make an engine that goes as its scenario says; see ``fake_engine.py``."""

    def make(**scenario: object) -> EngineInstall:
        goes: dict[str, object] = {
            "says": [],
            "result": CAPTURED,
            "entry_signals": None,
            "epochs": None,
            "breaks_off": False,
            "models": {},
            "probe": "agrees",
            "unrecorded": None,
            "training": {"kind": "", "models": [], "features": {}, "importances": []},
            "missing": [],
            "schema_problems": [],
            "refused_settings": [],
            "downloads": {},
            "never_starts": False,
            "loses_database": False,
            "orders": [],
            "loops": [],
            "hangs": False,
            "has_candles": True,
            "profits": [0.0],
            "on_stop": "stops",
            "on_sigterm": "dies",
            "signals_parent": None,
            "waits": False,
            "killed_by": None,
            "exit_code": 0,
            "seen": str(tmp_path / "seen.json"),
        }
        assert scenario.keys() <= goes.keys()
        file = tmp_path / "scenario.json"
        file.write_text(json.dumps(goes | scenario))
        program = str(HERE.parent / "fake_engine.py")
        python = (sys.executable, "-I", "-S", program, str(file))
        return EngineInstall(python=python, version="2026.9", package=tmp_path / "freqtrade")

    return make


@pytest.fixture
def install(
    fake_engine: Callable[..., EngineInstall], registered: type[StrategyEntrypoint]
) -> Callable[..., EngineInstall]:
    """Have every mode run on a fake engine of the given scenario."""

    def put(**scenario: object) -> EngineInstall:
        engine = fake_engine(**scenario)
        for mode, handler in HANDLERS.items():
            registered.handlers.unregister(mode)
            made = cast("HandlerFactory", partial(handler, engine=engine))
            registered.register_handler(mode)(made)
        return engine

    return put


@pytest.fixture
def run(
    tmp_path: Path,
    strategy: Path,
    candles: Path,
    interrupts: Interrupts,
    install: Callable[..., EngineInstall],
) -> Callable[..., Finished]:
    """Run a mode to its end on an engine of the given scenario."""

    def start(
        mode: TradingMode,
        *overrides: str,
        reactions: Mapping[str, Callable[[], None]] | None = None,
        patches: tuple[str, ...] = (),
        places: Mapping[str, str | None] | None = None,
        clock: Clock | None = None,
        replay: Path | None = None,
        **scenario: object,
    ) -> Finished:
        accepts_holdings = bool(scenario.pop("accepts_holdings", False))
        before = cast("Path | None", scenario.pop("continues", None))
        install(**scenario)
        run_id = f"run-{len(list(tmp_path.glob('runs/*')))}"
        given: dict[str, Any] = {
            "data": str(candles),
            "folder": tmp_path / "runs",
            **(places or {}),
        }
        settings = EntrypointSettings(mode=mode, config=str(strategy), id=run_id, **given)
        progress = ReactingProgress(reactions or {})
        kind = TradingEntrypoint if mode.holds_positions else StrategyEntrypoint
        code = kind(
            settings,
            request=RunRequest(
                overrides=overrides,
                patches=patches,
                replay_folder=replay,
                replay=RunManifest.read(replay) if replay else None,
                continues=_continuation(before) if before else None,
                accepts_holdings=accepts_holdings,
            ),
            interrupts=interrupts,
            progress=cast("Progress", progress),
            clock=clock,
            environ=os.environ,
        ).run()
        progress.check()
        seen = tmp_path / "seen.json"
        said = json.loads(seen.read_text()) if seen.exists() else None
        folder = tmp_path / "runs" / run_id
        return Finished(code=code, folder=folder, given=said, lines=progress.lines)

    return start


def _continuation(folder: Path) -> Continuation:
    return Continuation(folder=folder, manifest=RunManifest.read(folder))


@pytest.fixture
def listing() -> Callable[[MarketsSnapshot], AbstractContextManager[str]]:
    """Serve market rules as an exchange does; the context manager returns the address.

    The address of a `MarketServer` has a token, which a configuration must not hold.
    """

    @contextmanager
    def serve(snapshot: MarketsSnapshot) -> Iterator[str]:
        answers = {
            **exchange_named(snapshot.exchange).rest_answers(snapshot.exchange_info),
            "/api/v3/klines": _candle_of_now,
        }

        def respond(target: str) -> tuple[HTTPStatus, bytes]:
            answer = answers.get(target.partition("?")[0])
            status = HTTPStatus.OK if answer else HTTPStatus.NOT_FOUND
            return status, json.dumps(answer() if answer else {}).encode()

        with LoopbackServer(respond, deadline_s=30) as server:
            yield f"http://127.0.0.1:{server.port}"

    return serve


def _candle_of_now() -> list[list[int | str]]:
    opened_ms = time.time_ns() // 300_000_000_000 * 300_000
    return [[opened_ms, *["100"] * 4, "1", opened_ms + 299_999, "100", 1, "1", "100", "0"]]


@pytest.fixture
def captured() -> dict[str, Any]:
    """The archive of Freqtrade 2026.9 for a backtest of the strategy here."""
    return CAPTURED


@pytest.fixture
def check(
    tmp_path: Path,
    strategy: Path,
    candles: Path,
    interrupts: Interrupts,
    install: Callable[..., object],
) -> Callable[..., dict[str, CheckRow]]:
    """Check a backtest on an engine of the given scenario."""

    def rows(
        *overrides: str,
        mode: TradingMode = TradingMode.BACKTEST,
        markets: str | None = None,
        **scenario: object,
    ) -> dict[str, CheckRow]:
        install(**scenario)
        settings = EntrypointSettings(
            mode=mode,
            config=str(strategy),
            data=str(candles),
            markets=markets,
            folder=tmp_path / "runs",
        )
        request = RunRequest(overrides=overrides)
        entrypoint = StrategyEntrypoint(
            settings, request=request, interrupts=interrupts, environ=os.environ
        )
        return {row.name: row for row in entrypoint.checks()}

    return rows
