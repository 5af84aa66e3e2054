"""The plan of a live session: everything that is approved, by its digests."""

from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError as InvalidModelError

from tradai.core import StrategyConfig, digest, error_sentence, file_path
from tradai.core.exceptions import ConfigurationError
from tradai.core.live import LivePlan
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.trained_models import (
    freqai_identifier,
    stage_models,
)
from tradai.entrypoint.freqtrade._results.collected import MODELS_NAME
from tradai.entrypoint.freqtrade._strategy.files import source_digest
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts


def live_plan(job: EngineJob, context: RunContext, settings: LiveSettings) -> LivePlan:
    """Return the plan of `job`, whose engine is not started.

    Raises:
        ConfigurationError: A part of it is not usable, such as a name with a blank.
        StorageError: A file beside the strategy, or of a model, cannot be read.
        TradingError: FreqAI is on, and there are no models that it could trade by.
    """
    what = {
        "plan": job.plan.as_json(),
        # With the address of the exchange.
        "parameters": job.parameters.canonical(),
    }
    try:
        return LivePlan(
            strategy=context.config.name,
            version=context.config.version,
            config=context.record.digests["config"],
            source=job.facts.digest,
            side_files=_side_files(job.facts),
            models=_staged_models(job, context, settings),
            run=digest(what),
            engine=f"freqtrade {job.engine.version}",
            image=settings.image,
        )
    except InvalidModelError as exc:
        problems = [
            f"{error['loc'][0]}: {error_sentence(error)}" for error in exc.errors(include_url=False)
        ]
    message = f"this cannot be approved: {'; '.join(problems)}"
    raise ConfigurationError(message, key=problems[0].partition(":")[0])


def engine_models(job: EngineJob) -> Path:
    """Return the folder in which the engine of `job` has the models of FreqAI."""
    return job.user_data / MODELS_NAME


def fixed_stake(config: StrategyConfig, facts: SourceFacts) -> Decimal | None:
    """Return the stake of one trade; None when only the strategy or the balance decides it."""
    stake, names = config.execution.stake_amount, facts.names | facts.assigned
    is_adjusted = config.execution.position_adjustment_enable or (
        "position_adjustment_enable" in names
        and facts.constants.get("position_adjustment_enable") is not False
    )
    is_open = not facts.is_resolved or is_adjusted or "custom_stake_amount" in names
    return stake if isinstance(stake, Decimal) and not is_open else None


def _staged_models(job: EngineJob, context: RunContext, settings: LiveSettings) -> str | None:
    """Copy the models to the engine, and return the digest of the copy; None where FreqAI is off.

    The copy is approved, so a file that is changed meanwhile changes nothing.
    """
    identifier = freqai_identifier(context.config)
    if identifier is None:
        return None
    if settings.models is None:
        # Where a version of a registry, and a run, have them.
        source = job.facts.root.parent / MODELS_NAME
    else:
        source = Path(file_path(context.inputs.folder_of(settings.models)))
    return stage_models(source, identifier, engine_models(job)).digest


def _side_files(facts: SourceFacts) -> str | None:
    files = [file for file in facts.files if file.suffix != ".py"]
    return source_digest(facts.root, files) if files else None
