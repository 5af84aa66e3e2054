"""Each call that writes, as the server gets it."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from tradai.core.exceptions import ValidationError
from tradai.mlflow import MLflowClient, ModelStage, ModelVersionNotFoundError, RunStatus

# The class of this fixture is in conftest, which tests cannot import.
Server: TypeAlias = Any

AT = datetime(2025, 1, 1, microsecond=5_900, tzinfo=UTC)
MODEL = {"name": "a/b:c%"}
VERSION = {"name": "a/b:c%", "version": "3"}

Call: TypeAlias = Callable[[MLflowClient], object]
CALLS: list[tuple[str, str, Mapping[str, object], Call]] = [
    (
        "POST",
        "runs/update",
        {"run_id": "r1", "status": "FAILED", "end_time": 1_735_689_600_005},
        lambda client: client.end_run("r1", RunStatus.FAILED, AT),
    ),
    (
        "POST",
        "runs/update",
        {"run_id": "r1", "status": "RUNNING"},
        lambda client: client.end_run("r1", RunStatus.RUNNING),
    ),
    ("POST", "runs/delete", {"run_id": "r1"}, lambda client: client.delete_run("r1")),
    (
        "POST",
        "registered-models/set-tag",
        {**MODEL, "key": "k", "value": "v"},
        lambda client: client.set_model_tag("a/b:c%", "k", "v"),
    ),
    (
        "POST",
        "registered-models/alias",
        {**VERSION, "alias": "champion"},
        lambda client: client.set_alias("a/b:c%", "champion", 3),
    ),
    (
        "DELETE",
        "registered-models/alias",
        {**MODEL, "alias": "champion"},
        lambda client: client.delete_alias("a/b:c%", "champion"),
    ),
    (
        "POST",
        "model-versions/set-tag",
        {**VERSION, "key": "k", "value": "v"},
        lambda client: client.set_model_version_tag("a/b:c%", 3, "k", "v"),
    ),
    (
        "POST",
        "model-versions/transition-stage",
        {**VERSION, "stage": "Production", "archive_existing_versions": True},
        lambda client: client.transition_stage(
            "a/b:c%", 3, ModelStage.PRODUCTION, archive_others=True
        ),
    ),
    (
        "DELETE",
        "model-versions/delete",
        VERSION,
        lambda client: client.delete_model_version("a/b:c%", 3),
    ),
]


@pytest.mark.parametrize(("method", "endpoint", "body", "call"), CALLS)
def test_a_write_is_sent_as_mlflow_reads_it(
    method: str,
    endpoint: str,
    body: Mapping[str, object],
    call: Call,
    server: Server,
    client: MLflowClient,
) -> None:
    server.script(lambda exchange: exchange.reply(200, {"model_version": VERSION}))

    call(client)

    (received,) = server.received
    assert (received.method, received.path) == (method, f"/api/2.0/mlflow/{endpoint}")
    assert received.json == body


def test_a_name_with_any_character_is_quoted_in_a_read(
    server: Server, client: MLflowClient
) -> None:
    server.script(lambda exchange: exchange.reply(200, {"registered_model": MODEL}))

    assert client.get_registered_model("a/b:c%").name == "a/b:c%"
    assert server.received[0].query == {"name": ["a/b:c%"]}


def test_an_experiment_is_read_without_being_created(server: Server, client: MLflowClient) -> None:
    found = {"experiment": {"experiment_id": "7", "name": "e"}}
    server.script(lambda exchange: exchange.reply(200, found))

    assert client.get_experiment("e").experiment_id == "7"
    assert [request.method for request in server.received] == ["GET"]


def test_an_alias_that_is_gone_already_is_removed(server: Server, client: MLflowClient) -> None:
    words = "Registered model alias a not found."
    server.script(lambda exchange: exchange.error(400, "INVALID_PARAMETER_VALUE", words))

    client.delete_alias("m", "a")

    assert len(server.received) == 1


def test_a_version_that_does_not_exist_is_named(server: Server, client: MLflowClient) -> None:
    words = "Model Version (name=m, version=3) not found"
    server.script(lambda exchange: exchange.error(404, "RESOURCE_DOES_NOT_EXIST", words))

    with pytest.raises(ModelVersionNotFoundError) as caught:
        client.get_model_version("m", 3)

    assert caught.value.key == "m/3"


def test_the_run_of_a_version_is_sent_with_it(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, {"model_version": VERSION}))

    client.create_model_version(
        "m", source="s3://b/m", run_id="r1", tags={"a": "b"}, description="text"
    )

    sent = server.received[0].json
    assert {name: sent[name] for name in ("name", "source", "run_id", "description")} == {
        "name": "m",
        "source": "s3://b/m",
        "run_id": "r1",
        "description": "text",
    }
    assert sent["tags"][0] == {"key": "a", "value": "b"}


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_a_deadline_that_never_ends_or_is_over_is_refused(
    seconds: float, client: MLflowClient
) -> None:
    with pytest.raises(ValidationError, match="deadline"):
        client.get_run("r1", deadline_s=seconds)
