"""A batch run that is planned and not started: its digests, with its candles staged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint.freqtrade._candles.shared_staging import SharedStaging
from tradai.entrypoint.freqtrade._candles.staged_data import StagedData, StagingRequest
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._strategy.parameters import DeclaredParameter


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """Identity of a run before it is started.

    Attributes:
        config_digest: Digest of the configuration and the strategy source.
        run_digest: Digest of mode, parameters, candles, market rules and engine.
        config_id: Short id of the configuration.
        staged: Folder of its staged candles.
        declared: Hyper-parameters that the strategy class declares, by name.
    """

    config_digest: str
    run_digest: str
    config_id: str
    staged: Path
    declared: Mapping[str, DeclaredParameter]


def plan_run(
    entrypoint: StrategyEntrypoint, staging: SharedStaging, *, engine: EngineInstall | None = None
) -> PlannedRun:
    """Do everything that the run would do before it starts the engine.

    Raises:
        TradAIError: The run would be refused.
    """
    folders: list[Path] = []

    def stage(request: StagingRequest) -> StagedData:
        staged, folder = staging.stage(request, interrupts=context.interrupts)
        folders.append(folder)
        return staged

    with entrypoint.prepared() as context:
        job = EngineJob(context, engine=engine)
        job.load_markets()
        job.stage_candles(stage)
        job.digest_run()
        digests = context.record.digests
        return PlannedRun(
            config_digest=digests["config"],
            run_digest=digests["run"],
            config_id=context.record.config_id or "",
            staged=folders[0],
            declared=job.facts.declared,
        )
