"""Door of tradai.core: the vocabulary that every other tradai distribution speaks.

Names are imported when they are used. Errors live in `tradai.core.exceptions`, pandas-based
repositories in `tradai.core.frames`, the test kit in `tradai.core.testing`.
"""

from tradai.core._door import lazy_door as lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.core._amounts import Amount as Amount
    from tradai.core._amounts import Price as Price
    from tradai.core._amounts import plain_text as plain_text
    from tradai.core._backends import backend_for as backend_for
    from tradai.core._clock import SystemClock as SystemClock
    from tradai.core._clock import utc_now as utc_now
    from tradai.core._config_diff import ConfigDiff as ConfigDiff
    from tradai.core._config_diff import diff as diff
    from tradai.core._config_layers import ConfigLayer as ConfigLayer
    from tradai.core._config_layers import EnvironmentLayer as EnvironmentLayer
    from tradai.core._config_layers import LayerData as LayerData
    from tradai.core._config_layers import Origin as Origin
    from tradai.core._config_layers import OverridesLayer as OverridesLayer
    from tradai.core._config_layers import YamlLayer as YamlLayer
    from tradai.core._config_loader import LoadedConfig as LoadedConfig
    from tradai.core._config_loader import StrategyConfigLoader as StrategyConfigLoader
    from tradai.core._digest import canonical_json as canonical_json
    from tradai.core._digest import digest as digest
    from tradai.core._digest import version_id as version_id
    from tradai.core._disk import file_path as file_path
    from tradai.core._execution import Execution as Execution
    from tradai.core._execution import Pricing as Pricing
    from tradai.core._instants import from_epoch_ms as from_epoch_ms
    from tradai.core._instants import to_epoch_ms as to_epoch_ms
    from tradai.core._journal import FileJournal as FileJournal
    from tradai.core._json import JsonObject as JsonObject
    from tradai.core._json import JsonValue as JsonValue
    from tradai.core._json import freeze as freeze
    from tradai.core._json import thaw as thaw
    from tradai.core._logging import LoggerMixin as LoggerMixin
    from tradai.core._logging import carry_context as carry_context
    from tradai.core._logging import configure_logging as configure_logging
    from tradai.core._logging import run_context as run_context
    from tradai.core._markets import Market as Market
    from tradai.core._markets import MarketHistory as MarketHistory
    from tradai.core._markets import MarketSnapshot as MarketSnapshot
    from tradai.core._model_repository import ModelRepository as ModelRepository
    from tradai.core._modes import MarketType as MarketType
    from tradai.core._modes import TradingMode as TradingMode
    from tradai.core._orders import OrderIntent as OrderIntent
    from tradai.core._orders import check_notional as check_notional
    from tradai.core._orders import quantize_contracts as quantize_contracts
    from tradai.core._orders import round_for as round_for
    from tradai.core._ports import Clock as Clock
    from tradai.core._ports import JournalEntry as JournalEntry
    from tradai.core._ports import ModeHandler as ModeHandler
    from tradai.core._ports import ObjectInfo as ObjectInfo
    from tradai.core._ports import ObjectStore as ObjectStore
    from tradai.core._ports import RunJournal as RunJournal
    from tradai.core._ports import SecretSource as SecretSource
    from tradai.core._ports import StoredObject as StoredObject
    from tradai.core._quantize import Rounding as Rounding
    from tradai.core._quantize import quantize_amount as quantize_amount
    from tradai.core._quantize import quantize_price as quantize_price
    from tradai.core._redaction import redact as redact
    from tradai.core._redaction import register_secret as register_secret
    from tradai.core._repositories import Coverage as Coverage
    from tradai.core._repositories import DataRepository as DataRepository
    from tradai.core._repositories import InMemoryRepository as InMemoryRepository
    from tradai.core._repositories import Repository as Repository
    from tradai.core._s3_path import S3Path as S3Path
    from tradai.core._s3_path import parse_s3_path as parse_s3_path
    from tradai.core._secret import Secret as Secret
    from tradai.core._secret_lookup import resolve_secret as resolve_secret
    from tradai.core._secret_reference import SecretReference as SecretReference
    from tradai.core._secrets import EnvironmentSecrets as EnvironmentSecrets
    from tradai.core._secrets import FileSecrets as FileSecrets
    from tradai.core._setting_origins import SettingOrigin as SettingOrigin
    from tradai.core._setting_paths import InsideFolder as InsideFolder
    from tradai.core._settings import BaseSettings as BaseSettings
    from tradai.core._settings import unknown_variables as unknown_variables
    from tradai.core._stores import FileStore as FileStore
    from tradai.core._stores import MemoryStore as MemoryStore
    from tradai.core._strategy_config import Strategy as Strategy
    from tradai.core._strategy_config import StrategyConfig as StrategyConfig
    from tradai.core._strategy_config import StrategySource as StrategySource
    from tradai.core._time_range import TimeRange as TimeRange
    from tradai.core._timeframe import Timeframe as Timeframe
    from tradai.core._translation import ErrorTable as ErrorTable
    from tradai.core._types import Currency as Currency
    from tradai.core._types import Pair as Pair
    from tradai.core._types import Symbol as Symbol
    from tradai.core._types import Version as Version
    from tradai.core._types import pair_parts as pair_parts
    from tradai.core._utc import Utc as Utc
    from tradai.core._yaml import YamlDocument as YamlDocument
    from tradai.core._yaml import read_yaml as read_yaml
    from tradai.core._yaml import read_yaml_fields as read_yaml_fields
    from tradai.core._yaml import read_yaml_value as read_yaml_value

