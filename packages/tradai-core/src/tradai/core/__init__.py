"""Vocabulary of tradai: errors, values, ports, settings, configuration, logging.

Names are imported when they are used; `exceptions`, `live`, `frames` and `testing` have more.
"""

from tradai.core._lazy import lazy_exports as lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.core._documents.canonical import (
        canonical_json as canonical_json,
        digest as digest,
        files_digest as files_digest,
        version_id as version_id,
    )
    from tradai.core._documents.json_values import (
        FrozenMapping as FrozenMapping,
        JsonObject as JsonObject,
        JsonValue as JsonValue,
        freeze as freeze,
        thaw as thaw,
    )
    from tradai.core._documents.yaml_reader import (
        YamlDocument as YamlDocument,
        read_yaml as read_yaml,
        read_yaml_fields as read_yaml_fields,
        read_yaml_value as read_yaml_value,
    )
    from tradai.core._error_translation import ErrorTable as ErrorTable
    from tradai.core._fork_lock import ForkLock as ForkLock
    from tradai.core._http_problem import HttpProblem as HttpProblem, http_problem as http_problem
    from tradai.core._layers.environment_layer import EnvironmentLayer as EnvironmentLayer
    from tradai.core._layers.layer import (
        ConfigLayer as ConfigLayer,
        LayerData as LayerData,
        Origin as Origin,
    )
    from tradai.core._layers.overrides import (
        OverridesLayer as OverridesLayer,
        parse_override as parse_override,
    )
    from tradai.core._layers.problems import error_sentence as error_sentence
    from tradai.core._layers.suggestions import did_you_mean as did_you_mean
    from tradai.core._layers.yaml_layer import YamlLayer as YamlLayer
    from tradai.core._lease.lease import Lease as Lease
    from tradai.core._lease.lookup import lease_for as lease_for
    from tradai.core._local.atomic_files import (
        atomic_file as atomic_file,
        file_errors as file_errors,
        locked as locked,
    )
    from tradai.core._local.content_cache import ContentCache as ContentCache
    from tradai.core._local.file_journal import FileJournal as FileJournal
    from tradai.core._local.file_store import FileStore as FileStore
    from tradai.core._local.file_uri import (
        file_path as file_path,
        is_file_uri as is_file_uri,
        is_uri as is_uri,
    )
    from tradai.core._local.memory_store import MemoryStore as MemoryStore
    from tradai.core._local.model_repository import ModelRepository as ModelRepository
    from tradai.core._local.object_lease_store import ObjectLeaseStore as ObjectLeaseStore
    from tradai.core._local.regular_files import (
        FileKind as FileKind,
        UnusableFileError as UnusableFileError,
        open_regular_file as open_regular_file,
        read_regular_file as read_regular_file,
    )
    from tradai.core._local.sealed_lines import seal_line as seal_line, unseal_line as unseal_line
    from tradai.core._local.secret_sources import (
        EnvironmentSecrets as EnvironmentSecrets,
        FileSecrets as FileSecrets,
    )
    from tradai.core._local.user_cache import user_cache_folder as user_cache_folder
    from tradai.core._logging.context import (
        carry_context as carry_context,
        run_context as run_context,
    )
    from tradai.core._logging.printable import printable as printable
    from tradai.core._logging.setup import (
        LoggerMixin as LoggerMixin,
        configure_logging as configure_logging,
    )
    from tradai.core._markets.markets import (
        Market as Market,
        MarketHistory as MarketHistory,
        MarketSnapshot as MarketSnapshot,
    )
    from tradai.core._numbers.decimals import (
        Amount as Amount,
        Price as Price,
        plain_text as plain_text,
    )
    from tradai.core._numbers.order_rounding import (
        OrderIntent as OrderIntent,
        check_notional as check_notional,
        quantize_contracts as quantize_contracts,
        round_for as round_for,
    )
    from tradai.core._numbers.quantize import (
        Rounding as Rounding,
        quantize_amount as quantize_amount,
        quantize_price as quantize_price,
    )
    from tradai.core._ports.attached_job import AttachedJob as AttachedJob, attach as attach
    from tradai.core._ports.awaitable_runner import AwaitableRunner as AwaitableRunner
    from tradai.core._ports.backends import backend_for as backend_for
    from tradai.core._ports.job_handle import JobHandle as JobHandle
    from tradai.core._ports.job_log import JobLog as JobLog, LogSummary as LogSummary
    from tradai.core._ports.job_map import JobOutcome as JobOutcome, map_jobs as map_jobs
    from tradai.core._ports.job_runner import (
        AsyncJobRunner as AsyncJobRunner,
        JobLine as JobLine,
        JobRunner as JobRunner,
        check_stop_reason as check_stop_reason,
    )
    from tradai.core._ports.job_spec import (
        Capacity as Capacity,
        JobPlatform as JobPlatform,
        JobSpec as JobSpec,
        LogDelivery as LogDelivery,
    )
    from tradai.core._ports.job_status import (
        JOB_TRANSITIONS as JOB_TRANSITIONS,
        JobInfo as JobInfo,
        JobStatus as JobStatus,
    )
    from tradai.core._ports.lease_store import LeaseStore as LeaseStore
    from tradai.core._ports.protocols import (
        Clock as Clock,
        JournalEntry as JournalEntry,
        ModeHandler as ModeHandler,
        ObjectInfo as ObjectInfo,
        ObjectStore as ObjectStore,
        ResourceCheck as ResourceCheck,
        RunJournal as RunJournal,
        SecretSource as SecretSource,
        StoredObject as StoredObject,
        WaitingClock as WaitingClock,
    )
    from tradai.core._ports.repositories import (
        Coverage as Coverage,
        DataRepository as DataRepository,
        InMemoryRepository as InMemoryRepository,
        Repository as Repository,
        series_name as series_name,
    )
    from tradai.core._ports.resolve_secret import resolve_secret as resolve_secret
    from tradai.core._ports.tracker import (
        Delivery as Delivery,
        MetricPoint as MetricPoint,
        RunTracking as RunTracking,
        TrackedRun as TrackedRun,
        TrackedStatus as TrackedStatus,
        Tracker as Tracker,
    )
    from tradai.core._secrets.detection import looks_like_secret as looks_like_secret
    from tradai.core._secrets.named_values import mask_named_values as mask_named_values
    from tradai.core._secrets.redaction import redact as redact, register_secret as register_secret
    from tradai.core._secrets.reference import SecretReference as SecretReference
    from tradai.core._secrets.safe_cut import (
        CUT_LOOK_AHEAD as CUT_LOOK_AHEAD,
        LONGEST_LINE as LONGEST_LINE,
        safe_cut as safe_cut,
    )
    from tradai.core._secrets.secret import Secret as Secret
    from tradai.core._settings.base_settings import (
        BaseSettings as BaseSettings,
        unknown_variables as unknown_variables,
    )
    from tradai.core._settings.explain import SettingOrigin as SettingOrigin
    from tradai.core._settings.inside_folder import InsideFolder as InsideFolder
    from tradai.core._settings.reference_checks import (
        ReferenceCheck as ReferenceCheck,
        check_references as check_references,
    )
    from tradai.core._settings.secret_files import SecretFileSettings as SecretFileSettings
    from tradai.core._settings.secret_references import (
        SecretReferenceSettings as SecretReferenceSettings,
    )
    from tradai.core._strategy.config import (
        Strategy as Strategy,
        StrategyConfig as StrategyConfig,
        StrategySource as StrategySource,
    )
    from tradai.core._strategy.diff import ConfigDiff as ConfigDiff, diff as diff
    from tradai.core._strategy.execution import Execution as Execution, Pricing as Pricing
    from tradai.core._strategy.loader import (
        LoadedConfig as LoadedConfig,
        StrategyConfigLoader as StrategyConfigLoader,
    )
    from tradai.core._time.clock import SystemClock as SystemClock, utc_now as utc_now
    from tradai.core._time.instants import (
        Utc as Utc,
        from_epoch_ms as from_epoch_ms,
        to_epoch_ms as to_epoch_ms,
    )
    from tradai.core._time.pause import Pause as Pause
    from tradai.core._time.time_range import (
        AnyTimeRange as AnyTimeRange,
        OpenTimeRange as OpenTimeRange,
        TimeRange as TimeRange,
        parse_time_range as parse_time_range,
    )
    from tradai.core._time.timeframe import Timeframe as Timeframe
    from tradai.core._types.modes import MarketType as MarketType, TradingMode as TradingMode
    from tradai.core._types.s3_path import S3Path as S3Path, parse_s3_path as parse_s3_path
    from tradai.core._types.symbols import (
        Currency as Currency,
        Pair as Pair,
        Symbol as Symbol,
        Version as Version,
        pair_parts as pair_parts,
    )

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_documents.canonical": "canonical_json digest files_digest version_id",
            "_documents.json_values": "FrozenMapping JsonObject JsonValue freeze thaw",
            "_documents.yaml_reader": "YamlDocument read_yaml read_yaml_fields read_yaml_value",
            "_error_translation": "ErrorTable",
            "_fork_lock": "ForkLock",
            "_http_problem": "HttpProblem http_problem",
            "_layers.environment_layer": "EnvironmentLayer",
            "_layers.layer": "ConfigLayer LayerData Origin",
            "_layers.overrides": "OverridesLayer parse_override",
            "_layers.problems": "error_sentence",
            "_layers.suggestions": "did_you_mean",
            "_layers.yaml_layer": "YamlLayer",
            "_lazy": "lazy_exports",
            "_lease.lease": "Lease",
            "_lease.lookup": "lease_for",
            "_local.atomic_files": "atomic_file file_errors locked",
            "_local.content_cache": "ContentCache",
            "_local.file_journal": "FileJournal",
            "_local.file_store": "FileStore",
            "_local.file_uri": "file_path is_file_uri is_uri",
            "_local.memory_store": "MemoryStore",
            "_local.model_repository": "ModelRepository",
            "_local.object_lease_store": "ObjectLeaseStore",
            "_local.regular_files": (
                "FileKind UnusableFileError open_regular_file read_regular_file"
            ),
            "_local.sealed_lines": "seal_line unseal_line",
            "_local.secret_sources": "EnvironmentSecrets FileSecrets",
            "_local.user_cache": "user_cache_folder",
            "_logging.context": "carry_context run_context",
            "_logging.printable": "printable",
            "_logging.setup": "LoggerMixin configure_logging",
            "_markets.markets": "Market MarketHistory MarketSnapshot",
            "_numbers.decimals": "Amount Price plain_text",
            "_numbers.order_rounding": "OrderIntent check_notional quantize_contracts round_for",
            "_numbers.quantize": "Rounding quantize_amount quantize_price",
            "_ports.attached_job": "AttachedJob attach",
            "_ports.awaitable_runner": "AwaitableRunner",
            "_ports.backends": "backend_for",
            "_ports.job_handle": "JobHandle",
            "_ports.job_log": "JobLog LogSummary",
            "_ports.job_map": "JobOutcome map_jobs",
            "_ports.job_runner": "AsyncJobRunner JobLine JobRunner check_stop_reason",
            "_ports.job_spec": "Capacity JobPlatform JobSpec LogDelivery",
            "_ports.job_status": "JOB_TRANSITIONS JobInfo JobStatus",
            "_ports.lease_store": "LeaseStore",
            "_ports.protocols": (
                "Clock JournalEntry ModeHandler ObjectInfo ObjectStore ResourceCheck RunJournal "
                "SecretSource StoredObject WaitingClock"
            ),
            "_ports.repositories": (
                "Coverage DataRepository InMemoryRepository Repository series_name"
            ),
            "_ports.resolve_secret": "resolve_secret",
            "_ports.tracker": "Delivery MetricPoint RunTracking TrackedRun TrackedStatus Tracker",
            "_secrets.detection": "looks_like_secret",
            "_secrets.named_values": "mask_named_values",
            "_secrets.redaction": "redact register_secret",
            "_secrets.reference": "SecretReference",
            "_secrets.safe_cut": "CUT_LOOK_AHEAD LONGEST_LINE safe_cut",
            "_secrets.secret": "Secret",
            "_settings.base_settings": "BaseSettings unknown_variables",
            "_settings.explain": "SettingOrigin",
            "_settings.inside_folder": "InsideFolder",
            "_settings.reference_checks": "ReferenceCheck check_references",
            "_settings.secret_files": "SecretFileSettings",
            "_settings.secret_references": "SecretReferenceSettings",
            "_strategy.config": "Strategy StrategyConfig StrategySource",
            "_strategy.diff": "ConfigDiff diff",
            "_strategy.execution": "Execution Pricing",
            "_strategy.loader": "LoadedConfig StrategyConfigLoader",
            "_time.clock": "SystemClock utc_now",
            "_time.instants": "Utc from_epoch_ms to_epoch_ms",
            "_time.pause": "Pause",
            "_time.time_range": "AnyTimeRange OpenTimeRange TimeRange parse_time_range",
            "_time.timeframe": "Timeframe",
            "_types.modes": "MarketType TradingMode",
            "_types.s3_path": "S3Path parse_s3_path",
            "_types.symbols": "Currency Pair Symbol Version pair_parts",
        },
    )
