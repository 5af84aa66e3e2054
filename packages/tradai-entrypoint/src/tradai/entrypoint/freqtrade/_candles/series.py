"""The series of candles that a run needs, with the warm-up before the first traded candle."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import product
from typing import Final, TypeAlias

from tradai.core import JsonValue, StrategyConfig, Timeframe, pair_parts
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries, candle_length
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

_Key: TypeAlias = tuple[str, str]  # pair and timeframe

# Data of a contract beside its candles, in the timeframe that the engine reads it in.
CONTRACT_KINDS: Final = ("mark", "funding_rate")
_CONTRACT_TIMEFRAME: Final = "1h"


def needed_series(
    config: StrategyConfig, run: RunParameters, facts: SourceFacts
) -> tuple[NeededSeries, ...]:
    """Return every series the engine will read, once, the traded ones first.

    Further ones are those of ``@informative`` methods, of `run.informative`, of
    ``parameters.timeframe_detail`` and of FreqAI, which also looks back over the days it trains on.
    Those that `run.without` names are left out.

    Raises:
        ConfigurationError: The number of candles that the strategy needs first is not known, an
            ``@informative`` method cannot be read, a series is of a futures market, `run.without`
            names one of ``parameters.timeframe_detail``, or the FreqAI settings do not say how far
            it looks back.
    """
    _check_informative(run, facts)
    startup, training = startup_candles(config, run, facts), timedelta(0)
    traded = [(pair, str(config.timeframe)) for pair in config.pairs]
    details = _detail_series(config, run)
    others = [*_informative(config, facts), *_named(config, run), *details]
    freqai = enabled_freqai(config)
    if freqai is not None:
        features = _features(freqai)
        startup = max(startup, _look_back(features))
        days = freqai.get("train_period_days")
        training = timedelta(days=_whole(days, key="train_period_days"))
        others += _freqai_series(config, features)
    others = list(_provided(others, run, has_contracts=trades_futures(config)))
    return tuple(
        NeededSeries(
            pair=pair,
            timeframe=timeframe,
            warmup=startup + training // candle_length(Timeframe(timeframe)),
            is_traded=(pair, timeframe) in traded,
            is_detail=(pair, timeframe) in details,
            kind="futures" if trades_futures(config) else "spot",
        )
        for pair, timeframe in dict.fromkeys([*traded, *others])
    ) + tuple(contract_series(config))


def trades_futures(config: StrategyConfig) -> bool:
    """Return whether the pairs are contracts, such as ``BTC/USDT:USDT``."""
    return any(":" in pair for pair in config.pairs)


def contract_series(config: StrategyConfig) -> Iterator[NeededSeries]:
    """Yield mark candles and funding rates, by which the engine charges funding fees."""
    for pair, kind in product(config.pairs if trades_futures(config) else (), CONTRACT_KINDS):
        yield NeededSeries(
            pair=pair, timeframe=_CONTRACT_TIMEFRAME, warmup=0, is_traded=False, kind=kind
        )


def enabled_freqai(config: StrategyConfig) -> Mapping[str, JsonValue] | None:
    """Return the FreqAI settings of `config`; None when there are none or FreqAI is off."""
    freqai = config.freqai
    return freqai if freqai is not None and freqai.get("enabled") is True else None


def startup_candles(config: StrategyConfig, run: RunParameters, facts: SourceFacts) -> int:
    """Return the number of candles that the strategy needs before the first one it trades on.

    Raises:
        ConfigurationError: Neither the class nor `run` says it.
    """
    if run.startup_candles is not None:
        return run.startup_candles
    if facts.startup_candles is not None:
        return facts.startup_candles
    message = (
        f"the source of {facts.class_name} does not state its startup_candle_count: set "
        f"run.startup_candles to the candles of {config.timeframe} it needs before it trades"
    )
    raise ConfigurationError(message, key="run.startup_candles", source=str(facts.file))


def _check_informative(run: RunParameters, facts: SourceFacts) -> None:
    if facts.open_informative and not run.informative:
        place = facts.open_informative[0]
        message = (
            f"{place}: the arguments of @informative are computed when the strategy runs: name its "
            "series in run.informative, such as BTC/USDT@1h, or @1h for every traded pair"
        )
        raise ConfigurationError(message, key="run.informative", source=place)


def _provided(series: Iterable[_Key], run: RunParameters, *, has_contracts: bool) -> Iterator[_Key]:
    for pair, timeframe in series:
        if run.goes_without(pair, timeframe):
            continue
        problem = unavailable(pair, has_contracts=has_contracts)
        if problem is not None:
            message = (
                f"the strategy asks for {pair}@{timeframe}, a {problem}: name it in run.without if "
                "the strategy can do without it"
            )
            raise ConfigurationError(message, key="run.without")
        yield pair, timeframe


def unavailable(pair: str, *, has_contracts: bool) -> str | None:
    """Return why there can be no candles of `pair`; None when there can be some.

    Args:
        pair: The pair.
        has_contracts: Whether the run trades contracts.
    """
    if has_contracts:
        return None if ":" in pair else "spot series, and the run trades futures"
    if ":" in pair:
        return "futures series, which this version cannot provide"
    base, quote = pair_parts(pair)
    return "series of a currency in itself, which no exchange trades" if base == quote else None


def _informative(config: StrategyConfig, facts: SourceFacts) -> Iterator[_Key]:
    for series, pair in product(facts.informative, config.pairs):
        yield (_asset(series.asset, pair) if series.asset else pair), series.timeframe


def _asset(template: str, pair: str) -> str:
    base, quote = pair_parts(pair)
    names = {"stake": quote, "stake_currency": quote, "base": base, "quote": quote}
    try:
        return template.lower().format_map(names).upper()
    except (LookupError, ValueError) as exc:
        message = f"@informative names the asset {template!r}, not a pair: the engine fails on it"
        raise ConfigurationError(message, key="strategy.source") from exc


def _named(config: StrategyConfig, run: RunParameters) -> Iterator[_Key]:
    for series in run.informative:
        name, _, timeframe = series.partition("@")
        yield from ((pair, timeframe) for pair in ([name] if name else config.pairs))


def _detail_series(config: StrategyConfig, run: RunParameters) -> list[_Key]:
    detail = config.parameters.get("timeframe_detail")
    series: list[_Key] = []
    if isinstance(detail, str):
        series = [(pair, detail) for pair in config.pairs]
    refused = [
        f"{pair}@{timeframe}" for pair, timeframe in series if run.goes_without(pair, timeframe)
    ]
    if refused:
        message = (
            f"run.without takes {', '.join(refused)}, which parameters.timeframe_detail asks for: "
            "the engine needs all of its candles; leave them in, or drop that parameter"
        )
        raise ConfigurationError(message, key="run.without")
    return series


def _freqai_series(config: StrategyConfig, features: Mapping[str, JsonValue]) -> Iterator[_Key]:
    pairs = [*config.pairs, *_texts(features, "include_corr_pairlist")]
    timeframes = [str(config.timeframe), *_texts(features, "include_timeframes")]
    return product(pairs, timeframes)


def _features(freqai: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    features = freqai.get("feature_parameters")
    if isinstance(features, Mapping):
        return features
    raise _freqai_error(key="feature_parameters", expected="a mapping")


def _texts(features: Mapping[str, JsonValue], name: str) -> list[str]:
    texts = features.get(name)
    if isinstance(texts, (list, tuple)):
        return [str(text) for text in texts]
    raise _freqai_error(key=f"feature_parameters.{name}", expected="a list")


def _look_back(features: Mapping[str, JsonValue]) -> int:
    name = "indicator_periods_candles"
    periods = features.get(name)
    if isinstance(periods, (list, tuple)) and periods:
        return max(_whole(period, key=f"feature_parameters.{name}") for period in periods)
    raise _freqai_error(key=f"feature_parameters.{name}", expected="a list of whole numbers")


def _whole(value: JsonValue, *, key: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _freqai_error(key=key, expected="a whole number")


def _freqai_error(*, key: str, expected: str) -> ConfigurationError:
    message = f"freqai.{key} must be {expected}: it decides on which candles FreqAI trains"
    return ConfigurationError(message, key=f"freqai.{key}")
