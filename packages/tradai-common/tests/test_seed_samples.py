"""The design's code samples, run. Indentation is restored; each other edit stands by its sample."""

import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# This module is about a repository of frames.
import pandas as pd  # noqa: TID253
import pytest
from pydantic import ValidationError as PydanticValidationError

import tradai.common.strategy_config_loader
from tradai.common.aws.secrets_manager import get_secrets_client
from tradai.common.entrypoint.base import StrategyEntrypoint
from tradai.common.entrypoint.settings import EntrypointSettings, TradingMode
from tradai.common.entrypoint.trading import TradingEntrypoint
from tradai.common.logger_mixin import LoggerMixin
from tradai.common.protocols import ModeHandler
from tradai.common.repositories import DataRepository
from tradai.common.strategy_config_loader import Strategy, StrategyConfig
from tradai.common.types import Timeframe

# Sample 1, repository pattern. Edits: the abstract class comes from tradai.common.repositories;
# the elided arguments are the port's; the elided body keeps frames in a dict; the other four
# methods of the abstract class are filled in.


class ArcticDBDataRepository(DataRepository):
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], pd.DataFrame] = {}

    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> pd.DataFrame:
        last = min((at for at in (end, closed_by) if at), default=None)
        return self._kept[pair, timeframe].truncate(start, last)

    def coverage(self, pair: str, timeframe: str) -> None:
        """Say nothing: the sample has no such method."""

    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        self._kept[pair, timeframe] = frame

    def upsert_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        """Add nothing: the sample has no such method."""

    def series(self) -> list[tuple[str, Timeframe]]:
        return [(pair, Timeframe(timeframe)) for pair, timeframe in self._kept]


def test_a_concrete_repository_stands_in_for_the_abstract_one() -> None:
    index = pd.date_range("2025-01-01", periods=3, freq="5min", tz="UTC", name="date")
    repository: DataRepository = ArcticDBDataRepository()
    repository.save_ohlcv("BTC/USDT", "5m", pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=index))

    frame = repository.get_ohlcv(
        "BTC/USDT",
        "5m",
        start=datetime(2025, 1, 1, 0, 5, tzinfo=UTC),
        end=datetime(2025, 1, 1, 0, 10, tzinfo=UTC),
    )

    assert list(frame["close"]) == [2.0, 3.0]


def test_the_abstract_repository_cannot_be_made() -> None:
    abstract: Any = DataRepository

    with pytest.raises(TypeError, match="get_ohlcv"):
        abstract()


# Sample 2, frozen entity. Edits: none is copied, the entity is tradai's own. Its `class Config`
# with `frozen = True` is `model_config = ConfigDict(frozen=True)` there.


def test_a_strategy_entity_cannot_be_changed() -> None:
    strategy = Strategy(name="PascalStrategy", version="1.2.0")
    field = "version"

    with pytest.raises(PydanticValidationError, match="frozen"):
        setattr(strategy, field, "1.2.1")

    assert strategy == Strategy(name="PascalStrategy", version="1.2.0")


# Sample 3, mixin pattern. Edits: the mixin is imported; the comment of the sample is its body.


class MyService(LoggerMixin):
    def work(self) -> None:
        self.logger.info("work done")


