"""Artifacts behind servers of both releases, and in S3."""

import hashlib
from pathlib import Path
from typing import Final

import pytest
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import MLflowServer

from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.mlflow import (
    ArtifactNotFoundError,
    CorruptArtifactError,
    ExperimentRun,
    MLflowClient,
    ServerUnavailableError,
)

# Names that a path of a URL does not have as they are.
NAMES: Final = ("report.txt", "day 1/größe = 12.txt", "a+b/c?d&e.json")


@pytest.fixture
def run(client: MLflowClient, unique: str) -> ExperimentRun:
    """A new run."""
    return client.create_run(client.experiment(unique).experiment_id, name=unique)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to upload."""
    path = tmp_path / "trades.bin"
    path.write_bytes(bytes(range(256)) * 4_096)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_an_artifact_comes_back_as_it_was(
    client: MLflowClient, run: ExperimentRun, file: Path, name: str, tmp_path: Path
) -> None:
    sent = client.upload_artifact(run, file, name)

    fetched = client.download_artifact(run, name, tmp_path / "back" / "file", expected_sha256=sent)

    assert sent == fetched == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (tmp_path / "back" / "file").read_bytes() == file.read_bytes()
    folder = name.rpartition("/")[0]
    assert [info.path for info in client.list_artifacts(run, folder)] == [name]


def test_artifacts_are_listed_folder_by_folder(
    client: MLflowClient, run: ExperimentRun, file: Path
) -> None:
    for name in ("b.txt", "a/one.txt", "a/two.txt"):
        client.upload_artifact(run, file, name)

    found = list(client.list_artifacts(run))

    assert [(info.path, info.is_folder, info.size) for info in found] == [
        ("a", True, None),
        ("b.txt", False, file.stat().st_size),
    ]
    assert [info.path for info in client.list_artifacts(run, "a")] == ["a/one.txt", "a/two.txt"]
    assert list(client.list_artifacts(run, "nothing")) == []


def test_an_empty_file_is_an_artifact(
    client: MLflowClient, run: ExperimentRun, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()

    client.upload_artifact(run, tmp_path / "empty", "empty.txt")

    client.download_artifact(run, "empty.txt", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b""


def test_the_artifact_of_a_version_is_below_its_source(
    client: MLflowClient, run: ExperimentRun, file: Path, unique: str, tmp_path: Path
) -> None:
    client.upload_artifact(run, file, "strategy/trades.bin")
    client.registered_model(unique)
    source = f"{run.artifact_uri}/strategy"
    version = client.create_model_version(unique, source=source, run_id=run.run_id)

    client.download_artifact(version, "trades.bin", tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == file.read_bytes()


def test_a_missing_artifact_is_named_and_leaves_no_file(
    client: MLflowClient, run: ExperimentRun, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactNotFoundError, match=r"nothing\.txt"):
        client.download_artifact(run, "nothing.txt", tmp_path / "back")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../other", "a//b", "a/./b", "a/.."])
def test_a_path_that_leaves_the_folder_of_the_run_is_refused(
    client: MLflowClient, run: ExperimentRun, file: Path, path: str, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError, match="path"):
        client.upload_artifact(run, file, path)
    with pytest.raises(ValidationError, match="path"):
        client.download_artifact(run, path, tmp_path / "back")


def test_a_file_that_is_not_here_is_named(
    client: MLflowClient, run: ExperimentRun, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="nothing-here"):
        client.upload_artifact(run, tmp_path / "nothing-here", "report.txt")


def test_an_artifact_that_was_changed_is_refused_and_the_old_file_stays(
    client: MLflowClient, faulty: MLflowClient, proxy: FaultProxy, run: ExperimentRun, file: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    digest = client.upload_artifact(run, file, "trades.bin")
    target = tmp_path / "back"
    target.write_text("old")
    proxy.plan(Fault(match="GET", action="garble"))

    with pytest.raises(CorruptArtifactError, match=r"trades\.bin"):
        faulty.download_artifact(run, "trades.bin", target, expected_sha256=digest)

    assert target.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"back", "trades.bin"}


def test_an_artifact_that_was_cut_once_is_fetched_again(
    client: MLflowClient, faulty: MLflowClient, proxy: FaultProxy, run: ExperimentRun, file: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    digest = client.upload_artifact(run, file, "trades.bin")
    proxy.plan(Fault(match="GET", action="cut", keep=1_000))

    fetched = faulty.download_artifact(run, "trades.bin", tmp_path / "back")

    assert fetched == digest
    assert (tmp_path / "back").read_bytes() == file.read_bytes()


def test_an_artifact_that_is_always_cut_is_an_error_and_leaves_no_file(
    client: MLflowClient, faulty: MLflowClient, proxy: FaultProxy, run: ExperimentRun, file: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    client.upload_artifact(run, file, "trades.bin")
    proxy.plan(Fault(match="GET", action="cut", keep=1_000, times=1_000))

    with pytest.raises(ServerUnavailableError):
        faulty.download_artifact(run, "trades.bin", tmp_path / "back", deadline_s=1)

    assert {path.name for path in tmp_path.iterdir()} == {"trades.bin"}


def test_artifacts_in_s3_are_written_and_read_without_the_server(
    mlflow_on_s3: MLflowServer,
    object_store: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    unique: str,
    file: Path,
    tmp_path: Path,
) -> None:
    for name, text in object_store.items():
        monkeypatch.setenv(name, text)
    with FaultProxy(mlflow_on_s3.url) as proxy, MLflowClient(uri=proxy.url) as client:
        run = client.create_run(client.experiment(unique).experiment_id, name=unique)
        proxy.plan()

        digest = client.upload_artifact(run, file, "a/trades.bin")
        fetched = client.download_artifact(run, "a/trades.bin", tmp_path / "back")

        assert run.artifact_uri.startswith("s3://")
        assert (fetched, (tmp_path / "back").read_bytes()) == (digest, file.read_bytes())
        assert [info.path for info in client.list_artifacts(run)] == ["a"]
        assert [info.path for info in client.list_artifacts(run, "a")] == ["a/trades.bin"]
        with pytest.raises(NotFoundError, match="nothing"):
            client.download_artifact(run, "nothing", tmp_path / "other")
        assert proxy.seen == []
