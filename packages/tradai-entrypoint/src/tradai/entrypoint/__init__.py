"""Door of tradai.entrypoint: boots a process, one mode at a time."""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.entrypoint._async_service import AsyncService as AsyncService
    from tradai.entrypoint._checks import CheckableHandler as CheckableHandler
    from tradai.entrypoint._checks import Checklist as Checklist
    from tradai.entrypoint._checks import CheckRow as CheckRow
    from tradai.entrypoint._checks import CheckStatus as CheckStatus
    from tradai.entrypoint._context import RunContext as RunContext
    from tradai.entrypoint._interrupts import Interrupts as Interrupts
    from tradai.entrypoint._progress import Progress as Progress
    from tradai.entrypoint._registry import HandlerRegistry as HandlerRegistry
    from tradai.entrypoint._request import RunRequest as RunRequest
    from tradai.entrypoint._run_parameters import RunParameters as RunParameters
    from tradai.entrypoint._run_record import RunManifest as RunManifest
    from tradai.entrypoint._run_record import RunRecord as RunRecord
    from tradai.entrypoint._service import BaseService as BaseService
    from tradai.entrypoint._service_states import SERVICE_TRANSITIONS as SERVICE_TRANSITIONS
    from tradai.entrypoint._service_states import ServiceHealth as ServiceHealth
    from tradai.entrypoint._service_states import ServiceState as ServiceState
    from tradai.entrypoint._settings import EntrypointSettings as EntrypointSettings
    from tradai.entrypoint._settings import LogSettings as LogSettings
    from tradai.entrypoint._strategy_entrypoint import HandlerFactory as HandlerFactory
    from tradai.entrypoint._strategy_entrypoint import StrategyEntrypoint as StrategyEntrypoint
    from tradai.entrypoint._trading_entrypoint import TradingEntrypoint as TradingEntrypoint
    from tradai.entrypoint._verdict import ExitCode as ExitCode
    from tradai.entrypoint._verdict import Verdict as Verdict

__all__ = [
    "SERVICE_TRANSITIONS",
    "AsyncService",
    "BaseService",
    "CheckRow",
    "CheckStatus",
    "CheckableHandler",
    "Checklist",
    "EntrypointSettings",
    "ExitCode",
    "HandlerFactory",
    "HandlerRegistry",
    "Interrupts",
    "LogSettings",
    "Progress",
    "RunContext",
    "RunManifest",
    "RunParameters",
    "RunRecord",
    "RunRequest",
    "ServiceHealth",
    "ServiceState",
    "StrategyEntrypoint",
    "TradingEntrypoint",
    "Verdict",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "AsyncService": "_async_service",
            "BaseService": "_service",
            "CheckRow": "_checks",
            "CheckStatus": "_checks",
            "CheckableHandler": "_checks",
            "Checklist": "_checks",
            "EntrypointSettings": "_settings",
            "ExitCode": "_verdict",
            "HandlerFactory": "_strategy_entrypoint",
            "HandlerRegistry": "_registry",
            "Interrupts": "_interrupts",
            "LogSettings": "_settings",
            "Progress": "_progress",
            "RunContext": "_context",
            "RunManifest": "_run_record",
            "RunParameters": "_run_parameters",
            "RunRecord": "_run_record",
            "RunRequest": "_request",
            "SERVICE_TRANSITIONS": "_service_states",
            "ServiceHealth": "_service_states",
            "ServiceState": "_service_states",
            "StrategyEntrypoint": "_strategy_entrypoint",
            "TradingEntrypoint": "_trading_entrypoint",
            "Verdict": "_verdict",
        },
    )
