"""Answers of the server as entities, page by page, and the version of the server."""

import copy
import operator
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeAlias, cast

import pytest
from pydantic import SecretStr

from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.mlflow import (
    Experiment,
    ExperimentRun,
    MLflowClient,
    MLflowSettings,
    ModelStage,
    ModelVersion,
    NotAnMLflowServerError,
    RegisteredModel,
    RunMetric,
    RunStatus,
    ServerCapabilities,
)

# The class of this fixture is in conftest, which tests cannot import.
Server: TypeAlias = Any

INFO = {
    "run_id": "r1",
    "run_uuid": "r1",
    "experiment_id": "1",
    "run_name": "night",
    "status": "FINISHED",
    "start_time": 1_735_689_600_000,
    "end_time": 1_735_689_660_000,
    "artifact_uri": "mlflow-artifacts:/1/r1/artifacts",
    "lifecycle_stage": "deleted",
    "user_id": "somewhere",
}
DATA = {
    "metrics": [{"key": "profit", "value": 0.5, "timestamp": 1_735_689_600_000, "step": 3}],
    "params": [{"key": "pair", "value": "BTC/USDT"}, {"key": "empty"}],
    "tags": [{"key": "a", "value": "b"}],
}


def test_a_run_is_read_whole(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, {"run": {"info": INFO, "data": DATA}}))

    run = client.get_run("r1")

    assert run == ExperimentRun(
        run_id="r1",
        experiment_id="1",
        name="night",
        status=RunStatus.FINISHED,
        started_at=datetime(2025, 1, 1, tzinfo=UTC),
        ended_at=datetime(2025, 1, 1, 0, 1, tzinfo=UTC),
        params={"pair": "BTC/USDT", "empty": ""},
        metrics={"profit": 0.5},
        tags={"a": "b"},
        artifact_uri="mlflow-artifacts:/1/r1/artifacts",
        is_deleted=True,
    )
    assert run.status.is_terminal
    assert not RunStatus.RUNNING.is_terminal


def test_an_entity_is_frozen_all_the_way_down_and_can_be_copied() -> None:
    run = ExperimentRun.from_answer({"info": INFO, "data": DATA})

    with pytest.raises(TypeError, match="frozen"):
        operator.setitem(cast("dict[str, str]", run.tags), "a", "c")
    # The bytes were made in the same line.
    assert pickle.loads(pickle.dumps(run)) == copy.deepcopy(run) == run  # noqa: S301
    assert ExperimentRun.model_validate_json(run.model_dump_json()) == run


def _numbered(number: int) -> dict[str, Any]:
    return {"info": {"run_id": f"r{number}", "experiment_id": "1"}}


def _paged(exchange: Server) -> None:
    """Serve 2,500 runs in pages of the size that is asked for."""
    wanted = exchange.received.json
    start = int(wanted.get("page_token", 0))
    end = min(start + wanted["max_results"], 2_500)
    token = {"next_page_token": str(end)} if end < 2_500 else {}
    exchange.reply(200, {"runs": [_numbered(n) for n in range(start, end)], **token})


@pytest.mark.parametrize(
    ("limit", "count", "pages"),
    [(None, 2_500, 3), (0, 0, 0), (1, 1, 1), (1_000, 1_000, 1), (1_001, 1_001, 2)],
)
def test_a_search_yields_all_pages_or_exactly_the_limit(
    limit: int | None, count: int, pages: int, server: Server, client: MLflowClient
) -> None:
    server.script(_paged)

    found = list(client.search_runs(["1"], filter="metrics.x > 1", limit=limit))

    assert [run.run_id for run in found] == [f"r{n}" for n in range(count)]
    assert len(server.received) == pages


def test_a_page_is_asked_for_when_it_is_needed(server: Server, client: MLflowClient) -> None:
    server.script(_paged)

    found = client.search_runs(["1"], order_by=["attributes.start_time ASC"])
    next(found)

    assert len(server.received) == 1
    assert server.received[0].json["order_by"] == ["attributes.start_time ASC"]


def test_a_page_that_is_longer_than_asked_is_cut_at_the_limit(
    server: Server, client: MLflowClient
) -> None:
    server.script(lambda exchange: exchange.reply(200, {"runs": [_numbered(n) for n in range(9)]}))

    assert len(list(client.search_runs(["1"], limit=4))) == 4


def test_the_points_of_a_metric_are_read_with_their_times(
    server: Server, client: MLflowClient
) -> None:
    point = {"key": "profit", "value": 0.5, "timestamp": "1735689600000", "step": "3"}
    server.script(
        lambda exchange: exchange.reply(200, {"metrics": [point], "next_page_token": "t"}),
        lambda exchange: exchange.reply(200, {"metrics": [point]}),
    )

    points = list(client.metric_history("r1", "profit"))

    at = datetime(2025, 1, 1, tzinfo=UTC)
    assert points == [RunMetric(key="profit", value=0.5, step=3, at=at)] * 2
    assert server.received[1].query["page_token"] == ["t"]


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=1))])
def test_the_time_of_a_point_is_in_utc(zone: timezone | None) -> None:
    with pytest.raises(ValidationError, match="UTC"):
        RunMetric(key="m", value=1.0, at=datetime(2025, 1, 1, tzinfo=zone))


