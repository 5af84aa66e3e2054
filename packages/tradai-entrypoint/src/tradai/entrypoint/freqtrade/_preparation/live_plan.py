"""The plan of a live session: everything that is approved, by its digests."""

from decimal import Decimal

from pydantic import ValidationError as InvalidModelError

from tradai.core import StrategyConfig, digest, error_sentence
from tradai.core.exceptions import ConfigurationError
from tradai.core.live import LivePlan
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._strategy.files import source_digest
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts


def live_plan(job: EngineJob, context: RunContext, settings: LiveSettings) -> LivePlan:
    """Return the plan of `job`, whose engine is not started.

    Raises:
        ConfigurationError: A part of it is not usable, such as a name with a blank.
        StorageError: A file beside the strategy cannot be read.
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
            models=None,
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


def planned_stake(config: StrategyConfig, facts: SourceFacts) -> Decimal | None:
    """Return the stake of one trade; None when only the strategy or the balance decides it."""
    stake, names = config.execution.stake_amount, facts.names | facts.assigned
    is_adjusted = config.execution.position_adjustment_enable or (
        "position_adjustment_enable" in names
        and facts.constants.get("position_adjustment_enable") is not False
    )
    is_open = not facts.is_resolved or is_adjusted or "custom_stake_amount" in names
    return stake if isinstance(stake, Decimal) and not is_open else None


def _side_files(facts: SourceFacts) -> str | None:
    files = [file for file in facts.files if file.suffix != ".py"]
    return source_digest(facts.root, files) if files else None
