"""TRAIN: train FreqAI models, and prove that they predict the same whenever they are loaded."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final, final

from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import engine_environment
from tradai.entrypoint.freqtrade._modes.backtest import record_backtest
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob

_MODEL_FOLDER: Final = "models"
_PROBE_TIMEOUT_S: Final = 300.0


@final
class TrainHandler(BatchHandler):
    """Trains by walking forward over the time range, as FreqAI does in a backtest."""

    results = "models/*/sub-train-*/*_model.joblib"

    def _record(self, job: EngineJob, context: RunContext) -> Verdict:
        record_backtest(job, context)
        return _record_models(job, context)


def _record_models(job: EngineJob, context: RunContext) -> Verdict:
    context.progress.say("loading the models a second time")
    models = context.folder.path / _MODEL_FOLDER
    (job.user_data / _MODEL_FOLDER).rename(models)
    context.record.artifacts.append(_MODEL_FOLDER)
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
    # The command is ours: the engine's interpreter, our own module, the run's own folder.
    done = subprocess.run(  # noqa: S603
        job.engine.module_command("tradai.entrypoint.freqtrade", "probe", str(models)),
        env=engine_environment(
            context.environ, home=context.folder.scratch, temporary=context.folder.scratch
        ),
        capture_output=True,
        timeout=_PROBE_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return {"error": last[0] if last else "it gave no reason"}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
