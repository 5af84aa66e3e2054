"""TRAIN: train FreqAI models, and prove that they predict the same whenever they are loaded."""

import json
from dataclasses import replace
from typing import Any, Final, final

from tradai.core import file_errors, redact
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import engine_environment
from tradai.entrypoint.freqtrade._modes.backtest import record_backtest
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._modes.repeat import compare_models, compare_trades
from tradai.entrypoint.freqtrade._pages.training_page import mean_ratio, training_parts
from tradai.entrypoint.freqtrade._preparation.plan import TRAINING
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.collected import MODELS_NAME
from tradai.entrypoint.freqtrade._results.results import BacktestResult
from tradai.entrypoint.freqtrade._training.cautions import cautions, is_better
from tradai.entrypoint.freqtrade._training.record import TRAINING_NAME, TrainingRecord
from tradai.entrypoint.freqtrade._training.recorder import unrecorded_reason

_PROBE_TIMEOUT_S: Final = 300.0


@final
class TrainHandler(BatchHandler):
    """Trains by walking forward over the time range, as FreqAI does in a backtest."""

    result = MODELS_NAME

    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        result = record_backtest(job, context, verdict)
        if verdict.is_success:
            verdict = _prove(job, context)
        elif verdict.exit_code == ExitCode.DATA and MODELS_NAME in context.record.artifacts:
            # Some pairs could not be trained; the errors of the other models are known.
            _measure(job, context)
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
    first = _measure(job, context) or _probe(job, context)
    context.progress.say("loading the models a second time")
    second = _probe(job, context)
    if "digest" not in first or first["digest"] != second.get("digest"):
        reason = first.get("error") or second.get("error") or "the predictions differ"
        return Verdict(
            exit_code=ExitCode.RESULT,
            sentence=f"the models in {context.folder.path / MODELS_NAME} do not predict the same "
            f"when loaded again: they cannot be trusted ({reason})",
        )
    context.record.results["models"] = first["models"] + first["others"]
    if first["models"]:
        context.record_digest("models", first["digest"])
    return Verdict(exit_code=ExitCode.DONE, sentence=_proof(first["models"], first["others"]))


def _proof(models: int, others: int) -> str:
    """Return the sentence on models that predict the same, and on `others` that are not known."""
    trained = f"{counted(models + others, 'model')} trained"
    if not others:
        return f"{trained}; loaded again, each predicts the same"
    return (
        f"{trained}; {others} without proof: stored in the form of the library and not as joblib, "
        "so neither loaded again nor measured"
    )


def _measure(job: EngineJob, context: RunContext) -> dict[str, Any] | None:
    """Record the errors of the models, and return the answer of the probe; None if it failed."""
    context.progress.say("measuring the models")
    answer = _probe(job, context, str(context.folder.scratch / TRAINING))
    if "error" in answer:
        context.record.notices.append(f"train and test errors are not known: {answer['error']}")
        return None
    training = TrainingRecord.model_validate(answer["training"])
    if training.models:
        _record_training(training, context)
    total = answer["models"] + answer["others"]
    unknown = total - len(training.models)
    if unknown:
        number = f"{unknown} of {counted(total, 'model')}"
        context.record.notices.append(
            f"train and test errors of {number} are not known{_why(job, context)}"
        )
    return answer


def _why(job: EngineJob, context: RunContext) -> str:
    """Return the reason for which a training was not recorded, to end a sentence with."""
    reason = unrecorded_reason(context.folder.scratch / TRAINING)
    return f": {redact(reason)}, with freqtrade {job.engine.version}" if reason else ""


def _record_training(training: TrainingRecord, context: RunContext) -> None:
    record = context.record
    path = context.folder.path / TRAINING_NAME
    with file_errors("write", path):
        path.write_text(f"{training.model_dump_json()}\n", encoding="utf-8")
    record.artifacts.append(TRAINING_NAME)
    record.results["models_better_than_baseline"] = sum(map(is_better, training.models))
    ratio = mean_ratio(training.models)
    record.results["test_error_ratio"] = None if ratio is None else round(ratio, 4)
    record.notices += cautions(training, context.config.freqai or {})
    context.report = training_parts(training, context.report)


def _probe(job: EngineJob, context: RunContext, *kept: str) -> dict[str, Any]:
    """Load the models in another process; return their number and a digest of the predictions.

    With the folder that was `kept` of their training, it measures them, too.
    """
    models = str(context.folder.path / MODELS_NAME)
    ended = run_child(
        job.engine.module_command("tradai.entrypoint.freqtrade", "probe", models, *kept),
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
