"""Artifacts behind the server and in a store: listed, sent and fetched whole."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import pytest

from tradai.core import MemoryStore, ObjectInfo, StoredObject
from tradai.core.exceptions import (
    ConfigurationError,
    NotFoundError,
    StorageError,
    ValidationError,
)
from tradai.mlflow import (
    ArtifactInfo,
    ArtifactNotFoundError,
    ConnectionLostError,
    CorruptArtifactError,
    ExperimentRun,
    MLflowClient,
    MLflowSettings,
    ModelVersion,
    NotAnMLflowServerError,
)

# The classes of these fixtures are in conftest, which tests cannot import.
Server: TypeAlias = Any
Timer: TypeAlias = Any

ROOT = "/api/2.0/mlflow-artifacts/artifacts"
RUN = ExperimentRun(run_id="r1", experiment_id="1", artifact_uri="mlflow-artifacts:/1/r1/artifacts")
DATA = bytes(range(256)) * 1_000
DIGEST = hashlib.sha256(DATA).hexdigest()


class Folder:
    """The artifacts of a server."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def __call__(self, exchange: Server) -> None:
        received = exchange.received
        name = unquote(received.path.removeprefix(ROOT)).strip("/")
        if received.method == "PUT":
            self.files[name] = received.body
            exchange.reply(200, "")
        elif name in self.files:
            exchange.reply(200, self.files[name])
        elif name:
            exchange.error(404, "RESOURCE_DOES_NOT_EXIST", f"No such artifact: '{name}'")
        else:
            exchange.reply(200, {"files": self._listed(received.query["path"][0])})

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        below = [path.removeprefix(f"{folder}/") for path in self.files if path.startswith(folder)]
        names = {path.partition("/")[0]: "/" in path for path in below}
        return [
            {"path": name, "is_dir": is_folder, "file_size": len(DATA)}
            for name, is_folder in sorted(names.items(), reverse=True)
        ]


class Bucket:
    """An object store for ``s3://`` in the memory of the test."""

    def __init__(self) -> None:
        self.objects = MemoryStore()

    def read(self, uri: str) -> StoredObject:
        return self.objects.read(_in_memory(uri))

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        return self.objects.write(_in_memory(uri), data, if_match=if_match, if_absent=if_absent)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for info in self.objects.list(_in_memory(prefix)):
            yield replace(info, uri=info.uri.replace("memory:", "s3://", 1))

    def delete(self, uri: str) -> None:
        self.objects.delete(_in_memory(uri))

    def stat(self, uri: str) -> ObjectInfo:
        return self.objects.stat(_in_memory(uri))

    def copy(self, source: str, target: str) -> str:
        return self.objects.copy(_in_memory(source), _in_memory(target))


def _in_memory(uri: str) -> str:
    return uri.replace("s3://", "memory:", 1)


@pytest.fixture
def folder(server: Server) -> Folder:
    made = Folder()
    server.script(made)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "report.bin"
    path.write_bytes(DATA)
    return path


