"""Find facts in the engine's log records, as freqtrade 2026.9 words them."""

import re
from collections.abc import Mapping
from typing import Final

from tradai.entrypoint.freqtrade._engine.records import EngineRecord

# Facts, as named groups, in the records of each logger.
# Errors of ccxt, by name, with which an exchange that is there refuses one call.
_REFUSALS: Final = "BadSymbol|BadRequest|NotSupported|ExchangeError|InvalidOrder|OrderNotFound"
# The last one is an exit that the engine does not even send, as the account has too few coins.
_NOT_ACCEPTED: Final = (
    "Could not (?:create|place) |Insufficient funds to create |Not enough amount to exit "
)
_NO_OUTAGE: Final = rf"Retrying still for|due to (?:{_REFUSALS})\b"
# FreqAI's kinds of models, each of which says that it trains one.
_TRAINERS: Final = (
    "freqtrade.freqai.base_models.BaseClassifierModel",
    "freqtrade.freqai.base_models.BasePyTorchClassifier",
    "freqtrade.freqai.base_models.BasePyTorchRegressor",
    "freqtrade.freqai.base_models.BaseRegressionModel",
    "freqtrade.freqai.RL.BaseReinforcementLearningModel",
)
_FACTS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {
    logger: tuple(re.compile(pattern, re.MULTILINE) for pattern in patterns)
    for logger, patterns in {
        "freqtrade.worker": (
            r"Changing state(?: from \w+)? to: (?P<state>\w+)",
            r"\w+\. Stopping trader(?s:.*)^(?P<stopping>[A-Za-z_][\w.]*(?:: .*)?)$",
            r"(?P<stopping>\w+)\. Stopping trader",
            r"(?P<heartbeat>Bot heartbeat)\.",
        ),
        "uvicorn.error": (
            r"\[Errno \d+\] error while attempting to bind on address .*, (?P<taken_port>\d+)\)",
        ),
        # A call that is tried again has not failed yet, and a refusal is an answer.
        "freqtrade.exchange.common": (
            rf"(?P<failed>\w+\(\) returned exception: (?!(?s:.*)(?:{_NO_OUTAGE})).*)",
        ),
        "freqtrade.freqtradebot": (
            r"Order (?P<order_id>\S+) was created for (?P<pair>\S+) and status is (?P<status>\w+)",
            r"\w+ \S+ order with time in force \S+ for (?P<unfilled>\S+) is .* zero amount is",
            r"\w+ order (?P<cancelled>.+) for Trade\(id=(?P<trade>\d+), pair=(?P<pair>[^,]+),",
            rf"Unable to (?s:.*?)(?P<rejected>{_NOT_ACCEPTED})",
            r".*\bRemoving Trade\(id=(?P<removed>\d+), pair=(?P<pair>[^,]+),.* from database",
        ),
        "freqtrade.rpc.rpc_manager": (
            r"Sending rpc message: \{'trade_id': (?P<entered>\d+), 'type': entry,",
        ),
        "freqtrade.resolvers.strategy_resolver": (
            r"Strategy using startup_candle_count: (?P<startup>\d+)",
        ),
        "freqtrade.resolvers.iresolver": (r"Could not import .+ due to '(?P<unimportable>.+)'",),
        "freqtrade.data.history.datahandlers.idatahandler": (
            r"No history for (?P<pair>\S+), (?P<kind>\w*), (?P<missing>\w+) found",
        ),
        "freqtrade.data.dataprovider": (
            r"No data found for \((?P<pair>\S+), (?P<missing>\w+), \w*\)",
        ),
        "freqtrade.data.history.history_utils": (
            r"Skipping pair (?P<dropped>\S+)\.\.\.$",
            # With the last line of the traceback.
            r'Failed to download .*"(?P<undownloaded>\S+)"(?s:.*)^(?P<reason>\w[\w.]*(?:: .*)?)$',
        ),
        "freqtrade.plugins.pairlist.IPairList": (
            r"Pair (?P<dropped>\S+) is not compatible with exchange",
            r"Ignoring (?P<dropped>\S+) from whitelist\. Market is not active",
        ),
        "freqtrade.optimize.hyperopt.hyperopt": (
            r"(?P<skipped>\d+) epochs? skipped due to duplicate parameters",
            r"(?P<stops_early>Early stopping after \d+ epochs)",
        ),
        "freqtrade.strategy.hyper": (r"(?P<bad_parameters>Invalid parameter file format)",),
        "freqtrade.strategy.parameters": (
            r"Parameter '(?P<fixed>\w*)' is part of this hyperopt run, but its value is used",
        ),
        **dict.fromkeys(_TRAINERS, (r"-+ ?Starting training (?P<trained>\S+) -+",)),
        "freqtrade.freqai.freqai_interface": (r"(?P<untrained>Training \S+ raised exception .*)",),
        # The schema check names the key in its own, long message, not in the error that follows.
        "freqtrade.configuration.config_validation": (
            r"(?s:.*)^On instance(?P<key>(?:\['?\w+'?\])+):",
        ),
    }.items()
}


def facts_in(record: EngineRecord) -> Mapping[str, str]:
    """Return the facts in `record`, by name."""
    for pattern in _FACTS.get(record.logger, ()):
        found = pattern.match(record.text)
        if found is not None:
            return found.groupdict()
    return {}
