"""Keys that the block `engine` may have, and those that tradai decides, with the reasons."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    DEFAULT_EXCHANGE,
    FUTURES_EXCHANGE,
)

# Blocks with an address or a token, which stands there as a reference to a secret.
SECRETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "discord": ("webhook_url",),
        "telegram": ("token", "chat_id"),
        "webhook": ("url",),
    }
)
ALLOWED: Final = frozenset(
    {
        "backtest_breakdown",
        "exchange",
        *SECRETS,
    }
)
# Those that it may have where contracts are traded.
FUTURES: Final = frozenset({"futures_funding_rate", "liquidation_buffer"})
# Of these, those that the engine reads and that its schema does not have.
NOT_IN_SCHEMA: Final = frozenset({"futures_funding_rate"})
# The one block of which tradai decides a part.
EXCHANGE: Final = frozenset({"markets_refresh_interval", "outdated_offset", "unknown_fee_rate"})

_CONTRACTS: Final = f"it is for futures: write `exchange: {FUTURES_EXCHANGE}` at the top level"
_MARKET: Final = f"write `exchange: {DEFAULT_EXCHANGE}` for spot, `{FUTURES_EXCHANGE}` for futures"
_MARGIN: Final = f"with `exchange: {FUTURES_EXCHANGE}` it is isolated; cross is not supported"
_FUTURES_BOT: Final = "futures are proven in backtests only, which do not use it"
_FOLDERS: Final = "a run has a folder of its own"
_BIAS: Final = "`analyse CONFIG --bias` decides it"
_DOWNLOAD: Final = "`data download` and its flags decide it"
_OUTPUT: Final = "a run keeps its result in its folder"
# Keys that tradai decides, and what to use instead.
OWNED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "add_config_files": "extend the configuration with `defaults` instead",
        "api_server": "the API has an address and a password of each run; `status` asks the bot",
        "backtest_cache": "a backtest is always computed",
        "coingecko": "profits are given in the stake currency alone",
        "config_files": "extend the configuration with `defaults` instead",
        "datadir": "name the candles with --data",
        "dataformat_ohlcv": "candles are found in feather and in Parquet",
        "dataformat_trades": "trades by the second are not read",
        "db_url": "a run has a database of its own, LIVE that of TRADAI_LIVE_DATABASE_URL",
        "disableparamexport": _OUTPUT,
        "download_trades": _DOWNLOAD,
        "dry_run": "the mode is set with --mode",
        "experimental": "an exchange that is not proven is refused",
        "export": _OUTPUT,
        "exportdirectory": _OUTPUT,
        "exportfilename": _OUTPUT,
        "external_message_consumer": "a run takes no signals of other bots",
        "fiat_display_currency": "profits are given in the stake currency alone",
        "force_entry_enable": "only the strategy opens positions",
        "freqaimodel_path": "put the file of the model beside the strategy",
        "hyperopt_path": "put the file of the loss beside the strategy",
        "initial_state": "a dry-run starts at once, and LIVE when its checks have passed",
        "internals": "write execution.process_throttle_s; tradai watches the bot itself",
        "futures_funding_rate": _CONTRACTS,
        "liquidation_buffer": _CONTRACTS,
        "liquidation_warn_ratio": _FUTURES_BOT,
        "log_config": "write TRADAI_LOG_FORMAT and TRADAI_LOG_LEVEL",
        "logfile": "engine.log in the folder of the run has the log",
        "lookahead_analysis_exportfilename": _OUTPUT,
        "margin_mode": _MARGIN,
        "minimum_trade_amount": _BIAS,
        "new_pairs_days": _DOWNLOAD,
        "orderflow": "the engine's trades by the second are not provided",
        "pairlists": "name all pairs under pairs",
        "print_all": "the verdict is read from the engine's output",
        "proxy_coin": _FUTURES_BOT,
        "recursive_strategy_search": "name the folder with strategy.source",
        "runmode": "the mode is set with --mode",
        "skip_wallet_history_migration": "a run starts with a new database",
        "startup_candle": _BIAS,
        "targeted_trade_amount": _BIAS,
        "trading_mode": _MARKET,
        "user_data_dir": _FOLDERS,
        "userdir": _FOLDERS,
        "verbosity": "write TRADAI_LOG_LEVEL",
    }
)
# The same of single keys within an allowed block.
OWNED_WITHIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "telegram.authorized_users": "the bot takes no commands; `status` and `stop` ask it",
        "telegram.keyboard": "the bot takes no commands; `status` and `stop` ask it",
        "telegram.reload": "the bot takes no commands; `status` and `stop` ask it",
        **{
            f"exchange.{name}": "LIVE reads TRADAI_LIVE_API_KEY and TRADAI_LIVE_API_SECRET"
            for name in ("api_key", "apiKey", "key", "secret", "password", "uid")
        },
        "exchange.name": "write `exchange: NAME` at the top level",
        "exchange.pair_whitelist": "name all pairs under pairs",
        "exchange.pair_blacklist": "leave the pair out of pairs",
    }
)
