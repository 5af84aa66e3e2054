"""The MLflow servers of these tests, asked without a client of ours."""

from collections.abc import Mapping
from typing import Any

import pytest
import requests
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import PREFIX, VERSIONS, MLflowServer, Release


def _ask(server: MLflowServer, path: str, **fields: Any) -> dict[str, Any]:
    answer = requests.post(
        f"{server.url}/api/2.0/mlflow/{path}", json=fields, headers=server.headers, timeout=60
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _new_run(server: MLflowServer, experiment: str) -> dict[str, str]:
    experiment_id = _ask(server, "experiments/create", name=experiment)["experiment_id"]
    info: dict[str, str] = _ask(server, "runs/create", experiment_id=experiment_id)["run"]["info"]
    return info


def test_a_server_is_of_its_release(server: MLflowServer, release: Release) -> None:
    answer = requests.get(f"{server.url}/version", timeout=60)

    assert answer.text == VERSIONS[release]


def test_a_server_keeps_a_run_and_its_artifact(server: MLflowServer, unique: str) -> None:
    run = _new_run(server, unique)
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    address = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}/report.txt"

    requests.put(address, data=b"12 trades", timeout=60).raise_for_status()

    assert requests.get(address, timeout=60).content == b"12 trades"
    assert (server.folder / "artifacts" / path / "report.txt").read_text() == "12 trades"


def test_a_guarded_server_serves_below_its_path_to_its_user_only(
    guarded_mlflow: MLflowServer, unique: str
) -> None:
    root = guarded_mlflow.url.removesuffix(PREFIX)

    run = _new_run(guarded_mlflow, unique)

    assert run["status"] == "RUNNING"
    assert requests.get(f"{guarded_mlflow.url}/version", timeout=60).status_code == 401
    above = requests.get(f"{root}/version", headers=guarded_mlflow.headers, timeout=60)
    assert above.status_code == 404


def test_a_server_leaves_artifacts_in_s3_to_its_clients(
    mlflow_on_s3: MLflowServer, unique: str
) -> None:
    run = _new_run(mlflow_on_s3, unique)
    api = f"{mlflow_on_s3.url}/api/2.0/mlflow-artifacts/artifacts/0/report.txt"

    assert run["artifact_uri"].startswith("s3://lake-")
    assert requests.put(api, data=b"12 trades", timeout=60).status_code == 503


def test_a_proxy_loses_an_answer_after_the_server_has_handled_the_request(
    proxy: FaultProxy, unique: str
) -> None:
    proxy.plan(Fault(match="experiments/create", action="lose"))
    address = f"{proxy.url}/api/2.0/mlflow/experiments/create"

    with pytest.raises(requests.ConnectionError):
        requests.post(address, json={"name": unique}, timeout=60)

    assert requests.post(address, json={"name": unique}, timeout=60).status_code == 400


def test_a_proxy_replaces_the_answer_to_a_request_that_was_handled(
    proxy: FaultProxy, unique: str
) -> None:
    proxy.plan(Fault(match="experiments/create", action="replace", status=504, body=b"<html>"))
    address = f"{proxy.url}/api/2.0/mlflow/experiments/create"

    first = requests.post(address, json={"name": unique}, timeout=60)

    assert (first.status_code, first.content) == (504, b"<html>")
    assert requests.post(address, json={"name": unique}, timeout=60).status_code == 400


def test_a_proxy_serves_below_a_path(server: MLflowServer, release: Release) -> None:
    with FaultProxy(server.url, prefix=PREFIX) as proxy:
        below = requests.get(f"{proxy.url}/version", timeout=60)
        above = requests.get(proxy.url.removesuffix(PREFIX) + "/version", timeout=60)

    assert below.text == VERSIONS[release]
    assert above.status_code == 404


def test_a_newer_server_refuses_a_name_that_it_does_not_expect(
    mlflow_servers: Mapping[Release, MLflowServer],
) -> None:
    with FaultProxy(mlflow_servers["3.17"].url, host="mlflow.example.com") as proxy:
        version = requests.get(f"{proxy.url}/version", timeout=60)
        answer = requests.post(
            f"{proxy.url}/api/2.0/mlflow/experiments/search", json={}, timeout=60
        )

    assert version.status_code == 200
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/plain")