__all__ = [
    "Amount",
    "BaseSettings",
    "Clock",
    "ConfigDiff",
    "ConfigLayer",
    "Coverage",
    "Currency",
    "DataRepository",
    "EnvironmentLayer",
    "EnvironmentSecrets",
    "ErrorTable",
    "Execution",
    "FileJournal",
    "FileSecrets",
    "FileStore",
    "InMemoryRepository",
    "InsideFolder",
    "JournalEntry",
    "JsonObject",
    "JsonValue",
    "LayerData",
    "LoadedConfig",
    "LoggerMixin",
    "Market",
    "MarketHistory",
    "MarketSnapshot",
    "MarketType",
    "MemoryStore",
    "ModeHandler",
    "ModelRepository",
    "ObjectInfo",
    "ObjectStore",
    "OrderIntent",
    "Origin",
    "OverridesLayer",
    "Pair",
    "Price",
    "Pricing",
    "Repository",
    "Rounding",
    "RunJournal",
    "S3Path",
    "Secret",
    "SecretReference",
    "SecretSource",
    "SettingOrigin",
    "StoredObject",
    "Strategy",
    "StrategyConfig",
    "StrategyConfigLoader",
    "StrategySource",
    "Symbol",
    "SystemClock",
    "TimeRange",
    "Timeframe",
    "TradingMode",
    "Utc",
    "Version",
    "YamlDocument",
    "YamlLayer",
    "backend_for",
    "canonical_json",
    "carry_context",
    "check_notional",
    "configure_logging",
    "diff",
    "digest",
    "file_path",
    "freeze",
    "from_epoch_ms",
    "lazy_door",
    "pair_parts",
    "parse_s3_path",
    "plain_text",
    "quantize_amount",
    "quantize_contracts",
    "quantize_price",
    "read_yaml",
    "read_yaml_fields",
    "read_yaml_value",
    "redact",
    "register_secret",
    "resolve_secret",
    "round_for",
    "run_context",
    "thaw",
    "to_epoch_ms",
    "unknown_variables",
    "utc_now",
    "version_id",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "Amount": "_amounts",
            "BaseSettings": "_settings",
            "Clock": "_ports",
            "ConfigDiff": "_config_diff",
            "ConfigLayer": "_config_layers",
            "Coverage": "_repositories",
            "Currency": "_types",
            "DataRepository": "_repositories",
            "EnvironmentLayer": "_config_layers",
            "EnvironmentSecrets": "_secrets",
            "ErrorTable": "_translation",
            "Execution": "_execution",
            "FileJournal": "_journal",
            "FileSecrets": "_secrets",
            "FileStore": "_stores",
            "InMemoryRepository": "_repositories",
            "InsideFolder": "_setting_paths",
            "JournalEntry": "_ports",
            "JsonObject": "_json",
            "JsonValue": "_json",
            "LayerData": "_config_layers",
            "LoadedConfig": "_config_loader",
            "LoggerMixin": "_logging",
            "Market": "_markets",
            "MarketHistory": "_markets",
            "MarketSnapshot": "_markets",
            "MarketType": "_modes",
            "MemoryStore": "_stores",
            "ModeHandler": "_ports",
            "ModelRepository": "_model_repository",
            "ObjectInfo": "_ports",
            "ObjectStore": "_ports",
            "OrderIntent": "_orders",
            "Origin": "_config_layers",
            "OverridesLayer": "_config_layers",
            "Pair": "_types",
            "Price": "_amounts",
            "Pricing": "_execution",
            "Repository": "_repositories",
            "Rounding": "_quantize",
            "RunJournal": "_ports",
            "S3Path": "_s3_path",
            "Secret": "_secret",
            "SecretReference": "_secret_reference",
            "SecretSource": "_ports",
            "SettingOrigin": "_setting_origins",
            "StoredObject": "_ports",
            "Strategy": "_strategy_config",
            "StrategyConfig": "_strategy_config",
            "StrategyConfigLoader": "_config_loader",
            "StrategySource": "_strategy_config",
            "Symbol": "_types",
            "SystemClock": "_clock",
            "TimeRange": "_time_range",
            "Timeframe": "_timeframe",
            "TradingMode": "_modes",
            "Utc": "_utc",
            "Version": "_types",
            "YamlDocument": "_yaml",
            "YamlLayer": "_config_layers",
            "backend_for": "_backends",
            "canonical_json": "_digest",
            "carry_context": "_logging",
            "check_notional": "_orders",
            "configure_logging": "_logging",
            "diff": "_config_diff",
            "digest": "_digest",
            "file_path": "_disk",
            "freeze": "_json",
            "from_epoch_ms": "_instants",
            "pair_parts": "_types",
            "parse_s3_path": "_s3_path",
            "plain_text": "_amounts",
            "quantize_amount": "_quantize",
            "quantize_contracts": "_orders",
            "quantize_price": "_quantize",
            "read_yaml": "_yaml",
            "read_yaml_fields": "_yaml",
            "read_yaml_value": "_yaml",
            "redact": "_redaction",
            "register_secret": "_redaction",
            "resolve_secret": "_secret_lookup",
            "round_for": "_orders",
            "run_context": "_logging",
            "thaw": "_json",
            "to_epoch_ms": "_instants",
            "unknown_variables": "_settings",
            "utc_now": "_clock",
            "version_id": "_digest",
        },
    )
