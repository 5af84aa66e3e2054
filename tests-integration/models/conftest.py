"""Fixtures of the registry of models: real servers, and a registry with a cache of its own."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from models.proven_run import proven_run
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import MLflowServer, Release

from tradai.mlflow import MLflowClient, ModelRegistry, ModelSettings

PATIENCE_S: Final = "120"


class HandClock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the instant that was set."""
        return self.at


class Interceptor(FaultProxy):
    """A proxy that does something before it passes on the first request that matches.

    `skip` is the number of requests that match and come before that one.
    """

    def __init__(
        self, upstream: str, match: str, action: Callable[[], object], *, skip: int = 0
    ) -> None:
        super().__init__(upstream)
        self._match = match
        self._action: Callable[[], object] | None = action
        self._skip = skip

    @property
    def acted(self) -> bool:
        """Whether that request came."""
        return self._action is None

    def fault_for(self, request: str) -> Fault | None:
        """Do it."""
        if self._action is not None and self._match in request:
            self._skip -= 1
            if self._skip < 0:
                action, self._action = self._action, None
                action()
        return super().fault_for(request)


@contextmanager
def leaving(server: MLflowServer) -> Iterator[MLflowClient]:
    """Lend a client whose server is gone after the block."""
    with FaultProxy(server.url) as proxy:
        client = MLflowClient(uri=proxy.url)
        yield client
        # Its connections would be served on.
        client.close()


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def artifact(server: MLflowServer, source: str, name: str) -> Path:
    """Return the file of an artifact on the server's disk."""
    return server.folder / "artifacts" / source.removeprefix("mlflow-artifacts:/") / name


@pytest.fixture(autouse=True)
def _hide_mlflow_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "TRADAI_MODEL_")):
            monkeypatch.delenv(name)
    # A server on a busy machine is slow, and not gone.
    for name in ("TRADAI_MLFLOW_DEADLINE_S", "TRADAI_MODEL_DEADLINE_S"):
        monkeypatch.setenv(name, PATIENCE_S)


@pytest.fixture
def release() -> Release:
    """Release of the server; a module that is about the wire runs on both."""
    return "3.17"


@pytest.fixture
def server(release: Release, mlflow_servers: dict[Release, MLflowServer]) -> MLflowServer:
    """The server under test."""
    return mlflow_servers[release]


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: the servers are shared."""
    return f"trend-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def proxy(server: MLflowServer) -> Iterator[FaultProxy]:
    """A fault proxy in front of the server, with no fault planned."""
    with FaultProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def clock() -> HandClock:
    """The clock of the registries."""
    return HandClock()


@pytest.fixture
def settings(tmp_path: Path) -> ModelSettings:
    """Settings with a cache of this test."""
    return ModelSettings(cache=tmp_path / "cache")


@pytest.fixture
def impatient(settings: ModelSettings) -> ModelSettings:
    """The settings, for a server that does not answer: each attempt to reach it ends soon."""
    return settings.model_copy(update={"deadline_s": 1, "files_deadline_s": 2})


@pytest.fixture
def client(server: MLflowServer) -> Iterator[MLflowClient]:
    """A client of the server."""
    with MLflowClient(uri=server.url) as client:
        yield client


@pytest.fixture
def registry(client: MLflowClient, settings: ModelSettings, clock: HandClock) -> ModelRegistry:
    """The registry under test."""
    return ModelRegistry(client, settings, clock=clock)


@pytest.fixture
def proxied(proxy: FaultProxy) -> Iterator[MLflowClient]:
    """A client of the server behind the proxy."""
    with MLflowClient(uri=proxy.url) as client:
        yield client


@pytest.fixture
def through_proxy(
    proxied: MLflowClient, settings: ModelSettings, clock: HandClock
) -> ModelRegistry:
    """The registry behind the proxy, with the cache of `registry`."""
    return ModelRegistry(proxied, settings, clock=clock)


@pytest.fixture
def impatient_through_proxy(
    proxied: MLflowClient, impatient: ModelSettings, clock: HandClock
) -> ModelRegistry:
    """The same, for a proxy that answers with failures."""
    return ModelRegistry(proxied, impatient, clock=clock)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Folder of a run that succeeded."""
    return proven_run(tmp_path / "run-1")
