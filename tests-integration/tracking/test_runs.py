"""Experiments and runs on servers of both releases."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from servers.mlflow import VERSIONS, MLflowServer, Release

from tradai.mlflow import (
    ExperimentNotFoundError,
    ExperimentRun,
    MLflowClient,
    RunMetric,
    RunNotFoundError,
    RunStatus,
)

START = datetime(2026, 11, 29, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def run(client: MLflowClient, unique: str) -> ExperimentRun:
    """A new run."""
    return client.create_run(client.experiment(unique).experiment_id, name=unique)


def _points(key: str, count: int) -> list[RunMetric]:
    return [
        RunMetric(key=key, value=0.5 * step, step=step, at=START + timedelta(minutes=step))
        for step in range(count)
    ]


def test_a_server_says_its_version(client: MLflowClient, release: Release) -> None:
    assert client.server().version == VERSIONS[release]


def test_an_experiment_is_created_once(client: MLflowClient, unique: str) -> None:
    first = client.experiment(unique)
    again = client.experiment(unique)

    assert first == again == client.get_experiment(unique)
    assert first.name == unique
    assert first.artifact_uri == f"mlflow-artifacts:/{first.experiment_id}"
    assert [found.name for found in client.search_experiments(filter=f"name = '{unique}'")] == [
        unique
    ]


def test_an_experiment_that_does_not_exist_is_named(client: MLflowClient, unique: str) -> None:
    with pytest.raises(ExperimentNotFoundError, match=unique) as caught:
        client.get_experiment(unique)

    assert (caught.value.status, caught.value.key) == (404, unique)


def test_a_run_is_read_as_it_was_written(client: MLflowClient, unique: str) -> None:
    experiment = client.experiment(unique)
    created = client.create_run(
        experiment.experiment_id, name=unique, started_at=START, tags={"note": "größer: 100 %"}
    )
    points = _points("profit", 3)

    client.log_batch(
        created.run_id, metrics=points, params={"pair": "BTC/USDT"}, tags={"side": "long"}
    )
    client.end_run(created.run_id, RunStatus.FINISHED, ended_at=START + timedelta(hours=1))

    found = client.get_run(created.run_id)
    assert (found.name, found.status) == (unique, RunStatus.FINISHED)
    assert (found.started_at, found.ended_at) == (START, START + timedelta(hours=1))
    assert found.params == {"pair": "BTC/USDT"}
    assert found.metrics == {"profit": 1.0}
    assert found.tags["note"] == "größer: 100 %"
    assert found.tags["side"] == "long"
    assert found.artifact_uri == (
        f"mlflow-artifacts:/{experiment.experiment_id}/{found.run_id}/artifacts"
    )
    assert list(client.metric_history(created.run_id, "profit")) == points


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.KILLED])
def test_a_run_ends_with_its_status(
    client: MLflowClient, run: ExperimentRun, status: RunStatus
) -> None:
    client.end_run(run.run_id, status)

    ended = client.get_run(run.run_id)
    assert ended.status == status
    assert ended.ended_at is not None


def test_a_large_batch_is_split(client: MLflowClient, run: ExperimentRun) -> None:
    points = [*_points("equity", 2_500), *_points("profit", 1)]
    params = {f"space.{number}": str(number) for number in range(250)}
    tags = {f"tag.{number}": str(number) for number in range(250)}

    client.log_batch(run.run_id, metrics=points, params=params, tags=tags)

    found = client.get_run(run.run_id)
    assert found.params == params
    assert tags.items() <= found.tags.items()
    assert list(client.metric_history(run.run_id, "equity")) == points[:-1]


def test_a_batch_that_is_sent_twice_is_kept_once(client: MLflowClient, run: ExperimentRun) -> None:
    points = _points("equity", 20)

    for _ in range(2):
        client.log_batch(run.run_id, metrics=points, params={"pair": "BTC/USDT"})

    assert list(client.metric_history(run.run_id, "equity")) == points


def test_a_search_has_more_rows_than_one_page(
    client: MLflowClient, server: MLflowServer, run: ExperimentRun
) -> None:
    copies = [f"{number:032x}" for number in range(1_099)]
    server.copy_row("runs", "run_uuid", [run.run_id[:20] + name[20:] for name in copies],
                    run_uuid=run.run_id)  # fmt: skip

    found = list(client.search_runs([run.experiment_id]))

    assert len(found) == len({each.run_id for each in found}) == 1_100
    assert len(list(client.search_runs([run.experiment_id], limit=1_050))) == 1_050


def test_a_search_filters_and_orders(client: MLflowClient, unique: str) -> None:
    experiment = client.experiment(unique).experiment_id
    for profit in (3.0, 1.0, 2.0):
        run = client.create_run(experiment, name=unique, tags={"side": "long"})
        point = RunMetric(key="profit", value=profit, step=0, at=START)
        client.log_batch(run.run_id, metrics=[point], params={"n": str(profit)})
    client.create_run(experiment, name=unique, tags={"side": "short"})

    found = client.search_runs(
        [experiment], filter="tags.side = 'long'", order_by=["metrics.profit DESC"]
    )

    assert [(run.metrics["profit"], run.params["n"]) for run in found] == [
        (3.0, "3.0"),
        (2.0, "2.0"),
        (1.0, "1.0"),
    ]


def test_a_deleted_run_is_not_found_by_a_search(client: MLflowClient, run: ExperimentRun) -> None:
    client.delete_run(run.run_id)

    assert list(client.search_runs([run.experiment_id])) == []
    assert client.get_run(run.run_id).is_deleted


def test_a_run_that_does_not_exist_is_named(client: MLflowClient) -> None:
    missing = "0" * 32

    for call in (client.get_run, client.delete_run):
        with pytest.raises(RunNotFoundError, match=missing):
            call(missing)
    with pytest.raises(RunNotFoundError, match=missing):
        client.log_batch(missing, params={"pair": "BTC/USDT"})


def test_a_metric_that_is_not_a_number_is_never_sent_as_another_one(
    client: MLflowClient, run: ExperimentRun
) -> None:
    for value in (math.nan, math.inf, -math.inf):
        point = RunMetric(key="sharpe", value=value, step=0, at=START)
        with pytest.raises(ValueError, match="sharpe"):
            client.log_batch(run.run_id, metrics=[point])

    assert client.get_run(run.run_id).metrics == {}


def test_a_guarded_server_below_a_path_is_used_like_another(
    guarded_client: MLflowClient, unique: str
) -> None:
    experiment = guarded_client.experiment(unique)
    run = guarded_client.create_run(experiment.experiment_id, name=unique)

    guarded_client.log_batch(run.run_id, params={"pair": "BTC/USDT"})

    assert guarded_client.get_run(run.run_id).params == {"pair": "BTC/USDT"}


def test_a_server_below_the_path_of_a_proxy_is_used_like_another(
    prefixed: str, new_client: Callable[..., MLflowClient], unique: str
) -> None:
    client = new_client(prefixed)
    run = client.create_run(client.experiment(unique).experiment_id, name=unique)

    assert client.get_run(run.run_id).name == unique
