"""Public names of all tradai distributions in one place, whichever are installed.

Nothing is imported before it is used. A name whose distribution is missing raises an `ImportError`
that names the extra to install, so ``from tradai.common import *`` needs all of them.
"""

from tradai.common._optional import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws import (
        Arn as Arn,
        AwsError as AwsError,
        AwsSettings as AwsSettings,
        ECSJobManager as ECSJobManager,
        EcsRunner as EcsRunner,
        EcsSettings as EcsSettings,
        HeldSecret as HeldSecret,
        S3Config as S3Config,
        S3Layer as S3Layer,
        S3Object as S3Object,
        S3Store as S3Store,
        SecretsEditor as SecretsEditor,
        SecretsManager as SecretsManager,
        SecretsPolicy as SecretsPolicy,
        client_for as client_for,
        get_secret as get_secret,
        get_secrets_client as get_secrets_client,
        load_config as load_config,
    )
    from tradai.cache import (
        Cache as Cache,
        CachedDataRepository as CachedDataRepository,
        CacheHook as CacheHook,
        CacheSettings as CacheSettings,
        CacheStats as CacheStats,
        CacheUnavailableError as CacheUnavailableError,
        Namespace as Namespace,
        PeekResult as PeekResult,
        candle as candle,
    )
    from tradai.core import (
        Amount as Amount,
        BaseSettings as BaseSettings,
        Clock as Clock,
        Currency as Currency,
        DataRepository as DataRepository,
        JobHandle as JobHandle,
        JobInfo as JobInfo,
        JobSpec as JobSpec,
        JobStatus as JobStatus,
        JsonObject as JsonObject,
        JsonValue as JsonValue,
        LoggerMixin as LoggerMixin,
        MarketType as MarketType,
        ModeHandler as ModeHandler,
        ObjectStore as ObjectStore,
        OrderIntent as OrderIntent,
        Pair as Pair,
        Price as Price,
        Repository as Repository,
        Rounding as Rounding,
        RunJournal as RunJournal,
        S3Path as S3Path,
        Secret as Secret,
        SecretReference as SecretReference,
        SecretSource as SecretSource,
        Strategy as Strategy,
        StrategyConfig as StrategyConfig,
        StrategyConfigLoader as StrategyConfigLoader,
        Symbol as Symbol,
        SystemClock as SystemClock,
        Timeframe as Timeframe,
        TimeRange as TimeRange,
        TradingMode as TradingMode,
        Utc as Utc,
        Version as Version,
        check_notional as check_notional,
        from_epoch_ms as from_epoch_ms,
        parse_s3_path as parse_s3_path,
        plain_text as plain_text,
        quantize_amount as quantize_amount,
        quantize_contracts as quantize_contracts,
        quantize_price as quantize_price,
        round_for as round_for,
        to_epoch_ms as to_epoch_ms,
        utc_now as utc_now,
    )
    from tradai.core.exceptions import (
        ConfigurationError as ConfigurationError,
        ExternalServiceError as ExternalServiceError,
        NotFoundError as NotFoundError,
        StorageError as StorageError,
        TradAIError as TradAIError,
        TradingError as TradingError,
        ValidationError as ValidationError,
    )
    from tradai.entrypoint import (
        BaseService as BaseService,
        EntrypointSettings as EntrypointSettings,
        StrategyEntrypoint as StrategyEntrypoint,
        TradingEntrypoint as TradingEntrypoint,
    )
    from tradai.mlflow import (
        Experiment as Experiment,
        ExperimentRun as ExperimentRun,
        MLflowClient as MLflowClient,
        MLflowError as MLflowError,
        MLflowSettings as MLflowSettings,
        ModelStage as ModelStage,
        ModelVersion as ModelVersion,
        RegisteredModel as RegisteredModel,
        RunMetric as RunMetric,
        RunStatus as RunStatus,
    )

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "tradai.aws": (
                "Arn AwsError AwsSettings ECSJobManager EcsRunner EcsSettings HeldSecret "
                "S3Config S3Layer S3Object S3Store SecretsEditor SecretsManager SecretsPolicy "
                "client_for get_secret get_secrets_client load_config"
            ),
            "tradai.cache": (
                "Cache CacheHook CacheSettings CacheStats CacheUnavailableError "
                "CachedDataRepository Namespace PeekResult candle"
            ),
            "tradai.core": (
                "Amount BaseSettings Clock Currency DataRepository JobHandle JobInfo "
                "JobSpec JobStatus JsonObject JsonValue "
                "LoggerMixin MarketType ModeHandler ObjectStore OrderIntent Pair Price "
                "Repository Rounding RunJournal S3Path Secret SecretReference SecretSource "
                "Strategy StrategyConfig StrategyConfigLoader Symbol SystemClock TimeRange "
                "Timeframe TradingMode Utc Version check_notional from_epoch_ms parse_s3_path "
                "plain_text quantize_amount quantize_contracts quantize_price round_for "
                "to_epoch_ms utc_now"
            ),
            "tradai.core.exceptions": (
                "ConfigurationError ExternalServiceError NotFoundError StorageError TradAIError "
                "TradingError ValidationError"
            ),
            "tradai.entrypoint": (
                "BaseService EntrypointSettings StrategyEntrypoint TradingEntrypoint"
            ),
            "tradai.mlflow": (
                "Experiment ExperimentRun MLflowClient MLflowError MLflowSettings ModelStage "
                "ModelVersion RegisteredModel RunMetric RunStatus"
            ),
        },
    )
