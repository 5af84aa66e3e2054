"""The plan of an engine run: command, configuration and parameter file.

A plan is a pure function of configuration, run parameters, mode and strategy source. It names no
machine, folder or port, so two equal plans are the same run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final, Self, cast, final

from tradai.core import (
    JsonValue,
    OpenTimeRange,
    StrategyConfig,
    TimeRange,
    TradingMode,
    canonical_json,
)
from tradai.core.exceptions import ConfigurationError, TradingError
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._candles.series import enabled_freqai
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange
from tradai.entrypoint.freqtrade._exchange.market_fees import MarketFees
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    DEFAULT_EXCHANGE,
    exchange_named,
)
from tradai.entrypoint.freqtrade._preparation._contracts.market_pairs import pairs_problem
from tradai.entrypoint.freqtrade._preparation.engine_config import engine_config
from tradai.entrypoint.freqtrade._preparation.engine_options import key_error, plain_json
from tradai.entrypoint.freqtrade._strategy.order_types import filled_order_types
from tradai.entrypoint.freqtrade._strategy.search import check_helpers, check_search
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

# Folders of the scratch folder the engine runs in.
USER_DATA: Final = "user_data"
DATA: Final = "data"
STRATEGIES: Final = "strategies"
TRAINING: Final = "training"
# The engine's setting for the fee of each order.
FEE: Final = "fee"

_SUBCOMMANDS: Final = {
    TradingMode.BACKTEST: "backtesting",
    TradingMode.HYPEROPT: "hyperopt",
    TradingMode.TRAIN: "backtesting",
    TradingMode.DRY_RUN: "trade",
    TradingMode.LIVE: "trade",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """Everything the engine is given for one run.

    Attributes:
        subcommand: The engine's subcommand.
        common: Arguments of every subcommand; paths are relative to the scratch folder.
        timerange: Range of candles to trade on; None leaves it to the candles there are.
        specific: Arguments of this subcommand.
        exchange: The exchange that `config` names.
        config: The engine's configuration; its exchange is at `ENDPOINT`.
        params_name: Name of the parameter file beside the strategy.
        params_file: Hyper-parameter values, in the engine's form; None when there are none.
        launcher: Word of our own that starts the engine, and its folder below the scratch folder;
            None starts the engine itself.
    """

    subcommand: str
    common: tuple[str, ...]
    timerange: TimeRange | OpenTimeRange | None
    specific: tuple[str, ...]
    exchange: Exchange
    config: Mapping[str, JsonValue]
    params_name: str
    params_file: Mapping[str, JsonValue] | None
    launcher: tuple[str, str] | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of the subcommand."""
        timerange = ("--timerange", str(self.timerange)) if self.timerange else ()
        return (*self.common, *timerange, *self.specific)

    def config_for(
        self, base_url: str | None, *, sections: Mapping[str, JsonValue] = MappingProxyType({})
    ) -> bytes:
        """Return the configuration, as the engine reads it from its standard input.

        Args:
            base_url: Address of the exchange; None is the exchange itself.
            sections: Settings that belong to this process alone, such as a port, or the keys in
                the section of the exchange; they go over those of the plan.
        """
        return canonical_json(self.given(base_url, sections=sections))

    def given(
        self, base_url: str | None, *, sections: Mapping[str, JsonValue]
    ) -> dict[str, JsonValue]:
        """Return the configuration of `config_for` as a value."""
        planned = cast("Mapping[str, JsonValue]", self.config["exchange"])
        mine = cast("Mapping[str, JsonValue]", sections.get("exchange", {}))
        exchange = {**planned, "ccxt_config": self.exchange.ccxt_config(base_url), **mine}
        return {**self.config, **sections, "exchange": exchange}

    def charged(self, fees: MarketFees | None) -> Self:
        """Return the plan with the fee of the market rules, unless the configuration has one."""
        if fees is None or FEE in self.config:
            return self
        return replace(self, config={**self.config, FEE: float(fees.charged)})

    def write_params(self, strategies: Path) -> None:
        """Write the parameter file, if any, into the private copy of the strategy source."""
        if self.params_file is not None:
            text = json.dumps(self.params_file, indent=2, sort_keys=True)
            (strategies / self.params_name).write_text(text, encoding="utf-8")

    def as_json(self) -> dict[str, JsonValue]:
        """Return the plan as a value to store, compare or digest."""
        return {
            "command": [self.subcommand, *self.arguments],
            "config": dict(self.config),
            "parameters": dict(self.params_file) if self.params_file else None,
        }


