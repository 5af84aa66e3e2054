"""TRAIN: train FreqAI models, and prove that they predict the same whenever they are loaded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint._runs.checks import Checklist, CheckRow
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._modes.backtest import record_backtest, run_batch
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob, job_checks
from tradai.entrypoint.freqtrade._results.collected import MODELS_NAME

if TYPE_CHECKING:
    from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint

__all__ = ["TrainHandler"]

_PROBE_TIMEOUT_S: Final = 300.0


@final
class TrainHandler:
    """Trains by walking forward over the time range, as FreqAI does in a backtest."""

    def __init__(
        self, entrypoint: "StrategyEntrypoint", *, engine: EngineInstall | None = None
    ) -> None:
        """Take the entrypoint, and an engine other than the installed one."""
        self._entrypoint = entrypoint
        self._engine = engine

    def run(self) -> int:
        """Train; the exit code is that of the verdict."""
        context = self._entrypoint.context
        job = EngineJob(context, engine=self._engine)
        verdict = run_batch(job, context, result=MODELS_NAME)
        record_backtest(job, context, verdict)
        return context.conclude(_prove(job, context) if verdict.is_success else verdict)

    def checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        """Check what the job needs; see `CheckableHandler`."""
        yield from job_checks(self._entrypoint.context, checklist, engine=self._engine)


def _prove(job: EngineJob, context: RunContext) -> Verdict:
    """Return the verdict on models that are loaded and asked twice."""
    context.progress.say("loading the models a second time")
    models = context.folder.path / MODELS_NAME
    first, second = _probe(models, job, context), _probe(models, job, context)
    if first != second or "digest" not in first:
        return Verdict(
            exit_code=ExitCode.RESULT,
            sentence=f"the models in {models} do not predict the same when loaded again: "
            f"they cannot be trusted ({first.get('error', 'the predictions differ')})",
        )
    context.record.results["models"] = first["models"]
    context.record_digest("models", first["digest"])
    return Verdict(
        exit_code=ExitCode.DONE,
        sentence=f"{first['models']} models trained; loaded again, each predicts the same",
    )


def _probe(models: Path, job: EngineJob, context: RunContext) -> dict[str, Any]:
    """Load the models in another process; return their number and a digest of the predictions."""
    ended = run_child(
        job.engine.module_command("tradai.entrypoint.freqtrade", "probe", str(models)),
        environ=engine_environment(
            context.environ, home=context.folder.scratch, temporary=context.folder.scratch
        ),
        interrupts=context.interrupts,
        timeout_s=_PROBE_TIMEOUT_S,
    )
    if ended.return_code != 0:
        return {"error": ended.last_words}
    answer: dict[str, Any] = json.loads(ended.output)
    return answer
