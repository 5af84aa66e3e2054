"""Checks on the environment and on what the engine will be given."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError, TradingError
from tradai.entrypoint._preflight.facts import PreflightFacts, known

_STATIC_PAIRS: Final = [{"method": "StaticPairList"}]
_PREFIX: Final = re.compile(r"x-[0-9a-f]{12}")
# Binance's limit.
_LONGEST_ID: Final = 36


def check_environment(facts: PreflightFacts) -> str:
    """Refuse variables that another program could take for a switch between paper and money."""
    names = sorted(facts.variable_names)
    armed = [name for name in names if name.upper().startswith("FREQTRADE__")]
    if armed:
        message = f"the environment has {', '.join(armed)}, which could arm the engine: unset it"
        raise ConfigurationError(message, key=armed[0])
    switches = [name for name in names if name.upper().endswith("DRY_RUN")]
    if switches:
        message = (
            f"the environment has {', '.join(switches)}, whatever its value a doubt whether this "
            "run is live: unset it, the mode is set with --mode alone"
        )
        raise ConfigurationError(message, key=switches[0])
    return "no variable of another program"


def check_schema(facts: PreflightFacts) -> str:
    """Require the installed engine's own schema to accept the configuration."""
    problems = known(facts.engine).schema_problems
    if problems:
        message = (
            f"the installed engine refuses the configuration: {'; '.join(problems)}; change these "
            "settings, or install the engine version that was approved"
        )
        raise ConfigurationError(message, key="engine")
    return "the installed engine accepts the configuration"


def check_live_settings(facts: PreflightFacts) -> str:
    """Require a configuration that trades on the spot market, with money and without a doubt."""
    given = facts.engine_config
    if given.get("dry_run") is not False or given.get("trading_mode") != "spot":
        message = (
            "the engine would not trade with money on the spot market: start again, and report it "
            "when it comes back, because the plan must say so"
        )
        raise ConfigurationError(message, key="dry_run")
    return "money, spot market"


def check_pair_list(facts: PreflightFacts) -> str:
    """Require exactly the configured pairs, which no filter adds to or removes from."""
    given, exchange = facts.engine_config, _section(facts.engine_config, "exchange")
    is_static = given.get("pairlists") == _STATIC_PAIRS and not exchange.get("pair_blacklist")
    if not is_static or exchange.get("pair_whitelist") != list(facts.config.pairs):
        message = (
            "the engine would choose its pairs itself: name all of them under pairs, LIVE takes a "
            "StaticPairList alone"
        )
        raise ConfigurationError(message, key="pairlists")
    return f"static: {', '.join(facts.config.pairs)}"


def check_force_entry(facts: PreflightFacts) -> str:
    """Require that no command can open a position."""
    if facts.engine_config.get("force_entry_enable", False) is not False:
        message = "force_entry_enable is on, so a command could open a position: remove it"
        raise ConfigurationError(message, key="force_entry_enable")
    return "off"


def check_order_prefix(facts: PreflightFacts) -> str:
    """Require that the engine's client begins the ids of our orders with our prefix."""
    client = _section(_section(facts.engine_config, "exchange"), "ccxt_config")
    prefix = _section(_section(client, "options"), "broker").get("spot")
    order_id = known(facts.engine).client_order_id
    is_ours = prefix == facts.order_prefix and order_id.startswith(facts.order_prefix)
    if not is_ours or not _PREFIX.fullmatch(facts.order_prefix) or len(order_id) > _LONGEST_ID:
        message = (
            f"the engine's client would call an order {order_id!r}, expected an id that begins "
            f"with {facts.order_prefix} and has at most {_LONGEST_ID} characters: install the "
            "engine version that was approved, without our prefix no order could be cancelled"
        )
        raise TradingError(message, reason="order_prefix")
    return f"orders begin with {facts.order_prefix}"


def check_models(facts: PreflightFacts) -> str:
    """Require an approved model of each pair, and that none is trained during the session."""
    freqai = _section(facts.engine_config, "freqai")
    if freqai.get("enabled", False) is False:
        return "FreqAI is off"
    models = known(facts.models)
    missing = [pair for pair in facts.config.pairs if pair not in models.trained_at]
    approved = facts.approval.plan.models if facts.approval else models.digest
    if missing or models.digest is None or models.digest != approved:
        message = (
            f"there is no approved model of {', '.join(missing) or 'any pair'}: train them with "
            "--mode train, and have them approved with `tradai-entrypoint approve`"
        )
        raise TradingError(message, reason="models")
    hours, oldest = freqai.get("live_retrain_hours", 0), min(models.trained_at.values())
    if not _outlasts(hours, facts.limits.longest_session, age=facts.now - oldest):
        message = (
            f"freqai.live_retrain_hours is {hours}, counted from the training of a model at "
            f"{oldest:%Y-%m-%d %H:%M} UTC, so one could be trained during the session: limit its "
            "length with TRADAI_LIVE_LONGEST_SESSION_HOURS, and set freqai.live_retrain_hours to "
            "more than that and the age of the models"
        )
        raise TradingError(message, reason="retraining")
    return f"{len(models.trained_at)} approved models, none is trained before {hours} h"


def _outlasts(hours: JsonValue, session: timedelta | None, *, age: timedelta) -> bool:
    """Tell whether models of `age` are not trained again before `session` has passed."""
    if session is None or isinstance(hours, bool) or not isinstance(hours, (int, float)):
        return False
    # Written so that NaN is refused.
    return hours * 3600 > (age + session).total_seconds()


def _section(table: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    section = table.get(name)
    return section if isinstance(section, Mapping) else {}