def test_a_file_is_sent_listed_and_fetched(
    client: MLflowClient, folder: Folder, file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new" / "copy.bin"

    sent = client.upload_artifact(RUN, file, "report/über sicht.bin")
    fetched = client.download_artifact(RUN, "report/über sicht.bin", target, expected_sha256=sent)

    assert sent == fetched == DIGEST
    assert target.read_bytes() == DATA
    assert list(client.list_artifacts(RUN)) == [ArtifactInfo(path="report", is_folder=True)]
    assert list(client.list_artifacts(RUN, "report")) == [
        ArtifactInfo(path="report/über sicht.bin", is_folder=False, size=len(DATA))
    ]
    assert len(folder.files) == 1


def test_an_upload_that_is_interrupted_begins_anew(
    client: MLflowClient, server: Server, file: Path
) -> None:
    folder = Folder()
    server.script(lambda exchange: exchange.drop(), folder)

    client.upload_artifact(RUN, file, "report.bin")

    assert list(folder.files.values()) == [DATA]


def _cut(exchange: Server) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 256000\r\n\r\n" + DATA[:100_000])


def test_a_download_that_is_cut_begins_anew(
    client: MLflowClient, server: Server, tmp_path: Path
) -> None:
    listing = {"files": [{"path": "report.bin", "file_size": len(DATA)}]}
    server.script(
        _cut,
        lambda exchange: exchange.reply(200, listing),
        _cut,
        lambda exchange: exchange.reply(200, DATA),
    )

    assert client.download_artifact(RUN, "report.bin", tmp_path / "copy.bin") == DIGEST
    assert (tmp_path / "copy.bin").read_bytes() == DATA


def test_a_download_that_stays_cut_leaves_nothing(
    client: MLflowClient, server: Server, tmp_path: Path
) -> None:
    listing = {"files": [{"path": "report.bin", "file_size": len(DATA)}]}

    def behave(exchange: Server) -> None:
        if exchange.received.path == ROOT:
            exchange.reply(200, listing)
        else:
            _cut(exchange)

    server.script(behave)

    with pytest.raises(ConnectionLostError):
        client.download_artifact(RUN, "report.bin", tmp_path / "copy.bin", deadline_s=5)

    assert list(tmp_path.iterdir()) == []


def test_a_changed_artifact_is_refused_and_leaves_nothing(
    client: MLflowClient, folder: Folder, tmp_path: Path
) -> None:
    folder.files["1/r1/artifacts/report.bin"] = b"changed"
    target = tmp_path / "copy.bin"
    target.write_bytes(b"old")

    with pytest.raises(CorruptArtifactError, match=f"expected {DIGEST}"):
        client.download_artifact(RUN, "report.bin", target, expected_sha256=DIGEST)

    assert target.read_bytes() == b"old"


@pytest.mark.usefixtures("folder")
def test_an_artifact_that_does_not_exist_is_named(client: MLflowClient, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError) as caught:
        client.download_artifact(RUN, "none.bin", tmp_path / "copy.bin")

    assert (caught.value.kind, caught.value.key) == ("artifact", "none.bin")


def test_an_artifact_that_a_server_of_mlflow_2_fails_about_is_missing(
    client: MLflowClient, server: Server, timer: Timer, tmp_path: Path
) -> None:
    def behave(exchange: Server) -> None:
        is_listing = exchange.received.path == ROOT
        exchange.reply(200 if is_listing else 500, {"files": []} if is_listing else "boom")

    server.script(behave)

    with pytest.raises(ArtifactNotFoundError, match=r"'none\.bin' does not exist"):
        client.download_artifact(RUN, "none.bin", tmp_path / "copy.bin")

    assert timer.sleeps == []


def test_a_file_that_is_not_here_cannot_be_sent(client: MLflowClient, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.bin"):
        client.upload_artifact(RUN, tmp_path / "none.bin", "none.bin")


@pytest.mark.usefixtures("folder")
def test_a_target_that_cannot_be_written_is_named(client: MLflowClient, file: Path) -> None:
    client.upload_artifact(RUN, file, "report.bin")

    with pytest.raises(StorageError, match="is a file, not a folder"):
        client.download_artifact(RUN, "report.bin", file / "below" / "copy.bin")


def test_a_server_that_is_not_mlflow_accepts_no_file(
    client: MLflowClient, server: Server, file: Path
) -> None:
    server.script(lambda exchange: exchange.reply(200, "<html>welcome</html>"))

    with pytest.raises(NotAnMLflowServerError):
        client.upload_artifact(RUN, file, "report.bin")


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", "../a", "a/./b", "a%2Fb", "a#b", "a\\b", "a\nb"]
)
def test_a_path_that_leads_elsewhere_is_refused(
    path: str, client: MLflowClient, file: Path
) -> None:
    with pytest.raises(ValidationError, match="artifact path"):
        client.upload_artifact(RUN, file, path)


@pytest.mark.parametrize(
    "root", ["/var/mlruns/1/r1/artifacts", "file:///var/mlruns", "gs://bucket/1", "dbfs:/x"]
)
def test_artifacts_that_only_the_server_reaches_are_refused(
    root: str, client: MLflowClient
) -> None:
    run = RUN.model_copy(update={"artifact_uri": root})

    with pytest.raises(ConfigurationError, match="--serve-artifacts"):
        client.list_artifacts(run)


@pytest.mark.parametrize(
    "root",
    ["mlflow-artifacts:/1/r1/artifacts", f"http://127.0.0.1:5000{ROOT}/1/r1/artifacts"],
)
def test_a_root_behind_the_server_is_read_through_it(
    root: str, client: MLflowClient, folder: Folder
) -> None:
    folder.files["1/r1/artifacts/a.txt"] = b"a"
    run = RUN.model_copy(update={"artifact_uri": root})

    assert [info.path for info in client.list_artifacts(run)] == ["a.txt"]


@pytest.mark.parametrize("source", ["runs:/r1/model", "models:/m-1"])
def test_a_source_that_is_a_reference_is_resolved_by_the_server(
    source: str, client: MLflowClient, server: Server, tmp_path: Path
) -> None:
    uri = {"artifact_uri": "mlflow-artifacts:/1/r1/artifacts/model"}
    server.script(
        lambda exchange: exchange.reply(200, uri), lambda exchange: exchange.reply(200, DATA)
    )
    version = ModelVersion(name="m", version=3, source=source)

    assert client.download_artifact(version, "a.bin", tmp_path / "a.bin") == DIGEST

    first, second = server.received
    assert (first.path, first.query) == (
        "/api/2.0/mlflow/model-versions/get-download-uri",
        {"name": ["m"], "version": ["3"]},
    )
    assert second.path == f"{ROOT}/1/r1/artifacts/model/a.bin"


def test_a_root_in_a_store_is_read_and_written_there(
    server: Server, file: Path, tmp_path: Path
) -> None:
    store = Bucket()
    client = MLflowClient(MLflowSettings(uri=server.uri), store=store)
    version = ModelVersion(name="m", version=1, source="s3://bucket/models/m/")

    sent = client.upload_artifact(version, file, "config/a.bin")
    client.upload_artifact(version, file, "config/deep/b.bin")
    client.upload_artifact(version, file, "config/deep/c.bin")
    fetched = client.download_artifact(version, "config/a.bin", tmp_path / "a.bin")

    assert sent == fetched == DIGEST
    assert store.objects.read("memory:bucket/models/m/config/a.bin").data == DATA
    assert list(client.list_artifacts(version, "config")) == [
        ArtifactInfo(path="config/a.bin", is_folder=False, size=len(DATA)),
        ArtifactInfo(path="config/deep", is_folder=True),
    ]
    assert server.received == []
    with pytest.raises(CorruptArtifactError):
        client.download_artifact(
            version, "config/a.bin", tmp_path / "b.bin", expected_sha256="0" * 64
        )
