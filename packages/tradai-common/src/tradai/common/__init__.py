"""Door of tradai.common: one place to import from, whichever slices are installed.

Nothing is imported before it is used. A name whose slice is missing raises an `ImportError` that
says which extra to install, so ``from tradai.common import *`` needs all of them.
"""

from tradai.common._slices import OptionalSlice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws import AwsSettings
    from tradai.cache import CacheSettings
    from tradai.core import (
        Amount,
        BaseSettings,
        Clock,
        Currency,
        DataRepository,
        JsonObject,
        JsonValue,
        LoggerMixin,
        MarketType,
        ModeHandler,
        ObjectStore,
        OrderIntent,
        Pair,
        Price,
        Repository,
        Rounding,
        RunJournal,
        S3Path,
        Secret,
        SecretReference,
        SecretSource,
        Strategy,
        StrategyConfig,
        StrategyConfigLoader,
        Symbol,
        SystemClock,
        Timeframe,
        TimeRange,
        TradingMode,
        Utc,
        Version,
        check_notional,
        from_epoch_ms,
        plain_text,
        quantize_amount,
        quantize_contracts,
        quantize_price,
        round_for,
        to_epoch_ms,
        utc_now,
    )
    from tradai.core.exceptions import (
        ConfigurationError,
        ExternalServiceError,
        NotFoundError,
        StorageError,
        TradAIError,
        TradingError,
        ValidationError,
    )
    from tradai.entrypoint import (
        BaseService,
        EntrypointSettings,
        StrategyEntrypoint,
        TradingEntrypoint,
    )
    from tradai.mlflow import MlflowSettings

__all__ = [
    "Amount",
    "AwsSettings",
    "BaseService",
    "BaseSettings",
    "CacheSettings",
    "Clock",
    "ConfigurationError",
    "Currency",
    "DataRepository",
    "EntrypointSettings",
    "ExternalServiceError",
    "JsonObject",
    "JsonValue",
    "LoggerMixin",
    "MarketType",
    "MlflowSettings",
    "ModeHandler",
    "NotFoundError",
    "ObjectStore",
    "OrderIntent",
    "Pair",
    "Price",
    "Repository",
    "Rounding",
    "RunJournal",
    "S3Path",
    "Secret",
    "SecretReference",
    "SecretSource",
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
    "check_notional",
    "from_epoch_ms",
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
    "AwsSettings": "tradai.aws",
    "BaseService": "tradai.entrypoint",
    "BaseSettings": "tradai.core",
    "CacheSettings": "tradai.cache",
    "Clock": "tradai.core",
    "ConfigurationError": "tradai.core.exceptions",
    "Currency": "tradai.core",
    "DataRepository": "tradai.core",
    "EntrypointSettings": "tradai.entrypoint",
    "ExternalServiceError": "tradai.core.exceptions",
    "JsonObject": "tradai.core",
    "JsonValue": "tradai.core",
    "LoggerMixin": "tradai.core",
    "MarketType": "tradai.core",
    "MlflowSettings": "tradai.mlflow",
    "ModeHandler": "tradai.core",
    "NotFoundError": "tradai.core.exceptions",
    "ObjectStore": "tradai.core",
    "OrderIntent": "tradai.core",
    "Pair": "tradai.core",
    "Price": "tradai.core",
    "Repository": "tradai.core",
    "Rounding": "tradai.core",
    "RunJournal": "tradai.core",
    "S3Path": "tradai.core",
    "Secret": "tradai.core",
    "SecretReference": "tradai.core",
    "SecretSource": "tradai.core",
    "StorageError": "tradai.core.exceptions",
    "Strategy": "tradai.core",
    "StrategyConfig": "tradai.core",
    "StrategyConfigLoader": "tradai.core",
    "StrategyEntrypoint": "tradai.entrypoint",
    "SystemClock": "tradai.core",
    "Symbol": "tradai.core",
    "TimeRange": "tradai.core",
    "Timeframe": "tradai.core",
    "TradAIError": "tradai.core.exceptions",
    "TradingEntrypoint": "tradai.entrypoint",
    "TradingError": "tradai.core.exceptions",
    "TradingMode": "tradai.core",
    "Utc": "tradai.core",
    "ValidationError": "tradai.core.exceptions",
    "Version": "tradai.core",
    "from_epoch_ms": "tradai.core",
    "to_epoch_ms": "tradai.core",
    "utc_now": "tradai.core",
    "check_notional": "tradai.core",
    "plain_text": "tradai.core",
    "quantize_amount": "tradai.core",
    "quantize_contracts": "tradai.core",
    "quantize_price": "tradai.core",
    "round_for": "tradai.core",
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
