"""Wrong logins, addresses, names and values: one typed sentence each, and nothing half-written."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
import requests
from pydantic import SecretStr
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import PREFIX, MLflowServer, Release

from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.mlflow import (
    AlreadyExistsError,
    ExperimentRun,
    HostRejectedError,
    InvalidRequestError,
    LimitExceededError,
    LoginRefusedError,
    MLflowClient,
    MLflowError,
    MLflowSettings,
    ModelNotFoundError,
    ModelVersionNotFoundError,
    NotAnMLflowServerError,
    ParameterConflictError,
    RunMetric,
)

NewClient = Callable[..., MLflowClient]

START: Final = datetime(2026, 11, 29, tzinfo=UTC)
WRONG: Final = SecretStr("not-the-" + "password")
# Longest tag of a model and of a version that each release keeps.
MODEL_TAG: Final = {"2.18": 5_000, "3.17": 100_000}


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def run(client: MLflowClient, unique: str) -> ExperimentRun:
    """A new run."""
    return client.create_run(client.experiment(unique).experiment_id, name=unique)


@pytest.fixture
def file_server(tmp_path: Path) -> Iterator[str]:
    """Address of a web server that serves the files of an empty folder."""
    handler = partial(_QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _post(server: MLflowServer, path: str, **fields: str) -> None:
    answer = requests.post(f"{server.url}/api/2.0/mlflow/{path}", json=fields, timeout=60)
    answer.raise_for_status()


@pytest.mark.parametrize(
    "login",
    [
        pytest.param({}, id="none"),
        pytest.param({"username": "admin", "password": WRONG}, id="wrong password"),
        pytest.param({"username": "nobody", "password": WRONG}, id="unknown user"),
        pytest.param({"token": WRONG}, id="token that is not accepted"),
    ],
)
def test_a_login_that_is_refused_is_named(
    guarded_mlflow: MLflowServer, login: dict[str, object]
) -> None:
    settings = MLflowSettings.model_validate({"uri": guarded_mlflow.url, **login})

    with MLflowClient(settings) as client:
        for call in (client.server, partial(client.get_experiment, "Default")):
            with pytest.raises(LoginRefusedError, match="MLFLOW_TRACKING_USERNAME") as caught:
                call()
            assert (caught.value.status, caught.value.attempts) == (401, 1)


def test_a_login_of_netrc_is_not_used(
    guarded_mlflow: MLflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login admin password not-a-real-password\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with MLflowClient(uri=guarded_mlflow.url) as client, pytest.raises(LoginRefusedError):
        client.server()


@pytest.mark.parametrize("path", ["", "/elsewhere"])
def test_a_wrong_path_of_the_server_is_named(guarded_settings: MLflowSettings, path: str) -> None:
    assert guarded_settings.uri is not None
    uri = guarded_settings.uri.removesuffix(PREFIX) + path

    with MLflowClient(guarded_settings, uri=uri) as client:
        for call in (client.server, partial(client.get_experiment, "Default")):
            with pytest.raises(NotAnMLflowServerError, match="prefix"):
                call()


def test_a_web_server_that_is_not_mlflow_is_named(file_server: str, new_client: NewClient) -> None:
    client = new_client(file_server)

    for call in (client.server, partial(client.get_experiment, "Default")):
        with pytest.raises(NotAnMLflowServerError, match="MLFLOW_TRACKING_URI"):
            call()
    with pytest.raises(MLflowError):
        client.experiment("momentum")


@pytest.mark.parametrize(
    "body", [b"<html>Log in</html>", b"[]", b"{}", b'{"status": "ok"}', b"", b"\xff\xfe"]
)
@pytest.mark.parametrize("release", ["3.17"])
def test_an_answer_that_mlflow_never_gives_is_named(
    faulty: MLflowClient, proxy: FaultProxy, body: bytes
) -> None:
    calls = (
        faulty.server,
        partial(faulty.get_experiment, "momentum"),
        partial(faulty.get_run, "0" * 32),
        partial(faulty.get_registered_model, "momentum"),
        partial(faulty.model_version_by_alias, "momentum", "champion"),
    )
    for call in calls:
        proxy.plan(Fault(match=".", action="answer", status=200, body=body))
        with pytest.raises(NotAnMLflowServerError, match="MLFLOW_TRACKING_URI"):
            call()


def test_a_name_of_the_host_that_the_server_refuses_is_named(
    mlflow_servers: dict[Release, MLflowServer], new_client: NewClient
) -> None:
    with FaultProxy(mlflow_servers["3.17"].url, host="mlflow.example.com") as proxy:
        client = new_client(proxy.url)

        with pytest.raises(HostRejectedError, match="--allowed-hosts"):
            client.get_experiment("Default")


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "./mlruns", "databricks", "127.0.0.1:5000"])
def test_an_address_that_is_not_http_is_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="http"):
        MLflowClient(uri=uri)


def test_a_parameter_has_one_value(client: MLflowClient, run: ExperimentRun) -> None:
    client.log_batch(run.run_id, params={"pair": "BTC/USDT"})

    with pytest.raises(ParameterConflictError, match="pair"):
        client.log_batch(run.run_id, params={"pair": "ETH/USDT"})

    client.log_batch(run.run_id, params={"pair": "BTC/USDT"})
    assert client.get_run(run.run_id).params == {"pair": "BTC/USDT"}


def test_the_longest_values_are_kept_whole(
    client: MLflowClient, run: ExperimentRun, release: Release, unique: str
) -> None:
    params, tags = {"k" * 250: "p" * 6_000}, {"t" * 250: "ü" * 8_000}
    client.log_batch(run.run_id, params=params, tags=tags)
    client.registered_model(unique)
    longest = "ü" * MODEL_TAG[release]
    version = client.create_model_version(
        unique, source=run.artifact_uri, run_id=run.run_id, tags={"config.000": longest}
    )
    client.set_model_version_tag(unique, version.version, "config.001", longest)
    client.set_model_tag(unique, "note", longest)

    found = client.get_run(run.run_id)
    assert (found.params, tags.items() <= found.tags.items()) == (params, True)
    kept = client.get_model_version(unique, version.version).tags
    assert (kept["config.000"], kept["config.001"]) == (longest, longest)
    assert client.get_registered_model(unique).tags == {"note": longest}


def test_a_value_that_the_server_would_cut_is_refused_before_anything_is_sent(
    client: MLflowClient, run: ExperimentRun
) -> None:
    point = RunMetric(key="m" * 251, value=1.0, at=START)
    for fields in (
        {"params": {"pairs": "p" * 6_001}},
        {"params": {"k" * 251: "p"}},
        {"tags": {"note": "t" * 8_001}},
        {"tags": {"t" * 251: "t"}},
        {"metrics": [point]},
    ):
        with pytest.raises(LimitExceededError) as caught:
            client.log_batch(run.run_id, **{"params": {"first": "1"}, **fields})  # type: ignore[arg-type] # one of three kinds
        assert caught.value.actual == caught.value.limit + 1

    assert client.get_run(run.run_id).params == {}


def test_a_tag_of_a_version_that_the_server_would_refuse_is_refused_by_name(
    client: MLflowClient, run: ExperimentRun, release: Release, unique: str
) -> None:
    client.registered_model(unique)
    too_long = "c" * (MODEL_TAG[release] + 1)

    with pytest.raises(LimitExceededError, match="config"):
        client.create_model_version(
            unique, source=run.artifact_uri, run_id=run.run_id, tags={"config": too_long}
        )
    with pytest.raises(LimitExceededError, match="config"):
        client.set_model_tag(unique, "config", too_long)

    assert list(client.search_model_versions(filter=f"name = '{unique}'")) == []


@pytest.mark.parametrize("suffix", ["/5m", ":5m"])
def test_a_name_of_a_model_that_a_release_refuses_is_named(
    client: MLflowClient, release: Release, unique: str, suffix: str
) -> None:
    if release == "2.18":
        assert client.registered_model(unique + suffix).name == unique + suffix
        return
    with pytest.raises(InvalidRequestError, match=re.escape(unique + suffix)):
        client.registered_model(unique + suffix)


def test_a_model_has_a_name(client: MLflowClient) -> None:
    with pytest.raises((InvalidRequestError, ValidationError), match="name"):
        client.registered_model("")


@pytest.mark.parametrize(
    "suffix", ["100%", "%2F", "a b", "größe", "O'Neil", 'the "best"', "a+b&c=d"]
)
def test_unusual_names_are_kept(client: MLflowClient, unique: str, suffix: str) -> None:
    name = f"{unique} {suffix}"
    experiment = client.experiment(name)
    run = client.create_run(experiment.experiment_id, name=name, operation_id=name)
    again = client.create_run(experiment.experiment_id, name=name, operation_id=name)
    client.registered_model(name)
    version = client.create_model_version(
        name, source=run.artifact_uri, run_id=run.run_id, operation_id=name
    )
    client.set_alias(name, "champion", version.version)

    assert (run.name, again.run_id) == (name, run.run_id)
    assert client.get_experiment(name) == experiment
    assert client.model_version_by_alias(name, "champion").name == name


@pytest.mark.parametrize("alias", ["latest", "v1", "", "a/b", "a:b"])
def test_an_alias_that_mlflow_refuses_is_named(
    client: MLflowClient, run: ExperimentRun, unique: str, alias: str
) -> None:
    client.registered_model(unique)
    client.create_model_version(unique, source=run.artifact_uri, run_id=run.run_id)

    with pytest.raises((InvalidRequestError, ValidationError)):
        client.set_alias(unique, alias, 1)

    assert client.get_registered_model(unique).aliases == {}


def test_a_filter_that_is_not_one_is_refused(client: MLflowClient, run: ExperimentRun) -> None:
    with pytest.raises(InvalidRequestError):
        list(client.search_runs([run.experiment_id], filter="profit is high"))


def test_a_deleted_experiment_is_not_used(
    client: MLflowClient, server: MLflowServer, unique: str
) -> None:
    experiment = client.experiment(unique)
    _post(server, "experiments/delete", experiment_id=experiment.experiment_id)

    with pytest.raises(AlreadyExistsError, match="restore"):
        client.experiment(unique)


def test_a_version_that_is_deleted_while_it_is_looked_up_is_not_found(
    client: MLflowClient, run: ExperimentRun, unique: str
) -> None:
    client.registered_model(unique)
    version = client.create_model_version(unique, source=run.artifact_uri, run_id=run.run_id)
    client.set_alias(unique, "champion", version.version)
    pinned = client.model_version_by_alias(unique, "champion").version

    client.delete_model_version(unique, pinned)

    with pytest.raises(ModelVersionNotFoundError, match=unique):
        client.get_model_version(unique, pinned)
    with pytest.raises(ModelVersionNotFoundError, match=unique):
        client.set_model_version_tag(unique, pinned, "state", "live")


def test_a_version_of_a_model_that_does_not_exist_is_not_created(
    client: MLflowClient, run: ExperimentRun, unique: str
) -> None:
    with pytest.raises(ModelNotFoundError, match=unique):
        client.create_model_version(unique, source=run.artifact_uri, run_id=run.run_id)
