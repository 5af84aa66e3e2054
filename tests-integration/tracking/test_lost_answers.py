"""A proxy loses answers of requests that the server has handled: nothing is there twice."""

import dataclasses
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import MLflowServer, Release
from tracking.conftest import PATIENCE_S

from tradai.mlflow import MLflowClient, MLflowError, ModelStage, RunMetric, RunStatus

START: Final = datetime(2026, 11, 29, tzinfo=UTC)
POINTS: Final = [
    RunMetric(key="equity", value=float(step), step=step, at=START + timedelta(minutes=step))
    for step in range(1_500)
]
PARAMS: Final = {"pair": "BTC/USDT"}


def _live(client: MLflowClient, name: str, folder: Path) -> None:
    """Track a run and register its model, with every call that writes."""
    report = folder / "report.txt"
    report.write_text("12 trades")
    client.server()
    experiment = client.experiment(name)
    run = client.create_run(experiment.experiment_id, name=name)
    client.log_batch(run.run_id, metrics=POINTS, params=PARAMS, tags={"side": "long"})
    client.upload_artifact(run, report, "reports/report.txt")
    client.end_run(run.run_id, RunStatus.FINISHED)
    client.registered_model(name)
    client.set_model_tag(name, "team", "alpha")
    source = f"{run.artifact_uri}/reports"
    version = client.create_model_version(name, source=source, run_id=run.run_id)
    client.set_model_version_tag(name, version.version, "timeframe", "5m")
    client.set_alias(name, "champion", version.version)
    client.set_alias(name, "challenger", version.version)
    client.delete_alias(name, "challenger")
    client.transition_stage(name, version.version, ModelStage.PRODUCTION)
    found = client.model_version_by_alias(name, "champion")
    client.download_artifact(found, "report.txt", folder / "back")


@pytest.fixture(scope="module")
def endpoints(
    mlflow_servers: Mapping[Release, MLflowServer], tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """A pattern for each endpoint that is asked when no answer is lost, and when one is."""
    with (
        FaultProxy(mlflow_servers["3.17"].url) as proxy,
        MLflowClient(uri=proxy.url, deadline_s=PATIENCE_S) as client,
    ):
        _live(client, f"momentum-{uuid.uuid4().hex}", tmp_path_factory.mktemp("first"))
        found = dict.fromkeys(
            re.sub(r"(mlflow-artifacts/artifacts)/.*", r"\1/", request.partition("?")[0])
            for request in proxy.seen
        )
    return [*(f"^{re.escape(each)}" for each in found), "/runs/search$", "/model-versions/search"]


def _check(client: MLflowClient, name: str, folder: Path) -> None:
    """Check that everything is there, once."""
    (run,) = client.search_runs([client.get_experiment(name).experiment_id])
    assert (run.status, run.params, run.tags["side"]) == (RunStatus.FINISHED, PARAMS, "long")
    assert list(client.metric_history(run.run_id, "equity")) == POINTS
    assert [file.path for file in client.list_artifacts(run, "reports")] == ["reports/report.txt"]
    (version,) = client.search_model_versions(filter=f"name = '{name}'")
    found = client.get_model_version(name, version.version)
    assert (found.version, found.stage, found.aliases) == (1, ModelStage.PRODUCTION, ("champion",))
    assert found.tags["timeframe"] == "5m"
    assert client.get_registered_model(name).tags == {"team": "alpha"}
    assert (folder / "back").read_text() == "12 trades"


@pytest.fixture(
    params=[
        pytest.param(Fault(match="", action="drop"), id="drop", marks=pytest.mark.deep),
        pytest.param(Fault(match="", action="lose"), id="lose"),
        pytest.param(Fault(match="", action="replace", status=503), id="503"),
        pytest.param(
            Fault(match="", action="replace", status=504), id="504", marks=pytest.mark.deep
        ),
    ]
)
def faults(request: pytest.FixtureRequest, endpoints: list[str]) -> list[Fault]:
    """A fault at the first request to each endpoint."""
    return [dataclasses.replace(request.param, match=each) for each in endpoints]


def test_an_answer_lost_at_every_call_leaves_one_of_each_thing(
    faulty: MLflowClient,
    client: MLflowClient,
    proxy: FaultProxy,
    unique: str,
    tmp_path: Path,
    faults: list[Fault],
) -> None:
    proxy.plan(*faults)

    _live(faulty, unique, tmp_path)

    assert len(faults) > 15
    assert [each.match for each in faults if each.times] == []
    _check(client, unique, tmp_path)


@pytest.mark.parametrize("times", [2, 3])
def test_several_lost_answers_of_one_create_leave_one_run_and_version(
    faulty: MLflowClient, client: MLflowClient, proxy: FaultProxy, unique: str, times: int
) -> None:
    experiment = client.experiment(unique).experiment_id
    client.registered_model(unique)
    proxy.plan(
        Fault(match="runs/create", action="lose", times=times),
        Fault(match="model-versions/create", action="lose", times=times),
    )

    run = faulty.create_run(experiment, name=unique)
    faulty.create_model_version(unique, source=run.artifact_uri, run_id=run.run_id)

    assert [found.run_id for found in client.search_runs([experiment])] == [run.run_id]
    versions = client.search_model_versions(filter=f"name = '{unique}'")
    assert [version.version for version in versions] == [1]


def test_a_create_whose_search_fails_too_is_continued_later_by_its_operation_id(
    faulty: MLflowClient, client: MLflowClient, proxy: FaultProxy, unique: str
) -> None:
    experiment = client.experiment(unique).experiment_id
    proxy.plan(
        Fault(match="runs/create", action="lose"),
        Fault(match="runs/search", action="answer", status=503, times=1_000),
    )
    with pytest.raises(MLflowError):
        faulty.create_run(experiment, name=unique, operation_id="day-1", deadline_s=1)
    proxy.plan()

    again = client.create_run(experiment, name=unique, operation_id="day-1")

    assert [run.run_id for run in client.search_runs([experiment])] == [again.run_id]
