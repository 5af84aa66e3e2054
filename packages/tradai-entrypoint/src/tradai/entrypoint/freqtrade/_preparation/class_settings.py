"""Compare the strategy class with the configuration: no wish of either is dropped.

The engine lets its configuration go over an attribute of the class, ignores attributes that it
does not have, and does so without an error. `docs/reference/strategy-interface.md` lists them all.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tradai.core import Execution, StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._candles.series import trades_futures
from tradai.entrypoint.freqtrade._engine_keys.problems import Problems
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import FUTURES_EXCHANGE
from tradai.entrypoint.freqtrade._preparation.engine_options import OPTIONS, plain_json
from tradai.entrypoint.freqtrade._strategy.misspellings import INTERFACE
from tradai.entrypoint.freqtrade._strategy.order_types import filling_notice
from tradai.entrypoint.freqtrade._strategy.source import (
    SourceFacts,
    check_parameters,
    config_reader,
)

_SHOWN: Final = 5
# The engine goes through the answers of these, so that they may have a yield.
_GONE_THROUGH: Final = frozenset({"informative_pairs"})
# Options that are attributes of the engine's strategy interface, too.
_IN_CLASS_TOO: Final = frozenset(
    {
        "disable_dataframe_checks",
        "ignore_buying_expired_candle_after",
        "process_only_new_candles",
        "use_custom_stoploss",
    }
)


def take_class(context: RunContext, facts: SourceFacts, problems: Problems) -> None:
    """Check the class and the values of its parameters, and note what a reader should know of.

    Raises:
        StorageError: A file of the source cannot be read.
    """
    config, notices = context.config, context.record.notices
    values, origins = config.params_by_space, context.loaded.provenance
    problems.of(lambda: check_parameters(facts, values, origins))
    problems.of(lambda: check_class(config, facts))
    problems.of(lambda: notices.extend(class_notices(config, facts, context.mode)))
    if without := context.parameters.without:
        notices.append(f"the run goes without {', '.join(without)}, as run.without says")


def check_class(config: StrategyConfig, facts: SourceFacts) -> None:
    """Check that the class asks for nothing that the run would not do.

    Raises:
        ConfigurationError: It turns off log records, has another timeframe than `config`, trades
            short, has a callback that the engine would not wait for, gives a protection an option
            that there is not, has an attribute that the engine takes from its configuration alone,
            or reads a key of the top level.
        StorageError: A file of the source cannot be read.
    """
    if facts.log_switches:
        problem = "which turns off the engine's log records, on which the verdict rests"
        raise ConfigurationError(
            f"{facts.log_switches[0]}, {problem}: take it out, or with dictConfig and fileConfig "
            "write disable_existing_loggers=False",
            key="strategy",
            source=str(facts.file),
        )
    _check_market(config, facts)
    _check_callbacks(facts)
    _check_protections(config, facts)
    for name in sorted(OPTIONS - _IN_CLASS_TOO - config.parameters.keys()):
        if facts.constants.get(name):
            problem = (
                f"of class {facts.class_name} has no effect there, nor has it in Freqtrade: set "
                f"parameters.{name}, to false if it is a switch that you do not want, or take it "
                "out of the class"
            )
            raise _class_error(facts, key=name, problem=problem)
    _check_top_level(config, facts)


def class_notices(config: StrategyConfig, facts: SourceFacts, mode: TradingMode) -> Iterator[str]:
    """Yield a sentence for each part of the class that a reader of the result should know of.

    Raises:
        ConfigurationError: Order types are needed, and the class computes them.
    """
    known = facts.names | facts.assigned
    yield from _overridden(config, facts)
    if (
        "protections" in known
        and facts.constants.get("protections", True)
        and not mode.holds_positions
    ):
        yield _protections(config)
    yield from (str(option) for option in facts.unused_options if option.is_of_another)
    yield from map(str, facts.misspellings)
    if _checks_depth(config) and not mode.holds_positions:
        yield (
            "execution.entry_pricing.check_depth_of_market holds in a dry-run and LIVE alone: "
            "candles have no order book"
        )
    if "leverage" in known and not trades_futures(config):
        yield f"leverage() of class {facts.class_name} is not called: spot has no leverage"
    if facts.left_out:
        yield _left_out(facts)
    for read in facts.environment:
        yield (
            f"{read.place} reads {read.name or 'a variable'} from the environment, which the "
            "engine does not see: make it a key of strategy.config, to be read from self.config"
        )


def _overridden(config: StrategyConfig, facts: SourceFacts) -> Iterator[str]:
    filling = filling_notice(config.execution.order_types, facts)
    if filling:
        yield filling
    values = {
        key: value
        for key, value in _differing_values(config, facts)
        if not (filling and key == "execution.order_types")
    }
    if len(values) == 1:
        ((key, value),) = values.items()
        name = key.rpartition(".")[2]
        yield f"{key} goes over the {name} of class {facts.class_name}, which is {value}"
    elif values:
        shown = ", ".join(f"{key} (there {value})" for key, value in values.items())
        yield f"{len(values)} keys go over class {facts.class_name}: {shown}"


def _differing_values(config: StrategyConfig, facts: SourceFacts) -> Iterator[tuple[str, str]]:
    """Yield each key that goes over an attribute of another value, and that value."""
    for key, decided in _decided_by_configuration(config).items():
        name = key.rpartition(".")[2]
        value = _final(facts, name)
        if name in facts.assigned or name in facts.names - facts.constants.keys():
            yield key, "a value computed when it runs"
        elif value is not None and plain_json(value) != decided:
            yield key, str(value)


def _checks_depth(config: StrategyConfig) -> bool:
    pricing = config.execution.entry_pricing
    depth = pricing.check_depth_of_market if pricing else None
    return depth is not None and depth.enabled


def _check_top_level(config: StrategyConfig, facts: SourceFacts) -> None:
    for name in config.extra_keys:
        if (file := config_reader(facts, name)) is not None:
            place = f"strategy.config.{name}"
            problem = f"is read in {file.name}, which it does not reach: its place is {place}"
            raise ConfigurationError(f"{name} {problem}", key=name, source=str(facts.root / file))


def _check_market(config: StrategyConfig, facts: SourceFacts) -> None:
    timeframe = _final(facts, "timeframe")
    if timeframe is not None and timeframe != str(config.timeframe):
        raise _class_error(
            facts,
            key="timeframe",
            problem=f"is {config.timeframe}, and class {facts.class_name} has {timeframe}: write "
            "the same in both, or take it out of the class",
        )
    if _final(facts, "can_short") is True and not trades_futures(config):
        problem = f"of class {facts.class_name} is true: with these pairs, this version trades spot"
        why = ", where only long positions exist; contracts are pairs such as BTC/USDT:USDT of "
        where = f"exchange: {FUTURES_EXCHANGE}"
        raise _class_error(facts, key="can_short", problem=problem + why + where)


def _check_callbacks(facts: SourceFacts) -> None:
    for name in sorted((INTERFACE - _GONE_THROUGH) & facts.deferred.keys()):
        place = facts.deferred[name]
        raise ConfigurationError(
            f"{place}: {name} is async or has a yield, so that the engine gets an object for its "
            "answer and never runs it: write a plain method",
            key="strategy.class",
            source=place,
        )


def _check_protections(config: StrategyConfig, facts: SourceFacts) -> None:
    if config.parameters.get("enable_protections", True):
        for option in facts.unused_options:
            if not option.is_of_another:
                raise ConfigurationError(str(option), key="protections", source=option.place)


def _decided_by_configuration(config: StrategyConfig) -> Mapping[str, object]:
    """Return the settings that the engine gets, so that the class does not decide them."""
    given = {name: getattr(config.execution, name) for name in Execution.model_fields}
    return {
        "timeframe": str(config.timeframe),
        "stake_currency": config.stake_currency,
        **{
            f"execution.{name}": plain_json(value)
            for name, value in given.items()
            if name in INTERFACE and value is not None
        },
    }


def _final(facts: SourceFacts, name: str) -> object:
    """Return the value of an attribute; None when there is none, or only running could show it."""
    return None if name in facts.assigned else facts.constants.get(name)


def _protections(config: StrategyConfig) -> str:
    key = "parameters.enable_protections"
    if config.parameters.get("enable_protections", True):
        return f"the protections of the class hold, as in a dry-run; {key}=false leaves them out"
    return f"the protections of the class do not hold, because {key} is false"


def _left_out(facts: SourceFacts) -> str:
    names = facts.left_out
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN))
    if all(Path(name).name.startswith(".") for name in names):
        return f"hidden files do not travel with the strategy: {shown}"
    return (
        f"strategy.source is one file, so files beside it do not travel: {shown}; point it at the "
        "folder to take them along"
    )


def _class_error(facts: SourceFacts, *, key: str, problem: str) -> ConfigurationError:
    message = f"{key} {problem} ({facts.file.name})"
    return ConfigurationError(message, key=key, source=str(facts.file))
