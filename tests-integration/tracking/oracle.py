"""MLflow's own client, run in the environment of a server: a child that answers lines of JSON.

Each line of standard input is ``{"ask": NAME, ...}``, and each line of
standard output is the answer. It imports nothing of tradai, which this environment does not have.
"""

import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any


def write(client: Any, name: str) -> dict[str, Any]:
    """Write one thing of each kind, all of them named `name`."""
    from mlflow.entities import Metric, Param, RunTag

    experiment = client.create_experiment(name)
    run = client.create_run(experiment, start_time=1_700_000_000_000, run_name=name)
    client.log_batch(
        run.info.run_id,
        metrics=[Metric("profit", 0.5 * step, 1_700_000_000_000 + step, step) for step in range(3)],
        params=[Param("pair", "BTC/USDT")],
        tags=[RunTag("note", "größer: 100 %")],
    )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.txt")
        report.write_text("12 trades")
        client.log_artifact(run.info.run_id, str(report), "reports/day 1")
    client.set_terminated(run.info.run_id, "FINISHED", 1_700_000_060_000)
    client.create_registered_model(name, tags={"team": "alpha"})
    version = client.create_model_version(
        name, f"{run.info.artifact_uri}/reports", run.info.run_id, tags={"timeframe": "5m"}
    )
    client.set_registered_model_alias(name, "champion", version.version)
    client.transition_model_version_stage(name, version.version, "Production")
    return {"experiment_id": experiment, "run_id": run.info.run_id, "version": version.version}


def read(client: Any, name: str, run_id: str) -> dict[str, Any]:
    """Read what belongs to the model and the run."""
    run = client.get_run(run_id)
    version = client.get_model_version_by_alias(name, "champion")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(client.download_artifacts(run_id, "reports/day 1/report.txt", folder))
        text = report.read_text()
    return {
        "experiment": client.get_experiment(run.info.experiment_id).name,
        "name": run.info.run_name,
        "status": run.info.status,
        "started_ms": run.info.start_time,
        "ended_ms": run.info.end_time,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "history": [
            [point.step, point.value, point.timestamp]
            for point in client.get_metric_history(run_id, "profit")
        ],
        "files": [file.path for file in client.list_artifacts(run_id, "reports/day 1")],
        "report": text,
        "version": version.version,
        "source": version.source,
        "version_run_id": version.run_id,
        "version_tags": version.tags,
        "stage": version.current_stage,
        "model_tags": client.get_registered_model(name).tags,
        "aliases": client.get_registered_model(name).aliases,
    }


def main() -> None:
    from mlflow import MlflowClient

    client = MlflowClient()
    for line in sys.stdin:
        request = json.loads(line)
        ask = read if request.pop("ask") == "read" else write
        # MLflow prints where to view a run.
        with contextlib.redirect_stdout(sys.stderr):
            answer = ask(client, **request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
