"""TRAIN: train FreqAI models, and prove that they predict the same whenever they are loaded."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, final

from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import engine_environment
from tradai.entrypoint.freqtrade._modes.backtest import record_backtest
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._modes.repeat import compare_models, compare_trades
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.collected import MODELS_NAME
from tradai.entrypoint.freqtrade._results.results import BacktestResult

_PROBE_TIMEOUT_S: Final = 300.0


@final
class TrainHandler(BatchHandler):
    """Trains by walking forward over the time range, as FreqAI does in a backtest."""

    result = MODELS_NAME

    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        result = record_backtest(job, context, verdict)
        verdict = _prove(job, context) if verdict.is_success else verdict
        if result is not None:
            verdict = _explained(verdict, result)
            verdict = compare_trades(result, context, verdict)
        return compare_models(context, verdict)


def _explained(verdict: Verdict, result: BacktestResult) -> Verdict:
    """Return `verdict`, which also says of a training without trades as much as is known."""
    if result.trades or not verdict.is_success:
        return verdict
    slots = result.engine_counts["rejected_signals"]
    return replace(
        verdict,
        sentence=f"{verdict.sentence}; no trades: {slots:,} entry signals found no free slot "
        "(max_open_trades), and others are not counted, since that would train again",
    )


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
