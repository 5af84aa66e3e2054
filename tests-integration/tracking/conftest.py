"""Fixtures that run tradai.mlflow against MLflow servers of two releases."""

import os
import uuid
from collections.abc import Iterator

import pytest
from servers.aws import ACCESS_KEY, REGION, SECRET_KEY, new_bucket, seaweedfs, settings_at
from servers.fault_proxy import FaultProxy
from servers.mlflow import RELEASES, MLflowServer, Release, storing_in


@pytest.fixture(autouse=True)
def _hide_mlflow_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "MLFLOW_")):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "NETRC"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Release:
    """Release of the server under test: a test that uses it runs on two."""
    name: Release = request.param
    return name


@pytest.fixture
def server(release: Release, mlflow_servers: dict[Release, MLflowServer]) -> MLflowServer:
    """The server under test."""
    return mlflow_servers[release]


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: the servers are shared."""
    return f"momentum-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def _proxies(mlflow_servers: dict[Release, MLflowServer]) -> Iterator[dict[Release, FaultProxy]]:
    proxies = {name: FaultProxy(server.url) for name, server in mlflow_servers.items()}
    with proxies["2.18"], proxies["3.17"]:
        yield proxies


@pytest.fixture
def proxy(release: Release, _proxies: dict[Release, FaultProxy]) -> FaultProxy:
    """A fault proxy in front of the server under test, with no fault planned."""
    proxy = _proxies[release]
    proxy.plan()
    return proxy


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables by which AWS's clients reach an S3 store."""
    standin = seaweedfs(tmp_path_factory.mktemp("seaweedfs"))
    with standin.server.running():
        yield {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": standin.url,
        }


@pytest.fixture(scope="session")
def mlflow_on_s3(
    object_store: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MLflowServer]:
    """An MLflow server whose clients read and write artifacts in S3 themselves."""
    with pytest.MonkeyPatch.context() as patch:
        for name, text in object_store.items():
            patch.setenv(name, text)
        bucket = new_bucket(settings_at(object_store["AWS_ENDPOINT_URL"]))
    folder = tmp_path_factory.mktemp("mlflow-s3")
    server = storing_in(f"s3://{bucket}/runs", folder, object_store)
    with server.running():
        yield server
