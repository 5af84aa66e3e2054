"""Artifacts of runs and model versions: list, send, fetch."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from tradai.core import ObjectStore, atomic_file, file_errors
from tradai.mlflow._client.access import ServerAccess
from tradai.mlflow._client.artifact_roots import (
    ArtifactRoot,
    ProxiedRoot,
    StoredRoot,
    artifact_root,
    checked_path,
    joined,
)
from tradai.mlflow._client.entities import ArtifactInfo, ExperimentRun, each
from tradai.mlflow._client.model_entities import ModelVersion
from tradai.mlflow._client.models import about_version
from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.errors import (
    ArtifactNotFoundError,
    CorruptArtifactError,
    ServerUnavailableError,
    not_found,
)
from tradai.mlflow._http.request import ARTIFACTS_API, Repeat, Request, Subject

_OURS: Final = ("mlflow-artifacts:", "s3:", "http:", "https:")


class ArtifactCalls(ServerAccess):
    """Calls about the files of runs and of model versions."""

    def list_artifacts(
        self,
        owner: ExperimentRun | ModelVersion,
        path: str = "",
        *,
        deadline_s: float | None = None,
    ) -> Iterator[ArtifactInfo]:
        """Yield the files and folders right below `path`, by name; none where nothing is.

        Raises:
            ConfigurationError: Only the server reaches them.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        root = self._root(owner, deadline)
        found = (
            self._proxied_files(root, path, deadline)
            if isinstance(root, ProxiedRoot)
            else _stored_files(self._store_of(root), root, path)
        )
        return iter(sorted(found, key=lambda info: info.path))

    def upload_artifact(
        self,
        owner: ExperimentRun | ModelVersion,
        file: Path,
        path: str,
        *,
        deadline_s: float | None = None,
    ) -> str:
        """Write `file` to the artifacts under `path`, and return its SHA-256 in hexadecimal.

        Args:
            owner: Run or version whose folder it goes to.
            file: File to send; it is read in blocks.
            path: Path below that folder, such as ``report/index.html``.
            deadline_s: Seconds for all of it; by default those for artifacts.

        Raises:
            NotFoundError: The file does not exist here.
            ConfigurationError: Only the server reaches the artifacts.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._artifact_deadline(deadline_s)
        root = self._root(owner, deadline)
        checked_path(path)
        with file_errors("read", file), file.open("rb") as opened:
            return self._upload(root, opened, path, deadline)

    def download_artifact(
        self,
        owner: ExperimentRun | ModelVersion,
        path: str,
        target: Path,
        *,
        expected_sha256: str | None = None,
        deadline_s: float | None = None,
    ) -> str:
        """Write the artifact at `path` to the file `target`, whole or not at all.

        Args:
            owner: Run or version that it belongs to.
            path: Path below its folder.
            target: File to write; its folder is made.
            expected_sha256: Digest that the bytes must have.
            deadline_s: Seconds for all of it; by default those for artifacts.

        Returns:
            The SHA-256 of the bytes in hexadecimal.

        Raises:
            ArtifactNotFoundError: The artifact does not exist.
            CorruptArtifactError: The bytes are not those of `expected_sha256`.
            ConfigurationError: Only the server reaches the artifacts.
            StorageError: The disk refused.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._artifact_deadline(deadline_s)
        root = self._root(owner, deadline)
        checked_path(path)
        with file_errors("write", target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(target) as file:
                if isinstance(root, StoredRoot):
                    data = self._store_of(root).read(root.object_uri(path)).data
                    file.write(data)
                    digest = hashlib.sha256(data).hexdigest()
                else:
                    digest = self._fetch(root, path, file, deadline)
                _check_digest(path, digest, expected_sha256)
        return digest

    def _upload(
        self,
        root: ArtifactRoot,
        file: io.BufferedReader | io.BytesIO,
        path: str,
        deadline: Deadline,
    ) -> str:
        """Write the content of `file` under `path`, and return its SHA-256."""
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if isinstance(root, StoredRoot):
            file.seek(0)
            self._store_of(root).write(root.object_uri(path), file.read())
            return digest
        request = Request(
            method="PUT",
            path=root.request_path(path),
            operation="upload_artifact",
            subject=Subject(repr(path)),
            file=file,
        )
        self._transport.acknowledge(request, deadline)
        return digest

    def _fetch(self, root: ProxiedRoot, path: str, file: BinaryIO, deadline: Deadline) -> str:
        """Write the artifact to `file`, and return its SHA-256."""
        try:
            return self._transport.download(_download(root, path, Repeat.UNSENT), file, deadline)
        except ServerUnavailableError as exc:
            # MLflow 2 answers 500 about a file that does not exist, which would be tried for long.
            if not self._is_listed(root, path, deadline):
                message = (
                    f"the artifact {path!r} does not exist; list what is there, or check the path"
                )
                raise not_found(ArtifactNotFoundError, message, exc.operation, path) from exc
        return self._transport.download(_download(root, path, Repeat.FREELY), file, deadline)

    def _is_listed(self, root: ProxiedRoot, path: str, deadline: Deadline) -> bool:
        files = self._proxied_files(root, path.rpartition("/")[0], deadline)
        return any(info.path == path and not info.is_folder for info in files)

    def _artifact_deadline(self, deadline_s: float | None) -> Deadline:
        return self._deadline(deadline_s or self._settings.artifact_deadline_s)

    def _root(self, owner: ExperimentRun | ModelVersion, deadline: Deadline) -> ArtifactRoot:
        if isinstance(owner, ExperimentRun):
            return artifact_root(owner.artifact_uri)
        if owner.source.startswith(_OURS):
            return artifact_root(owner.source)
        # A source such as runs:/ or models:/ is a reference, which the server resolves.
        answer = self._get(
            "model-versions/get-download-uri",
            {"name": owner.name, "version": str(owner.version)},
            deadline,
            about_version(owner.name, owner.version),
        )
        return artifact_root(answer["artifact_uri"])

    def _store_of(self, root: StoredRoot) -> ObjectStore:
        if self._store is not None:
            return self._store
        # It looks through the installed distributions, which most clients never need.
        from tradai.core import backend_for

        return backend_for("tradai.stores", root.uri)

    def _proxied_files(
        self, root: ProxiedRoot, path: str, deadline: Deadline
    ) -> Iterator[ArtifactInfo]:
        folder = path and checked_path(path)
        request = Request(
            method="GET",
            path=ARTIFACTS_API,
            operation="list_artifacts",
            query={"path": joined(root.path, folder)},
        )
        answer = self._transport.call(request, deadline)
        for info in each(ArtifactInfo.from_answer, answer.get("files")):
            yield info.model_copy(update={"path": joined(folder, info.path)})


def _download(root: ProxiedRoot, path: str, repeat: Repeat) -> Request:
    return Request(
        method="GET",
        path=root.request_path(path),
        operation="download_artifact",
        subject=Subject(repr(path), ArtifactNotFoundError, path),
        repeat=repeat,
    )


def _check_digest(path: str, digest: str, expected: str | None) -> None:
    if expected is not None and digest != expected:
        message = (
            f"the artifact {path!r} has the SHA-256 {digest}, expected {expected}: it was changed "
            "or cut; restore it, or register the version anew"
        )
        raise CorruptArtifactError(message, operation="download_artifact")


def _stored_files(store: ObjectStore, root: StoredRoot, path: str) -> Iterator[ArtifactInfo]:
    """Yield what is right below `path`: deeper objects are shown as their folder."""
    folder = f"{root.object_uri(path)}/"
    folders: set[str] = set()
    for info in store.list(folder):
        name, slash, _ = info.uri.removeprefix(folder).partition("/")
        if not slash:
            yield ArtifactInfo(path=joined(path, name), is_folder=False, size=info.size)
        elif name not in folders:
            folders.add(name)
            yield ArtifactInfo(path=joined(path, name), is_folder=True)
