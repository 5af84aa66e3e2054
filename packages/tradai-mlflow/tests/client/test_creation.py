"""Nothing is created twice, whatever happens to requests and answers."""

import itertools
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tradai.mlflow import (
    AlreadyExistsError,
    ConnectionLostError,
    InvalidRequestError,
    MLflowClient,
    MLflowError,
    ModelVersionNotFoundError,
    ServerFaultError,
)

# The classes of these fixtures are in conftest, which tests cannot import.
Server: TypeAlias = Any
Timer: TypeAlias = Any

FAULTS = (
    "none",
    "lost request",
    "lost answer",
    "503 before",
    "503 after",
    "429",
    "late",
)


# A request that is carried out after the last search cannot be seen: one such request at most.
SCHEDULES = (
    st.lists(st.sampled_from(FAULTS), max_size=4)
    .filter(lambda faults: faults.count("late") <= 1)
    .map(tuple)
)


class Tables:
    """Runs and versions of a server, which suffers the given faults one after the other."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = list(faults)
        self.rows: dict[str, str] = {}
        self.late: list[Callable[[], object]] = []
        self.numbers = itertools.count(1)

    def answer(self, exchange: Server) -> None:
        path, received = exchange.received.path, exchange.received
        if path.endswith("/create"):
            self._create(exchange)
        elif path.endswith("/search"):
            text = received.query["filter"][0] if received.query else received.json["filter"]
            operation = re.findall("'([^']*)'", text)[-1]
            found = [row for row, named in self.rows.items() if named == operation]
            exchange.reply(
                200, {"runs": [*map(_run, found)], "model_versions": [*map(_version, found)]}
            )
            # A slow server carries the lost request out right after it has said: nothing there.
            for late in self.late:
                late()
            self.late.clear()
        else:
            self.rows.pop(str(received.json.get("run_id") or received.json["version"]))
            exchange.reply(200, {})

    def _create(self, exchange: Server) -> None:
        fault = self.faults.pop(0) if self.faults else "none"
        tags = {tag["key"]: tag["value"] for tag in exchange.received.json["tags"]}

        def insert() -> str:
            row = str(next(self.numbers))
            self.rows[row] = tags["tradai.operation_id"]
            return row

        if fault in {"lost answer", "503 after"}:
            insert()
        if fault == "late":
            self.late.append(insert)
        if fault == "none":
            row = insert()
            exchange.reply(200, {"run": _run(row), "model_version": _version(row)})
        elif fault in {"lost request", "lost answer"}:
            exchange.drop()
        else:
            exchange.reply(429 if fault == "429" else 503, "")


def _run(row: str) -> dict[str, Any]:
    return {"info": {"run_id": row, "experiment_id": "1"}}


def _version(row: str) -> dict[str, Any]:
    return {"name": "m", "version": row}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SCHEDULES, st.sampled_from(["op-1", None]))
def test_a_run_is_created_once_whatever_is_lost(
    server: Server, client: MLflowClient, faults: tuple[str, ...], operation_id: str | None
) -> None:
    tables = Tables(faults)
    server.script(tables.answer)

    run = client.create_run("1", name="r", operation_id=operation_id)

    assert list(tables.rows) == [run.run_id]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SCHEDULES)
def test_a_version_is_created_once_whatever_is_lost(
    server: Server, client: MLflowClient, faults: tuple[str, ...]
) -> None:
    tables = Tables(faults)
    server.script(tables.answer)

    version = client.create_model_version("m", source="s3://bucket/m")

    assert list(tables.rows) == [str(version.version)]


def test_an_operation_is_continued_by_its_id(server: Server, client: MLflowClient) -> None:
    tables = Tables(())
    server.script(tables.answer)

    first = client.create_run("1", name="r", operation_id="op-1")
    second = client.create_run("1", name="r", operation_id="op-1")
    other = client.create_run("1", name="r", operation_id="op-2")

    assert first.run_id == second.run_id != other.run_id
    assert len(tables.rows) == 2


def test_of_two_calls_that_continue_one_operation_at_once_both_return_one_version(
    server: Server, client: MLflowClient
) -> None:
    tables = Tables(())

    def answer(exchange: Server) -> None:
        if exchange.received.path.endswith("/create"):
            # The other call found nothing either, and was first.
            tables.rows[str(next(tables.numbers))] = "op-1"
        tables.answer(exchange)

    server.script(answer)

    version = client.create_model_version("m", source="s3://bucket/m", operation_id="op-1")

    assert version.version == 1
    assert list(tables.rows) == ["1"]


def test_a_create_without_faults_is_one_request(server: Server, client: MLflowClient) -> None:
    server.script(Tables(()).answer)

    client.create_run("1", name="r")

    assert [request.path for request in server.received] == ["/api/2.0/mlflow/runs/create"]


def test_an_error_says_that_the_thing_may_exist(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.drop())

    with pytest.raises(ConnectionLostError) as caught:
        client.create_run("1", name="r")

    assert caught.value.may_have_run


def test_a_search_that_is_refused_leaves_the_doubt(server: Server, client: MLflowClient) -> None:
    server.script(
        lambda exchange: exchange.drop(),
        lambda exchange: exchange.error(400, "INVALID_PARAMETER_VALUE", "no"),
    )

    with pytest.raises(InvalidRequestError) as caught:
        client.create_run("1", name="r")

    assert caught.value.may_have_run


def test_a_refused_create_is_not_repeated(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.error(400, "INVALID_PARAMETER_VALUE", "no"))

    with pytest.raises(InvalidRequestError) as caught:
        client.create_run("1", name="r")

    assert len(server.received) == 1
    assert not caught.value.may_have_run


def _missing(exchange: Server) -> None:
    exchange.error(404, "RESOURCE_DOES_NOT_EXIST", "not found")


def _taken(exchange: Server) -> None:
    exchange.error(400, "RESOURCE_ALREADY_EXISTS", "X already exists")


def _experiment(exchange: Server) -> None:
    exchange.reply(200, {"experiment": {"experiment_id": "7", "name": "e"}})


@pytest.mark.parametrize(
    "create",
    [
        _taken,
        lambda exchange: exchange.drop(),
        lambda exchange: exchange.reply(502, ""),
        lambda exchange: exchange.reply(200, {"experiment_id": "7"}),
    ],
    ids=["another was first", "lost answer", "502", "created"],
)
def test_an_experiment_is_got_or_created(
    create: Callable[[Server], None], server: Server, client: MLflowClient
) -> None:
    server.script(_missing, create, _experiment)

    assert client.experiment("e").experiment_id == "7"


def test_an_experiment_that_cannot_be_created_is_an_error(
    server: Server, client: MLflowClient, timer: Timer
) -> None:
    def behave(exchange: Server) -> None:
        answer = _missing if exchange.received.method == "GET" else _taken
        answer(exchange)

    server.script(behave)
    began = timer.now

    with pytest.raises(AlreadyExistsError):
        client.experiment("e", deadline_s=3)

    assert timer.now - began <= 3


def test_a_deleted_experiment_is_named_as_such(server: Server, client: MLflowClient) -> None:
    facts = {"experiment_id": "7", "name": "e", "lifecycle_stage": "deleted"}
    server.script(lambda exchange: exchange.reply(200, {"experiment": facts}))

    with pytest.raises(AlreadyExistsError, match="mlflow experiments restore -x 7"):
        client.experiment("e")


def test_a_model_is_got_or_created(server: Server, client: MLflowClient) -> None:
    model = {"registered_model": {"name": "m", "aliases": [{"alias": "a", "version": "3"}]}}
    server.script(_missing, _taken, lambda exchange: exchange.reply(200, model))

    assert client.registered_model("m").aliases == {"a": 3}


def test_the_removal_of_what_is_gone_already_succeeds(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.drop(), _missing)

    client.delete_model_version("m", 3)

    assert len(server.received) == 2


def test_the_stage_of_no_version_is_an_error(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, {}))

    with pytest.raises(ModelVersionNotFoundError, match="has no version"):
        client.latest_model_version("m")


def test_a_fault_while_creating_ends_at_the_deadline(
    server: Server, client: MLflowClient, timer: Timer
) -> None:
    server.script(lambda exchange: exchange.reply(504, ""))
    began = timer.now

    with pytest.raises(ServerFaultError):
        client.create_run("1", name="r", deadline_s=4)

    assert timer.now - began <= 4
    with pytest.raises(MLflowError, match="failed a moment ago"):
        client.get_run("r1")