def test_models_and_versions_are_read_whole(server: Server, client: MLflowClient) -> None:
    version = {
        "name": "m",
        "version": "3",
        "source": "s3://b/m",
        "run_id": "r1",
        "current_stage": "Production",
        "aliases": ["champion"],
        "tags": [{"key": "a", "value": "b"}],
        "creation_timestamp": 1_735_689_600_000,
    }
    experiment = {"experiment_id": "1", "name": "e"}
    server.script(
        lambda exchange: exchange.reply(200, {"model_version": version}),
        lambda exchange: exchange.reply(200, {"model_versions": [version]}),
        lambda exchange: exchange.reply(200, {"registered_models": [{"name": "m"}]}),
        lambda exchange: exchange.reply(200, {"experiments": [experiment]}),
    )

    read = client.model_version_by_alias("m", "champion")

    assert read == ModelVersion(
        name="m",
        version=3,
        source="s3://b/m",
        run_id="r1",
        stage=ModelStage.PRODUCTION,
        aliases=("champion",),
        tags={"a": "b"},
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )
    search = client.search_model_versions(filter="name='m'", order_by=["version_number DESC"])
    assert list(search) == [read]
    assert list(client.search_registered_models(filter="x")) == [RegisteredModel(name="m")]
    assert list(client.search_experiments(filter="x")) == [Experiment(experiment_id="1", name="e")]


@pytest.mark.parametrize("alias", ["latest", "Latest"])
def test_latest_is_the_newest_version_on_every_server(
    alias: str, server: Server, client: MLflowClient
) -> None:
    versions = [{"name": "m", "version": number} for number in ("9", "10", "2")]
    server.script(lambda exchange: exchange.reply(200, {"model_versions": versions}))

    assert client.model_version_by_alias("m", alias).version == 10
    assert client.latest_model_version("m", stage=ModelStage.STAGING).version == 10
    assert server.received[1].json["stages"] == ["Staging"]


@pytest.mark.parametrize(
    ("version", "tag_length", "has_logged_models", "checks_hosts"),
    [
        ("2.18.0", 5_000, False, False),
        ("3.0.0", 100_000, True, False),
        ("3.4.0", 100_000, True, False),
        ("3.5.0rc1", 100_000, True, True),
        ("3.17.2", 100_000, True, True),
    ],
)
def test_the_version_of_the_server_says_what_it_offers(
    version: str,
    tag_length: int,
    has_logged_models: bool,  # noqa: FBT001 - a column of the table
    checks_hosts: bool,  # noqa: FBT001 - a column of the table
    server: Server,
    client: MLflowClient,
) -> None:
    server.script(lambda exchange: exchange.reply(200, version))

    assert client.server() == ServerCapabilities(
        version=version,
        model_tag_length=tag_length,
        has_logged_models=has_logged_models,
        checks_hosts=checks_hosts,
    )
    client.server()
    assert len(server.received) == 1


def test_a_server_without_a_version_is_not_mlflow(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, "<html>nginx</html>"))

    with pytest.raises(NotAnMLflowServerError, match="not as MLflow does"):
        client.server()


@pytest.mark.parametrize(
    "answer", [{"run": {}}, {"run": {"info": {}}}, {"run": []}, {}, {"run": {"info": "text"}}]
)
def test_json_that_mlflow_does_not_write_is_refused(
    answer: object, server: Server, client: MLflowClient
) -> None:
    server.script(lambda exchange: exchange.reply(200, answer))

    with pytest.raises(NotAnMLflowServerError, match="MLFLOW_TRACKING_URI"):
        client.get_run("r1")


def test_mlflows_own_client_speaks_to_the_same_server(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, {"run": {"info": INFO, "data": DATA}}))

    run = client.as_mlflow_client().get_run("r1")

    assert run.data.params["pair"] == "BTC/USDT"


def test_mlflows_own_client_must_find_the_same_login() -> None:
    settings = MLflowSettings(uri="http://127.0.0.1:1", token=SecretStr("not-a-real-token"))

    with pytest.raises(ConfigurationError, match="MLFLOW_TRACKING_TOKEN") as caught:
        MLflowClient(settings).as_mlflow_client()

    assert "not-a-real-token" not in str(caught.value)


PROGRAM = """
import sys
sys.modules["mlflow"] = None
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.mlflow import MLflowClient
client = MLflowClient(uri=sys.argv[1])
assert client.get_run("r1").name == "night"
try:
    client.as_mlflow_client()
except ConfigurationError as error:
    print(error)
"""


def test_everything_but_mlflows_own_client_works_without_mlflow(server: Server) -> None:
    server.script(lambda exchange: exchange.reply(200, {"run": {"info": INFO, "data": DATA}}))

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.uri], capture_output=True, text=True, check=True
    )

    assert "install tradai-mlflow[skinny]" in done.stdout


def test_the_client_imports_no_mlflow(server: Server) -> None:
    server.script(lambda exchange: exchange.reply(200, {"run": {"info": INFO, "data": DATA}}))
    program = (
        "import sys\n"
        "from tradai.mlflow import MLflowClient\n"
        "MLflowClient(uri=sys.argv[1]).get_run('r1')\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'mlflow'])\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, server.uri], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
