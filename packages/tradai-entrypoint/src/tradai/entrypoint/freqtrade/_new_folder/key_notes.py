"""Keys of Freqtrade's configuration that have no place in a strategy folder, with the reasons.

A key that is in none of these tables is mapped to the place that `place_of` knows.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tradai.entrypoint.freqtrade._engine_keys.ownership import (
    OWNED_WITHIN,
    SECRETS as MESSAGE_SECRETS,
)

# Blocks whose keys are judged one by one; any other block moves as a whole.
BLOCKS: Final = frozenset(
    {
        "api_server",
        "ask_strategy",
        "bid_strategy",
        "coingecko",
        "discord",
        "edge",
        "entry_pricing",
        "exchange",
        "exit_pricing",
        "experimental",
        "external_message_consumer",
        "internals",
        "telegram",
        "webhook",
    }
)
_OWN_API: Final = "tradai talks to the engine by an API of its own, with a password of each run"
_MESSAGES: Final = (
    "put the value into the variable {}, or name another secret there; LIVE sends webhook and "
    "Discord messages alone"
)
_REFERENCE: Final = (
    "set it to a reference, such as env:NAME, file:/run/secrets/NAME or aws-sm:trading/keys#{}; "
    "only LIVE reads it"
)
_DATABASE: Final = (
    "each run has a database of its own; set it to the reference of the URL only where live "
    "sessions share a Postgres server"
)
# Secrets of the engine's messages: the reference that stands for each in the new configuration.
MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{name}.{key}": f"env:{name.upper()}_{key.upper()}"
        for name, keys in MESSAGE_SECRETS.items()
        for key in keys
    }
)
# Secrets that have a setting: its name, and the instruction.
SECRETS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        **{
            f"exchange.{name}": ("TRADAI_LIVE_API_KEY", _REFERENCE.format("key"))
            for name in ("apiKey", "api_key", "key")
        },
        "exchange.secret": ("TRADAI_LIVE_API_SECRET", _REFERENCE.format("secret")),
        **{
            key: (f"engine.{key}", _MESSAGES.format(reference.removeprefix("env:")))
            for key, reference in MESSAGES.items()
        },
        "db_url": ("TRADAI_LIVE_DATABASE_URL", _DATABASE),
    }
)
# Values that are never repeated, whether or not a setting takes them.
PRIVATE: Final = frozenset(
    {
        *SECRETS,
        "api_server.jwt_secret_key",
        "api_server.password",
        "api_server.username",
        "api_server.ws_token",
        "coingecko.api_key",
        "exchange.accountId",
        "exchange.account_id",
        "exchange.password",
        "exchange.privateKey",
        "exchange.private_key",
        "exchange.uid",
        "exchange.walletAddress",
        "exchange.wallet_address",
        "external_message_consumer.producers",
    }
)
# Keys with texts in blocks that move with what is in them: Freqtrade's schema has no others.
_TEXTS: Final = {
    "discord": "webhook_url entry_fill exit_fill",
    "freqai": """
        data_split_parameters feature_parameters identifier model_training_parameters rl_config
    """,
    "order_time_in_force": "entry exit",
    "order_types": """
        emergency_exit entry exit force_entry force_exit stoploss stoploss_price_type
    """,
    "telegram": "authorized_users chat_id notification_settings token topic_id",
    "unfilledtimeout": "unit",
    "webhook": """
        analyzed_df entry entry_cancel entry_fill exception exit exit_cancel exit_fill format
        liquidation_warning new_candle protection_trigger protection_trigger_global startup status
        strategy_msg url warning whitelist
    """,
}
TEXTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {block: frozenset(names.split()) for block, names in _TEXTS.items()}
)
# Settings that Freqtrade reads in a block alone, by their names.
IN_BLOCKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        path.partition(".")[2]: path
        for path in (
            *("exchange.pair_blacklist", "exchange.pair_whitelist"),
            *("entry_pricing.price_side", "entry_pricing.use_order_book"),
            "internals.process_throttle_secs",
        )
    }
)
_CLIENT: Final = "tradai sets up the client of the exchange itself"
_FUTURES: Final = "futures are proven in backtests only, which do not use it"
_ANALYSIS: Final = "`analyse CONFIG --bias` decides it"
_REMOVED: Final = "Freqtrade has replaced it and refuses it, too: write {} in its place"
_GONE: Final = "Freqtrade has removed it"
_TRADES: Final = "the engine's trades by the second are not provided"
# Settings that were in another block once.
_OLD_SIGNALS: Final = {
    "ignore_roi_if_buy_signal": "ignore_roi_if_entry_signal",
    "sell_profit_offset": "exit_profit_offset",
    "sell_profit_only": "exit_profit_only",
    "use_sell_signal": "use_exit_signal",
}
_OLD_ROWS: Final = ("order_book_max", "order_book_min")
_ROW: Final = "write order_book_top in its place, the row of the book that is read"

UNSUPPORTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api_server": _OWN_API,
        "ask_strategy": _REMOVED.format("exit_pricing"),
        **{f"ask_strategy.{old}": _REMOVED.format(new) for old, new in _OLD_SIGNALS.items()},
        "bid_strategy": _REMOVED.format("entry_pricing"),
        "coingecko": "profits are given in the stake currency alone",
        "download_trades": "`data download` loads candles alone",
        "edge": _GONE,
        "exchange.ccxt_async_config": _CLIENT,
        "exchange.ccxt_config": _CLIENT,
        "exchange.ccxt_sync_config": _CLIENT,
        "exchange.demo_trading": (
            "LIVE trades with money, never in an exchange's demo: a dry-run trades without"
        ),
        "exchange.enable_ws": "candles come without a websocket, which could not be redirected",
        "exchange.log_responses": _CLIENT,
        "exchange.only_from_ccxt": "`data download` decides where candles come from",
        "exchange.sandbox": _GONE,
        "exchange.skip_open_order_update": "LIVE compares open orders at each start",
        "exchange.skip_pair_validation": _GONE,
        "exchange.use_public_trades": _TRADES,
        **{f"{block}_pricing.{row}": _ROW for block in ("entry", "exit") for row in _OLD_ROWS},
        "experimental": "the engine's experiments are not passed on",
        "external_message_consumer": "signals of other bots are not supported",
        "freqaimodel_path": "put the file of the model beside the strategy: it is found there",
        "hyperopt_path": "put the file of the loss beside the strategy: it is found there",
        "internals.heartbeat_interval": "tradai watches the bot itself: run.max_idle ends it",
        "internals.interval": "the engine's default holds",
        "internals.sd_notify": "a bot is a run, which systemd cannot watch",
        "liquidation_warn_ratio": _FUTURES,
        "log_config": "logs are set up by TRADAI_LOG_FORMAT and TRADAI_LOG_LEVEL",
        "minimum_trade_amount": _ANALYSIS,
        "new_pairs_days": "`data download --timerange` says how far candles go back",
        "orderflow": _TRADES,
        "pairs": "exchange.pair_whitelist has the pairs to trade",
        "protections": _REMOVED.format("protections of the strategy class"),
        "proxy_coin": _FUTURES,
        **{
            key: reason
            for key, reason in OWNED_WITHIN.items()
            if key.partition(".")[0] in MESSAGE_SECRETS
        },
        "startup_candle": _ANALYSIS,
        "strategy_list": "move each strategy by itself, and `compare` them",
        "targeted_trade_amount": _ANALYSIS,
        "ticker_interval": _REMOVED.format("timeframe"),
        "version": "is not read from the file by Freqtrade: write that of the strategy yourself",
        "webhook.webhookstatus": "write status, startup, warning and exception in its place",
    }
)
_RECORDED: Final = "each run keeps its result in its folder"
_IN_OUTPUT: Final = "the output of the command has its own choices"
UNNEEDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "$schema": "`check` checks the new file",
        "add_config_files": "its files have been read",
        "backtest_cache": "a backtest is always computed",
        "config_files": "the engine writes it itself",
        "dataformat_trades": "trades by the second are not read",
        "disableparamexport": "a hyperopt writes best.yaml into the folder of its run",
        "export": _RECORDED,
        "exportfilename": _RECORDED,
        "fiat_display_currency": "profits are given in the stake currency alone",
        "logfile": _RECORDED,
        "lookahead_analysis_exportfilename": _RECORDED,
        "print_all": _IN_OUTPUT,
        "recursive_strategy_search": "the strategy has been found",
        "skip_wallet_history_migration": "each run starts with a new database",
        "user_data_dir": "each run has a folder of its own",
        "verbosity": _IN_OUTPUT,
    }
)
# Keys that became an argument of the command.
ARGUMENTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "datadir": ("--data", "the folder of the candles is an argument of `run`"),
        "strategy": ("strategy.class", "--strategy goes over it"),
        "strategy_path": ("strategy.source", "the source has been copied"),
    }
)
