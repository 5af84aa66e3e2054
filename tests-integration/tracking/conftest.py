"""Fixtures that run tradai.mlflow against MLflow servers of two releases."""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from pydantic import SecretStr
from servers.aws import ACCESS_KEY, REGION, SECRET_KEY, new_bucket, seaweedfs, settings_at
from servers.fault_proxy import FaultProxy
from servers.mlflow import PASSWORD, PREFIX, RELEASES, USER, MLflowServer, Release, storing_in
from tracking.mlflow_oracle import MLflowOracle

from tradai.mlflow import MLflowClient, MLflowSettings

# Long, so that a slow machine does not look like an outage.
PATIENCE_S: Final = 120.0


@pytest.fixture(autouse=True)
def _hide_mlflow_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "MLFLOW_")):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "NETRC"):
        monkeypatch.setenv(name, os.devnull)
    # A server on a busy machine is slow, and not gone.
    monkeypatch.setenv("TRADAI_MLFLOW_DEADLINE_S", str(PATIENCE_S))


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
def new_client() -> Iterator[Callable[..., MLflowClient]]:
    """Make clients, given an address and options, which are closed at the end."""
    with contextlib.ExitStack() as clients:

        def make(uri: str, *, deadline_s: float = PATIENCE_S) -> MLflowClient:
            client = MLflowClient(uri=uri, deadline_s=deadline_s)
            return clients.enter_context(contextlib.closing(client))

        yield make


@pytest.fixture
def client(server: MLflowServer, new_client: Callable[..., MLflowClient]) -> MLflowClient:
    """A client of the server under test."""
    return new_client(server.url)


@pytest.fixture
def faulty(proxy: FaultProxy, new_client: Callable[..., MLflowClient]) -> MLflowClient:
    """A client of the server under test behind `proxy`."""
    return new_client(proxy.url)


@pytest.fixture(scope="session")
def _oracles(mlflow_servers: dict[Release, MLflowServer]) -> Iterator[dict[Release, MLflowOracle]]:
    oracles = {name: MLflowOracle(server) for name, server in mlflow_servers.items()}
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(oracle) for name, oracle in oracles.items()}


@pytest.fixture
def oracle(release: Release, _oracles: dict[Release, MLflowOracle]) -> MLflowOracle:
    """MLflow's own client of the server under test."""
    return _oracles[release]


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: the servers are shared."""
    return f"momentum-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def proxy(server: MLflowServer) -> Iterator[FaultProxy]:
    """A fault proxy in front of the server under test, with an address that no other test uses.

    Clients of a process remember for a while that an address failed.
    """
    with FaultProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def prefixed(server: MLflowServer) -> Iterator[str]:
    """Address of the server under test below the path of a proxy."""
    with FaultProxy(server.url, prefix=PREFIX) as proxy:
        yield proxy.url


@pytest.fixture
def guarded_settings(guarded_mlflow: MLflowServer) -> MLflowSettings:
    """Settings for the server that asks for a login."""
    return MLflowSettings(
        uri=guarded_mlflow.url, username=USER, password=SecretStr(PASSWORD), deadline_s=PATIENCE_S
    )


@pytest.fixture
def guarded_client(guarded_settings: MLflowSettings) -> Iterator[MLflowClient]:
    """A client of the server that asks for a login."""
    with MLflowClient(guarded_settings) as client:
        yield client


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
