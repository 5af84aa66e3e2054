"""Batches keep every limit of MLflow, lose nothing, and cut nothing."""

import hashlib
import json
import math
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from tradai.core import from_epoch_ms
from tradai.core.exceptions import ValidationError
from tradai.mlflow import LimitExceededError, MLflowClient, RunMetric

# The class of this fixture is in conftest, which tests cannot import.
Server: TypeAlias = Any

AT = from_epoch_ms(1_735_689_600_000)


def _points(count: int) -> list[RunMetric]:
    return [RunMetric(key="profit", value=n / 8, step=n, at=AT) for n in range(count)]


def _sent(server: Server) -> list[dict[str, Any]]:
    return [request.json for request in server.received]


def _accept(server: Server) -> None:
    server.script(lambda exchange: exchange.reply(200, {}))


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    points=st.integers(0, 2_500),
    params=st.lists(st.text(max_size=9), max_size=250).map(
        lambda texts: {f"p{n}": text for n, text in enumerate(texts)}
    ),
    tags=st.integers(0, 250),
    length=st.sampled_from([1, 6_000]),
)
@example(points=950, params={f"p{n}": "x" for n in range(250)}, tags=250, length=1)
@example(points=1_001, params={}, tags=0, length=1)
def test_batches_keep_every_limit_and_lose_nothing(
    server: Server,
    client: MLflowClient,
    points: int,
    params: dict[str, str],
    tags: int,
    length: int,
) -> None:
    _accept(server)
    named = {f"t{n}": "é" * length for n in range(tags)}

    client.log_batch("r1", metrics=_points(points), params=params, tags=named)

    batches = _sent(server)
    for request, batch in zip(server.received, batches, strict=True):
        counts = [len(batch.get(part, ())) for part in ("metrics", "params", "tags")]
        assert len(request.body) <= 1_000_000
        assert counts[0] <= 1_000
        assert max(counts[1:]) <= 100
        assert 0 < sum(counts) <= 1_000
    steps = [point["step"] for batch in batches for point in batch.get("metrics", ())]
    assert steps == list(range(points))
    assert {one["key"]: one["value"] for b in batches for one in b.get("params", ())} == params
    assert {one["key"]: one["value"] for b in batches for one in b.get("tags", ())} == named


def test_a_point_is_sent_with_its_own_time(server: Server, client: MLflowClient) -> None:
    _accept(server)
    at = AT.replace(microsecond=123_999)

    client.log_batch("r1", metrics=[RunMetric(key="profit", value=0.1, step=7, at=at)])

    (point,) = _sent(server)[0]["metrics"]
    assert point == {"key": "profit", "value": 0.1, "timestamp": 1_735_689_600_123, "step": 7}


def test_nothing_to_write_is_no_request(server: Server, client: MLflowClient) -> None:
    client.log_batch("r1")

    assert server.received == []


@pytest.mark.parametrize(
    ("batch", "limit"),
    [
        ({"params": {"p": "x" * 6_001}}, 6_000),
        ({"tags": {"t": "x" * 8_001}}, 8_000),
        ({"params": {"p" * 251: "x"}}, 250),
        ({"tags": {"t" * 251: "x"}}, 250),
        ({"metrics": [RunMetric(key="m" * 251, value=1.0, at=AT)]}, 250),
    ],
    ids=["param", "tag", "name of a param", "name of a tag", "name of a metric"],
)
def test_a_text_that_mlflow_would_cut_is_refused_before_anything_is_sent(
    batch: dict[str, Any], limit: int, server: Server, client: MLflowClient
) -> None:
    with pytest.raises(LimitExceededError, match=f"MLflow keeps {limit}") as caught:
        client.log_batch("r1", **{"metrics": _points(3), **batch})

    assert (caught.value.limit, caught.value.actual) == (limit, limit + 1)
    assert server.received == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused_before_anything_is_sent(
    value: float, server: Server, client: MLflowClient
) -> None:
    odd = RunMetric(key="profit", value=value, step=9, at=AT)

    with pytest.raises(ValidationError, match=r"'profit' is -?(nan|inf) at 9"):
        client.log_batch("r1", metrics=[*_points(3), odd])

    assert server.received == []