def render_plan(
    config: StrategyConfig, run: RunParameters, mode: TradingMode, *, facts: SourceFacts
) -> EnginePlan:
    """Return the plan of a run.

    Raises:
        ConfigurationError: The engine, or this release, cannot do what the configuration says;
            the error names the key.
    """
    exchange = exchange_named(config.exchange)
    check_market(config, exchange)
    _check_proven(exchange, mode)
    _check_freqai(config, run, mode)
    if mode is TradingMode.HYPEROPT:
        check_search(facts, run.spaces)
    rendered = engine_config(config, mode) | _order_types(config, facts, mode)
    if run.startup_candles is not None:
        rendered["startup_candle_count"] = run.startup_candles
    if enabled_freqai(config):
        # FreqAI looks up the first configuration file and crashes when there is none, which is so
        # when the configuration came by standard input. Any existing file will do.
        rendered["config_files"] = [f"{STRATEGIES}/{facts.file.name}"]
    return EnginePlan(
        subcommand=_SUBCOMMANDS[mode],
        common=_common_arguments(config, run, facts),
        timerange=None if mode.holds_positions else run.timerange,
        specific=(
            *_specific_arguments(run, mode, facts),
            *_option_arguments(config, mode),
        ),
        exchange=exchange,
        config=rendered,
        params_name=facts.file.with_suffix(".json").name,
        params_file=_params_file(config, facts),
        launcher=_launcher(run, mode, facts),
    )


def _launcher(run: RunParameters, mode: TradingMode, facts: SourceFacts) -> tuple[str, str] | None:
    if mode is TradingMode.HYPEROPT and run.jobs > 1:
        check_helpers(facts)
        # So that the worker processes, which load the strategy too, find the modules beside it.
        return ("engine", STRATEGIES)
    return ("training", TRAINING) if mode is TradingMode.TRAIN else None


def _order_types(
    config: StrategyConfig, facts: SourceFacts, mode: TradingMode
) -> dict[str, JsonValue]:
    filled = filled_order_types(
        config.execution.order_types, facts, must_be_known=mode is TradingMode.LIVE
    )
    return {} if filled is None else {"order_types": plain_json(filled)}


def check_market(config: StrategyConfig, exchange: Exchange) -> None:
    """Check that `exchange` has the timeframe and could have the pairs.

    Raises:
        ConfigurationError: It has not; the error names the key.
    """
    currency = config.stake_currency
    if config.timeframe not in exchange.timeframes:
        market = f"{exchange.engine_name.capitalize()} {exchange.market_type}"
        offered = f"{market} has {', '.join(exchange.timeframes)}"
        problem = f"is {config.timeframe}: {offered}"
        raise key_error(key="timeframe", problem=problem)
    if not config.pairs:
        raise key_error(key="pairs", problem=f"is empty: name at least one, such as BTC/{currency}")
    is_spot = exchange.market_type == "spot"
    if wrong := pairs_problem(config.pairs, currency, is_spot=is_spot):
        raise key_error(key="pairs", problem=wrong)


