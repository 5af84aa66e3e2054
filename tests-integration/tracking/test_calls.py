"""The number of requests, which decides how long a call takes behind a login."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from servers.fault_proxy import FaultProxy

from tradai.mlflow import MLflowClient, RunMetric, RunStatus


def test_a_run_with_parameters_and_points_takes_five_requests(
    faulty: MLflowClient, proxy: FaultProxy, client: MLflowClient, unique: str
) -> None:
    client.experiment(unique)
    faulty.server()
    proxy.plan()
    start = datetime(2026, 11, 29, tzinfo=UTC)

    run = faulty.create_run(faulty.experiment(unique).experiment_id, name=unique)
    faulty.log_batch(
        run.run_id,
        params={f"space.{number}": str(number) for number in range(50)},
        metrics=[
            RunMetric(key="equity", value=step, step=step, at=start + timedelta(minutes=step))
            for step in range(1_000)
        ],
    )
    faulty.end_run(run.run_id, RunStatus.FINISHED)

    assert len(proxy.seen) <= 5
    assert len(list(client.metric_history(run.run_id, "equity"))) == 1_000


def test_the_version_behind_an_alias_and_a_file_of_it_take_a_request_each(
    faulty: MLflowClient, proxy: FaultProxy, client: MLflowClient, unique: str, tmp_path: Path
) -> None:
    (tmp_path / "strategy.py").write_text("pass")
    run = client.create_run(client.experiment(unique).experiment_id, name=unique)
    client.upload_artifact(run, tmp_path / "strategy.py", "strategy.py")
    client.registered_model(unique)
    client.create_model_version(unique, source=run.artifact_uri, run_id=run.run_id)
    client.set_alias(unique, "champion", 1)

    version = faulty.model_version_by_alias(unique, "champion")
    faulty.download_artifact(version, "strategy.py", tmp_path / "back")

    assert len(proxy.seen) == 2
    assert (tmp_path / "back").read_text() == "pass"
