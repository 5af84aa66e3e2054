"""The checks before a live session, with the command that mends what each of them finds."""

from typing import Final

from tradai.entrypoint._live._risk import restarts
from tradai.entrypoint._preflight import (
    account_checks,
    engine_checks,
    market_checks,
    state_checks,
)
from tradai.entrypoint._preflight.checks import (
    CheckFunction,
    PreflightCheck,
    plugin_checks,
    require_own_names,
)

_RUN: Final = "tradai-entrypoint run CONFIG"
_EDIT: Final = "edit the strategy's YAML, then `tradai-entrypoint check CONFIG --mode live`"
_VENUE: Final = "change it at the exchange, then `tradai-entrypoint check CONFIG --mode live`"
# In the order of the causes: what a row needs stands above it.
_CHECKS: Final[tuple[tuple[str, CheckFunction, str], ...]] = (
    ("environment", engine_checks.check_environment, "unset NAME"),
    ("halt latch", state_checks.check_halt, "tradai-entrypoint resume --reason ..."),
    (restarts.CHECK_NAME, state_checks.check_restarts, "tradai-entrypoint resume --reason ..."),
    ("durable state", state_checks.check_state, "export TRADAI_LIVE_DURABLE_VOLUME=/volume"),
    ("disk", state_checks.check_disk, "df -h"),
    (
        "trade database",
        state_checks.check_database,
        "export TRADAI_LIVE_DATABASE_URL=REFERENCE",
    ),
    ("engine schema", engine_checks.check_schema, _EDIT),
    ("live settings", engine_checks.check_live_settings, _EDIT),
    ("pair list", engine_checks.check_pair_list, _EDIT),
    ("force entry", engine_checks.check_force_entry, _EDIT),
    (
        "order prefix",
        engine_checks.check_order_prefix,
        "pip install 'tradai-entrypoint[freqtrade]'",
    ),
    ("models", engine_checks.check_models, f"{_RUN} --mode train"),
    ("dry-run", state_checks.check_dry_run, f"{_RUN} --mode dry-run"),
    ("clock", account_checks.check_clock, "timedatectl"),
    ("key rights", account_checks.check_rights, _VENUE),
    ("pairs", market_checks.check_pairs, _EDIT),
    ("candles", market_checks.check_candles, _EDIT),
    ("stake", market_checks.check_stake, _EDIT),
    ("balance", account_checks.check_balance, _EDIT),
    ("open orders", account_checks.check_open_orders, _VENUE),
    ("holdings", account_checks.check_holdings, f"{_RUN} --mode live --accept-holdings"),
)
BUILT_IN: Final = tuple(
    PreflightCheck(name=name, run=run, command=command) for name, run, command in _CHECKS
)


def preflight_checks() -> tuple[PreflightCheck, ...]:
    """Return our checks and those of plug-ins; a plug-in cannot take the place of one of ours.

    Raises:
        ConfigurationError: Two checks have one name.
    """
    return require_own_names((*BUILT_IN, *plugin_checks()))