def _check_proven(exchange: Exchange, mode: TradingMode) -> None:
    if not (mode.holds_positions and exchange.is_backtest_only):
        return
    is_futures = exchange.market_type == "futures"
    message = (
        f"exchange is {exchange.name}: {'futures are' if is_futures else 'it is'} proven in "
        f"backtests only, so mode {mode} is refused; run it as a backtest, or trade "
        f"{'a spot exchange' if is_futures else DEFAULT_EXCHANGE}"
    )
    if mode is TradingMode.LIVE:
        raise TradingError(message)
    raise ConfigurationError(message, key="exchange")


def _check_freqai(config: StrategyConfig, run: RunParameters, mode: TradingMode) -> None:
    freqai = enabled_freqai(config)
    is_enabled = freqai is not None
    folder = PurePosixPath(str(freqai.get("identifier", "") if freqai else ""))
    if folder.is_absolute() or ".." in folder.parts:
        problem = f"is {folder}: it names a folder for the models, so it must not lead elsewhere"
        raise key_error(key="freqai.identifier", problem=problem)
    if mode is TradingMode.TRAIN and not is_enabled:
        problem = "is not true: mode 'train' trains the models of a FreqAI strategy"
        raise key_error(key="freqai.enabled", problem=problem)
    has_start = run.timerange is not None and run.timerange.start is not None
    if is_enabled and not mode.holds_positions and not has_start:
        problem = "has no start: FreqAI trains on the days before it, so it must be known"
        raise key_error(key="run.timerange", problem=problem)


def _common_arguments(
    config: StrategyConfig, run: RunParameters, facts: SourceFacts
) -> tuple[str, ...]:
    return (
        *("--config", "-", "--no-color", "--userdir", USER_DATA, "--datadir", DATA),
        *("--strategy", facts.class_name, "--strategy-path", STRATEGIES),
        *(_freqai_arguments(run, facts) if enabled_freqai(config) else ()),
    )


def _freqai_arguments(run: RunParameters, facts: SourceFacts) -> tuple[str, ...]:
    folder = _folder_of_class(run.freqai_model, facts, key="run.freqai_model")
    path = () if folder is None else ("--freqaimodel-path", folder)
    return ("--freqaimodel", run.freqai_model, *path)


def _folder_of_class(name: str, facts: SourceFacts, *, key: str) -> str | None:
    """Return the folder of the source's own class `name`; None when it is one of the engine's."""
    files = facts.classes.get(name, ())
    if len(files) > 1:
        problem = f"names {name}, which is in {' and '.join(map(str, files))}: keep only one"
        raise key_error(key=key, problem=problem)
    return str(PurePosixPath(STRATEGIES, files[0].parent)) if files else None


def _specific_arguments(
    run: RunParameters, mode: TradingMode, facts: SourceFacts
) -> tuple[str, ...]:
    if mode.holds_positions:
        return ("--dry-run",) if mode is TradingMode.DRY_RUN else ()
    if mode is TradingMode.HYPEROPT:
        return _hyperopt_arguments(run, facts)
    return ("--cache", "none", "--export", "trades")


def _option_arguments(config: StrategyConfig, mode: TradingMode) -> tuple[str, ...]:
    # The engine's command line has a default for it, which goes over the configuration.
    least = config.parameters.get("hyperopt_min_trades")
    if mode is not TradingMode.HYPEROPT or least is None:
        return ()
    return ("--min-trades", str(least))


def _hyperopt_arguments(run: RunParameters, facts: SourceFacts) -> tuple[str, ...]:
    folder = _folder_of_class(run.loss, facts, key="run.loss")
    return (
        *("--epochs", str(run.epochs), "--spaces", *run.spaces, "--hyperopt-loss", run.loss),
        *("--random-state", str(run.random_state), "--job-workers", str(run.jobs)),
        "--disable-param-export",
        *(() if folder is None else ("--hyperopt-path", folder)),
    )


def _params_file(config: StrategyConfig, facts: SourceFacts) -> dict[str, JsonValue] | None:
    given = {space: plain_json(values) for space, values in config.params_by_space.items()}
    return {"strategy_name": facts.class_name, "params": given} if given else None
