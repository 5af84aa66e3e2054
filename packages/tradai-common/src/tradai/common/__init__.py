"""Door of tradai.common: one place to import from, whichever slices are installed.

Nothing is imported before it is used. A name whose slice is missing raises an `ImportError` that
says which extra to install, so ``from tradai.common import *`` needs all of them.
"""

from tradai.common._slices import OptionalSlice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws import Arn as Arn
    from tradai.aws import AwsError as AwsError
    from tradai.aws import AwsSettings as AwsSettings
    from tradai.aws import HeldSecret as HeldSecret
    from tradai.aws import S3Config as S3Config
    from tradai.aws import S3Layer as S3Layer
    from tradai.aws import S3Object as S3Object
    from tradai.aws import S3Store as S3Store
    from tradai.aws import SecretsEditor as SecretsEditor
    from tradai.aws import SecretsManager as SecretsManager
    from tradai.aws import SecretsPolicy as SecretsPolicy
    from tradai.aws import client_for as client_for
    from tradai.aws import get_secret as get_secret
    from tradai.aws import get_secrets_client as get_secrets_client
    from tradai.aws import load_config as load_config
    from tradai.cache import Cache as Cache
    from tradai.cache import CachedDataRepository as CachedDataRepository
    from tradai.cache import CacheHook as CacheHook
    from tradai.cache import CacheSettings as CacheSettings
    from tradai.cache import CacheStats as CacheStats
    from tradai.cache import CacheUnavailableError as CacheUnavailableError
    from tradai.cache import Held as Held
    from tradai.cache import Namespace as Namespace
    from tradai.cache import candle as candle
    from tradai.core import Amount as Amount
    from tradai.core import BaseSettings as BaseSettings
    from tradai.core import Clock as Clock
    from tradai.core import Currency as Currency
    from tradai.core import DataRepository as DataRepository
    from tradai.core import JsonObject as JsonObject
    from tradai.core import JsonValue as JsonValue
    from tradai.core import LoggerMixin as LoggerMixin
    from tradai.core import MarketType as MarketType
    from tradai.core import ModeHandler as ModeHandler
    from tradai.core import ObjectStore as ObjectStore
    from tradai.core import OrderIntent as OrderIntent
    from tradai.core import Pair as Pair
    from tradai.core import Price as Price
    from tradai.core import Repository as Repository
    from tradai.core import Rounding as Rounding
    from tradai.core import RunJournal as RunJournal
    from tradai.core import S3Path as S3Path
    from tradai.core import Secret as Secret
    from tradai.core import SecretReference as SecretReference
    from tradai.core import SecretSource as SecretSource
    from tradai.core import Strategy as Strategy
    from tradai.core import StrategyConfig as StrategyConfig
    from tradai.core import StrategyConfigLoader as StrategyConfigLoader
    from tradai.core import Symbol as Symbol
    from tradai.core import SystemClock as SystemClock
    from tradai.core import Timeframe as Timeframe
    from tradai.core import TimeRange as TimeRange
    from tradai.core import TradingMode as TradingMode
    from tradai.core import Utc as Utc
    from tradai.core import Version as Version
    from tradai.core import check_notional as check_notional
    from tradai.core import from_epoch_ms as from_epoch_ms
    from tradai.core import parse_s3_path as parse_s3_path
    from tradai.core import plain_text as plain_text
    from tradai.core import quantize_amount as quantize_amount
    from tradai.core import quantize_contracts as quantize_contracts
    from tradai.core import quantize_price as quantize_price
    from tradai.core import round_for as round_for
    from tradai.core import to_epoch_ms as to_epoch_ms
    from tradai.core import utc_now as utc_now
    from tradai.core.exceptions import ConfigurationError as ConfigurationError
    from tradai.core.exceptions import ExternalServiceError as ExternalServiceError
    from tradai.core.exceptions import NotFoundError as NotFoundError
    from tradai.core.exceptions import StorageError as StorageError
    from tradai.core.exceptions import TradAIError as TradAIError
    from tradai.core.exceptions import TradingError as TradingError
    from tradai.core.exceptions import ValidationError as ValidationError
    from tradai.entrypoint import BaseService as BaseService
    from tradai.entrypoint import EntrypointSettings as EntrypointSettings
    from tradai.entrypoint import StrategyEntrypoint as StrategyEntrypoint
    from tradai.entrypoint import TradingEntrypoint as TradingEntrypoint
    from tradai.mlflow import MlflowSettings as MlflowSettings