def test_a_service_gets_logging_for_free(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        MyService().work()

    (record,) = caplog.records
    assert record.getMessage() == "work done"
    assert record.name.endswith("MyService")


# Sample 4, thread-safe singleton. Edits: the function is tradai's own: `lru_cache` alone makes one
# client for each thread that asks before the first is made.


def test_threads_that_start_together_share_one_secrets_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "eu-fake-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    together = threading.Barrier(8)

    def ask(_: int) -> object:
        together.wait()
        return get_secrets_client()

    with ThreadPoolExecutor(8) as pool:
        clients = set(pool.map(ask, range(8)))

    assert len(clients) == 1


# Sample 6, handler registry. Edits: none in the class; the decorated definition and the two calls
# are in a fixture and in a function, so that the registration ends with the test; `handler` is
# annotated with the protocol that the sample imports.


@pytest.fixture
def backtest_handler() -> Iterator[object]:
    @StrategyEntrypoint.register_handler(TradingMode.BACKTEST)
    class BacktestHandler:
        def __init__(self, entrypoint: StrategyEntrypoint) -> None:
            self._ep = entrypoint

        def run(self) -> int:
            # Execute backtest logic
            return 0

    yield BacktestHandler
    StrategyEntrypoint.handlers.unregister(TradingMode.BACKTEST)


def _invoke(entrypoint: StrategyEntrypoint) -> int:
    handler_factory = StrategyEntrypoint.get_handler(TradingMode.BACKTEST)
    handler: ModeHandler = handler_factory(entrypoint)
    return handler.run()


def test_a_handler_is_invoked_through_the_registry(
    backtest_handler: object, tmp_path: Path
) -> None:
    settings = EntrypointSettings(mode=TradingMode.BACKTEST, folder=tmp_path)

    assert StrategyEntrypoint.get_handler(TradingMode.BACKTEST) is backtest_handler
    assert _invoke(StrategyEntrypoint(settings)) == 0


# Sample 7, fail-fast of LIVE. Edits: the method is tradai's own and returns the loaded
# configuration, not a dict; it catches the errors that loading raises, not `Exception`; what
# DRY_RUN falls back to is a built-in configuration that places no order, not `{}`.

INVALID = {
    "missing": None,
    "empty": "",
    "without pairs": "name: x\nversion: 1.0.0\ntimeframe: 5m\n",
}


def _settings(mode: TradingMode, folder: Path, text: str | None) -> EntrypointSettings:
    file = folder / "strategy.yaml"
    if text is not None:
        file.write_text(text)
    return EntrypointSettings(mode=mode, config=str(file), folder=folder / "runs")


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_live_never_starts_without_a_valid_configuration(text: str | None, tmp_path: Path) -> None:
    settings = _settings(TradingMode.LIVE, tmp_path, text)

    verdict = TradingEntrypoint(settings, environ={}).run_to_verdict()

    assert verdict.exit_code == 77
    assert "Failed to load strategy config for LIVE trading" in verdict.sentence


class _Idle:
    """A handler that does nothing and keeps what it was given."""

    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.entrypoint = entrypoint

    def run(self) -> int:
        execution = self.entrypoint.context.config.execution
        assert execution.max_open_trades == 0
        return 0


@pytest.fixture
def _idle_dry_run() -> Iterator[None]:
    StrategyEntrypoint.register_handler(TradingMode.DRY_RUN)(_Idle)
    yield
    StrategyEntrypoint.handlers.unregister(TradingMode.DRY_RUN)


@pytest.mark.usefixtures("_idle_dry_run")
@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_dry_run_warns_and_goes_on_without_placing_orders(
    text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entrypoint = TradingEntrypoint(_settings(TradingMode.DRY_RUN, tmp_path, text), environ={})

    code = entrypoint.run()

    assert code == 0
    assert entrypoint.record.is_fallback
    assert any("could not be loaded" in record.getMessage() for record in caplog.records)


# Sample 8, one schema for strategy configuration. Edits: none is copied, the class is tradai's
# own; its patterns are stricter, its sequences are tuples and its mappings cannot change.

SEED_DEFAULTS: Mapping[str, object] = {
    "pairs": [],
    "stake_currency": "USDT",
    "exchange": "binance",
    "parameters": {},
    "buy_params": {},
    "sell_params": {},
    "freqai": None,
}


def test_a_strategy_configuration_has_the_seeds_fields_and_defaults() -> None:
    config = StrategyConfig.model_validate(
        {"name": "PascalStrategy", "version": "1.2.0", "timeframe": "15m"}
    )

    values = config.model_dump(mode="json")

    assert {name: values[name] for name in SEED_DEFAULTS} == SEED_DEFAULTS
    assert (config.name, config.version, config.timeframe) == ("PascalStrategy", "1.2.0", "15m")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"version": "1.2"},
        {"version": "v1.2.0"},
        {"timeframe": "5"},
        {"timeframe": "0m"},
        {"timeframe": "\u0665m"},
    ],
)
def test_a_strategy_configuration_refuses_what_the_seed_refuses_and_more(
    wrong: dict[str, str],
) -> None:
    right = {"name": "PascalStrategy", "version": "1.2.0", "timeframe": "5m"}

    with pytest.raises((PydanticValidationError, ValueError), match=next(iter(wrong))):
        StrategyConfig.model_validate(right | wrong)


def test_a_strategy_configuration_keeps_extras_and_cannot_be_changed() -> None:
    config = StrategyConfig.model_validate(
        {"name": "PascalStrategy", "version": "1.2.0", "timeframe": "5m", "owner": "research"}
    )
    field = "exchange"

    assert config.extra_keys == ("owner",)
    with pytest.raises(PydanticValidationError, match="frozen"):
        setattr(config, field, "another")


def test_services_import_it_from_the_facade() -> None:
    assert tradai.common.StrategyConfig is tradai.common.strategy_config_loader.StrategyConfig
