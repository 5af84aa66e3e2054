"""Runs of one strategy in one mode, and long-lived services."""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.entrypoint._alerts.channels import (
        LogChannel as LogChannel,
        WebhookChannel as WebhookChannel,
    )
    from tradai.entrypoint._inputs.settings import InputSettings as InputSettings
    from tradai.entrypoint._jobs.local_runner import LocalRunner as LocalRunner
    from tradai.entrypoint._live.live_settings import LiveSettings as LiveSettings
    from tradai.entrypoint._main import main as main
    from tradai.entrypoint._preflight.checks import Warned as Warned
    from tradai.entrypoint._preflight.facts import PreflightFacts as PreflightFacts
    from tradai.entrypoint._process.checks import (
        CheckableHandler as CheckableHandler,
        Checklist as Checklist,
        CheckRow as CheckRow,
        CheckStatus as CheckStatus,
    )
    from tradai.entrypoint._process.exit_codes import ExitCode as ExitCode, Verdict as Verdict
    from tradai.entrypoint._process.interrupts import Interrupts as Interrupts
    from tradai.entrypoint._process.progress import Progress as Progress
    from tradai.entrypoint._process.settings import (
        EntrypointSettings as EntrypointSettings,
        JobSettings as JobSettings,
        LogSettings as LogSettings,
    )
    from tradai.entrypoint._runs.context import RunContext as RunContext
    from tradai.entrypoint._runs.handler_registry import HandlerRegistry as HandlerRegistry
    from tradai.entrypoint._runs.parameters import RunParameters as RunParameters
    from tradai.entrypoint._runs.record import RunManifest as RunManifest
    from tradai.entrypoint._runs.request import RunRequest as RunRequest
    from tradai.entrypoint._runs.strategy_entrypoint import (
        HandlerFactory as HandlerFactory,
        StrategyEntrypoint as StrategyEntrypoint,
    )
    from tradai.entrypoint._runs.trading_entrypoint import TradingEntrypoint as TradingEntrypoint
    from tradai.entrypoint._service.async_base_service import AsyncService as AsyncService
    from tradai.entrypoint._service.base_service import BaseService as BaseService
    from tradai.entrypoint._service.lifecycle import (
        SERVICE_TRANSITIONS as SERVICE_TRANSITIONS,
        ServiceHealth as ServiceHealth,
        ServiceState as ServiceState,
    )

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_alerts.channels": "LogChannel WebhookChannel",
            "_inputs.settings": "InputSettings",
            "_jobs.local_runner": "LocalRunner",
            "_live.live_settings": "LiveSettings",
            "_main": "main",
            "_preflight.checks": "Warned",
            "_preflight.facts": "PreflightFacts",
            "_process.exit_codes": "ExitCode Verdict",
            "_process.interrupts": "Interrupts",
            "_process.progress": "Progress",
            "_process.settings": "EntrypointSettings JobSettings LogSettings",
            "_process.checks": "CheckRow CheckStatus CheckableHandler Checklist",
            "_runs.context": "RunContext",
            "_runs.handler_registry": "HandlerRegistry",
            "_runs.parameters": "RunParameters",
            "_runs.record": "RunManifest",
            "_runs.request": "RunRequest",
            "_runs.strategy_entrypoint": "HandlerFactory StrategyEntrypoint",
            "_runs.trading_entrypoint": "TradingEntrypoint",
            "_service.async_base_service": "AsyncService",
            "_service.base_service": "BaseService",
            "_service.lifecycle": "SERVICE_TRANSITIONS ServiceHealth ServiceState",
        },
    )