__all__ = [
    "Amount",
    "Arn",
    "AwsError",
    "AwsSettings",
    "BaseService",
    "BaseSettings",
    "Cache",
    "CacheHook",
    "CacheSettings",
    "CacheStats",
    "CacheUnavailableError",
    "CachedDataRepository",
    "Clock",
    "ConfigurationError",
    "Currency",
    "DataRepository",
    "EntrypointSettings",
    "ExternalServiceError",
    "Held",
    "HeldSecret",
    "JsonObject",
    "JsonValue",
    "LoggerMixin",
    "MarketType",
    "MlflowSettings",
    "ModeHandler",
    "Namespace",
    "NotFoundError",
    "ObjectStore",
    "OrderIntent",
    "Pair",
    "Price",
    "Repository",
    "Rounding",
    "RunJournal",
    "S3Config",
    "S3Layer",
    "S3Object",
    "S3Path",
    "S3Store",
    "Secret",
    "SecretReference",
    "SecretSource",
    "SecretsEditor",
    "SecretsManager",
    "SecretsPolicy",
    "StorageError",
    "Strategy",
    "StrategyConfig",
    "StrategyConfigLoader",
    "StrategyEntrypoint",
    "Symbol",
    "SystemClock",
    "TimeRange",
    "Timeframe",
    "TradAIError",
    "TradingEntrypoint",
    "TradingError",
    "TradingMode",
    "Utc",
    "ValidationError",
    "Version",
    "candle",
    "check_notional",
    "client_for",
    "from_epoch_ms",
    "get_secret",
    "get_secrets_client",
    "load_config",
    "parse_s3_path",
    "plain_text",
    "quantize_amount",
    "quantize_contracts",
    "quantize_price",
    "round_for",
    "to_epoch_ms",
    "utc_now",
]

_HOMES = {
    "Amount": "tradai.core",
    "Arn": "tradai.aws",
    "AwsError": "tradai.aws",
    "AwsSettings": "tradai.aws",
    "BaseService": "tradai.entrypoint",
    "BaseSettings": "tradai.core",
    "Cache": "tradai.cache",
    "CacheHook": "tradai.cache",
    "CacheSettings": "tradai.cache",
    "CacheStats": "tradai.cache",
    "CacheUnavailableError": "tradai.cache",
    "CachedDataRepository": "tradai.cache",
    "Clock": "tradai.core",
    "ConfigurationError": "tradai.core.exceptions",
    "Currency": "tradai.core",
    "DataRepository": "tradai.core",
    "EntrypointSettings": "tradai.entrypoint",
    "ExternalServiceError": "tradai.core.exceptions",
    "Held": "tradai.cache",
    "HeldSecret": "tradai.aws",
    "JsonObject": "tradai.core",
    "JsonValue": "tradai.core",
    "LoggerMixin": "tradai.core",
    "MarketType": "tradai.core",
    "MlflowSettings": "tradai.mlflow",
    "ModeHandler": "tradai.core",
    "Namespace": "tradai.cache",
    "NotFoundError": "tradai.core.exceptions",
    "ObjectStore": "tradai.core",
    "OrderIntent": "tradai.core",
    "Pair": "tradai.core",
    "Price": "tradai.core",
    "Repository": "tradai.core",
    "Rounding": "tradai.core",
    "RunJournal": "tradai.core",
    "S3Config": "tradai.aws",
    "S3Layer": "tradai.aws",
    "S3Object": "tradai.aws",
    "S3Path": "tradai.core",
    "S3Store": "tradai.aws",
    "Secret": "tradai.core",
    "SecretReference": "tradai.core",
    "SecretSource": "tradai.core",
    "SecretsEditor": "tradai.aws",
    "SecretsManager": "tradai.aws",
    "SecretsPolicy": "tradai.aws",
    "StorageError": "tradai.core.exceptions",
    "Strategy": "tradai.core",
    "StrategyConfig": "tradai.core",
    "StrategyConfigLoader": "tradai.core",
    "StrategyEntrypoint": "tradai.entrypoint",
    "Symbol": "tradai.core",
    "SystemClock": "tradai.core",
    "TimeRange": "tradai.core",
    "Timeframe": "tradai.core",
    "TradAIError": "tradai.core.exceptions",
    "TradingEntrypoint": "tradai.entrypoint",
    "TradingError": "tradai.core.exceptions",
    "TradingMode": "tradai.core",
    "Utc": "tradai.core",
    "ValidationError": "tradai.core.exceptions",
    "Version": "tradai.core",
    "candle": "tradai.cache",
    "check_notional": "tradai.core",
    "client_for": "tradai.aws",
    "from_epoch_ms": "tradai.core",
    "get_secret": "tradai.aws",
    "get_secrets_client": "tradai.aws",
    "load_config": "tradai.aws",
    "parse_s3_path": "tradai.core",
    "plain_text": "tradai.core",
    "quantize_amount": "tradai.core",
    "quantize_contracts": "tradai.core",
    "quantize_price": "tradai.core",
    "round_for": "tradai.core",
    "to_epoch_ms": "tradai.core",
    "utc_now": "tradai.core",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message, name=name)
        home = _HOMES[name]
        with OptionalSlice(home.split(".")[1]):
            value = getattr(__import__(home, fromlist=(name,)), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