def test_a_value_that_is_not_finite_can_be_kept_as_a_tag(
    server: Server, client: MLflowClient
) -> None:
    _accept(server)
    odd = [RunMetric(key="ratio", value=math.inf, step=step, at=AT) for step in (3, 4)]

    client.log_batch("r1", metrics=[*_points(2), *odd], non_finite="tag")

    (batch,) = _sent(server)
    assert batch["tags"] == [{"key": "tradai.not_finite.ratio", "value": "inf at step 4"}]
    assert [point["key"] for point in batch["metrics"]] == ["profit", "profit"]


def test_a_long_value_can_be_kept_as_an_artifact(server: Server, client: MLflowClient) -> None:
    text = "é" * 7_000
    digest = hashlib.sha256(text.encode()).hexdigest()
    info = {
        "run_id": "r1",
        "experiment_id": "1",
        "artifact_uri": "mlflow-artifacts:/1/r1/artifacts",
    }

    def answer(exchange: Server) -> None:
        is_read = exchange.received.method == "GET"
        exchange.reply(200, {"run": {"info": info}} if is_read else {})

    server.script(answer)

    client.log_batch("r1", params={"long": text, "short": "x"}, long_values="artifact")

    _, uploaded, batch = server.received
    assert uploaded.path.endswith(f"/artifacts/1/r1/artifacts/long-values/{digest[:16]}.txt")
    assert uploaded.body == text.encode()
    values = {one["key"]: one["value"] for one in json.loads(batch.body)["params"]}
    assert values["short"] == "x"
    assert f"sha256:{digest}" in values["long"]


def test_short_values_need_no_artifact(server: Server, client: MLflowClient) -> None:
    _accept(server)

    client.log_batch("r1", params={"a": "b"}, tags={"c": "d"}, long_values="artifact")

    assert len(server.received) == 1


def test_a_tag_of_a_new_run_is_not_cut_either(server: Server, client: MLflowClient) -> None:
    with pytest.raises(LimitExceededError):
        client.create_run("1", name="r", tags={"t": "x" * 8_001})

    assert server.received == []


@pytest.mark.parametrize(("version", "limit"), [("2.18.0", 5_000), ("3.17.2", 100_000)])
def test_the_limit_of_a_version_tag_is_that_of_the_server(
    version: str, limit: int, server: Server, client: MLflowClient
) -> None:
    def answer(exchange: Server) -> None:
        exchange.reply(200, version if exchange.received.path == "/version" else {})

    server.script(answer)

    client.set_model_version_tag("m", 1, "t", "x" * limit)
    with pytest.raises(LimitExceededError, match=f"MLflow keeps {limit}"):
        client.set_model_version_tag("m", 1, "t", "x" * (limit + 1))
    with pytest.raises(LimitExceededError):
        client.create_model_version("m", source="s3://b/m", tags={"t": "x" * (limit + 1)})
    with pytest.raises(LimitExceededError):
        client.set_model_tag("m", "t", "x" * (limit + 1))

    assert [request.path for request in server.received].count("/version") == 1


@pytest.mark.parametrize("value", [None, 10**400, "nan", [1.0]])
def test_a_metric_that_is_not_a_number_is_refused_before_anything_is_sent(
    value: float, server: Server, client: MLflowClient
) -> None:
    metrics = [*_points(1), RunMetric(key="loss", value=value, at=AT)]

    with pytest.raises(ValidationError, match="'loss' is not usable: expected a number that"):
        client.log_batch("r1", metrics=metrics)

    assert server.received == []


@pytest.mark.parametrize("texts", [{"depth": None}, {"depth": 3}, {7: "x"}])
def test_a_parameter_or_tag_that_is_not_a_text_is_refused_before_anything_is_sent(
    texts: dict[str, str], server: Server, client: MLflowClient
) -> None:
    with pytest.raises(ValidationError, match=r"is of type \w+: expected text"):
        client.log_batch("r1", params=texts)
    with pytest.raises(ValidationError, match=r"is of type \w+: expected text"):
        client.log_batch("r1", tags=texts)

    assert server.received == []
