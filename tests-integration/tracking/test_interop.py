"""MLflow's own client reads what ours writes, and the reverse, on both releases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tracking.mlflow_oracle import MLflowOracle

from tradai.mlflow import MLflowClient, ModelStage, RunMetric, RunStatus

START = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_mlflow_reads_what_we_write(
    client: MLflowClient, oracle: MLflowOracle, unique: str, tmp_path: Path
) -> None:
    run = client.create_run(client.experiment(unique).experiment_id, name=unique, started_at=START)
    points = [
        RunMetric(key="profit", value=0.5 * step, step=step, at=START + timedelta(seconds=step))
        for step in range(3)
    ]
    report = tmp_path / "report.txt"
    report.write_text("12 trades")
    client.log_batch(run.run_id, metrics=points, params={"pair": "BTC/USDT"}, tags={"note": "ü %"})
    client.upload_artifact(run, report, "reports/day 1/report.txt")
    client.end_run(run.run_id, RunStatus.FINISHED, ended_at=START + timedelta(minutes=1))
    client.registered_model(unique)
    client.set_model_tag(unique, "team", "alpha")
    source = f"{run.artifact_uri}/reports"
    version = client.create_model_version(
        unique, source=source, run_id=run.run_id, tags={"timeframe": "5m"}
    )
    client.set_alias(unique, "champion", version.version)
    client.transition_stage(unique, version.version, ModelStage.PRODUCTION)

    found = oracle.ask("read", name=unique, run_id=run.run_id)

    start_ms = int(START.timestamp() * 1000)
    assert found.pop("tags").items() >= {"mlflow.runName": unique, "note": "ü %"}.items()
    assert found.pop("version_tags").items() >= {"timeframe": "5m"}.items()
    assert found == {
        "experiment": unique,
        "name": unique,
        "status": "FINISHED",
        "started_ms": start_ms,
        "ended_ms": start_ms + 60_000,
        "params": {"pair": "BTC/USDT"},
        "metrics": {"profit": 1.0},
        "history": [[step, 0.5 * step, start_ms + 1000 * step] for step in range(3)],
        "files": ["reports/day 1/report.txt"],
        "report": "12 trades",
        "version": str(version.version),
        "source": source,
        "version_run_id": run.run_id,
        "stage": "Production",
        "model_tags": {"team": "alpha"},
        "aliases": {"champion": str(version.version)},
    }


def test_we_read_what_mlflow_writes(
    client: MLflowClient, oracle: MLflowOracle, unique: str, tmp_path: Path
) -> None:
    written = oracle.ask("write", name=unique)

    run = client.get_run(written["run_id"])
    version = client.model_version_by_alias(unique, "champion")
    client.download_artifact(run, "reports/day 1/report.txt", tmp_path / "report.txt")

    assert client.get_experiment(unique).experiment_id == written["experiment_id"]
    assert (run.name, run.status) == (unique, RunStatus.FINISHED)
    assert (run.started_at, run.ended_at) == (START, START + timedelta(minutes=1))
    assert (run.params, run.metrics) == ({"pair": "BTC/USDT"}, {"profit": 1.0})
    assert run.tags["note"] == "größer: 100 %"
    assert [
        (point.step, point.value, point.at) for point in client.metric_history(run.run_id, "profit")
    ] == [(step, 0.5 * step, START + timedelta(milliseconds=step)) for step in range(3)]
    assert (tmp_path / "report.txt").read_text() == "12 trades"
    assert str(version.version) == written["version"]
    assert version.source == f"{run.artifact_uri}/reports"
    assert (version.run_id, version.stage) == (run.run_id, ModelStage.PRODUCTION)
    assert version.tags == {"timeframe": "5m"}
    assert client.get_registered_model(unique).tags == {"team": "alpha"}


def test_mlflows_own_client_of_the_same_server_is_handed_out(
    client: MLflowClient, unique: str
) -> None:
    run = client.create_run(client.experiment(unique).experiment_id, name=unique)

    client.as_mlflow_client().set_tag(run.run_id, "note", "by MLflow")

    assert client.get_run(run.run_id).tags["note"] == "by MLflow"
