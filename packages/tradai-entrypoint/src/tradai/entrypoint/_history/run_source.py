"""Runs of a folder and of a store, found by the same names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from tradai.core import is_uri
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._history.local_runs import ambiguous_error, find_run
from tradai.entrypoint._process.runs_folder import runs_folder, runs_store, store_timeout_s
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.deadline import call_within
from tradai.entrypoint._store.names import LATEST, MANIFEST_NAME, STARTED_NAME
from tradai.entrypoint._store.pull import pull_run
from tradai.entrypoint._store.run_store import RunStore


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run in a store."""

    store: RunStore
    run_id: str
    timeout_s: float

    @classmethod
    def at(cls, uri: str, *, timeout_s: float) -> Self:
        """Return the run at `uri`, such as ``s3://bucket/runs/ID``.

        Args:
            uri: URI of the run.
            timeout_s: Seconds that one call of the store may take.

        Raises:
            ConfigurationError, ValidationError: The URI is not usable.
        """
        store, _, run_id = uri.rstrip("/").rpartition("/")
        return cls(store=RunStore.at(f"{store}/"), run_id=run_id, timeout_s=timeout_s)

    @property
    def uri(self) -> str:
        """URI of the run."""
        return self.store.uri_of(self.run_id)

    def manifest(self) -> RunManifest:
        """Return the manifest; that of a run that did not end has the facts of its claim.

        Raises:
            NotFoundError: There is no such run.
            StorageError: The manifest is not usable.
            ExternalServiceError: The store refused.
        """
        for name in (MANIFEST_NAME, STARTED_NAME):
            try:
                return RunManifest.parse(self._read(name), place=f"{self.uri}{name}")
            except NotFoundError:
                continue
        raise NotFoundError(
            f"no run at {self.uri}: `tradai-entrypoint runs list --store {self.store.uri}` lists "
            "the runs",
            kind="run",
            key=self.uri,
        )

    def pull(self, root: Path) -> Path:
        """Return the folder of the run in `root`, copied from the store unless it is there.

        Raises:
            StorageError: Another run of that id is in `root`, or the disk refused.
            TradAIError: As `pull_run`.
        """
        folder = root / self.run_id
        if not folder.exists():
            try:
                return pull_run(self.store, self.run_id, root, timeout_s=self.timeout_s)
            except StorageError:
                # Another process may have copied it meanwhile.
                if not folder.exists():
                    raise
        if _identity(RunManifest.read(folder)) != _identity(self.manifest()):
            raise StorageError(
                f"run {self.run_id!r} cannot be copied from {self.uri}: {folder} is another run; "
                "choose another folder with --runs",
                operation="write",
            )
        return folder

    def _read(self, name: str) -> bytes:
        return call_within(self.timeout_s, lambda: self.store.read(self.run_id, name))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunSource:
    """Runs of the folder `root`, and of `store` where one is set; the folder comes first.

    The variables of `environ` say how long a store may take, once a run is looked for in one.
    """

    root: Path
    environ: Mapping[str, str]
    store: RunStore | None = None

    @classmethod
    def of(cls, folder: str | None, store: str | None, environ: Mapping[str, str]) -> Self:
        """Return the source that two flags or the environment name.

        Raises:
            ConfigurationError, ValidationError: The URI of the store is not usable.
        """
        uri = runs_store(store, environ)
        return cls(
            root=runs_folder(folder, environ),
            environ=environ,
            store=RunStore.at(uri) if uri else None,
        )

    def manifest(self, name: str) -> tuple[RunManifest, str]:
        """Return the manifest of the run `name`, and the place it was read from.

        Args:
            name: A folder, a URI, a run id or a unique prefix of one, or ``latest``: the last run
                of the folder that has finished.

        Raises:
            NotFoundError: There is no such run.
            ValidationError: Several ids begin with `name`.
            ExternalServiceError: The store refused.
        """
        found = self._find(name)
        if isinstance(found, StoredRun):
            return found.manifest(), found.uri
        return RunManifest.read(found), str(found)

    def folder(self, name: str) -> Path:
        """Return the folder of the run `name`; a run in a store is copied into the folder of runs.

        Raises:
            TradAIError: As `manifest`, and as `StoredRun.pull`.
        """
        found = self._find(name)
        return found.pull(self.root) if isinstance(found, StoredRun) else found

    def _find(self, name: str) -> Path | StoredRun:
        if is_uri(name):
            return StoredRun.at(name, timeout_s=store_timeout_s(self.environ))
        try:
            return find_run(self.root, name)
        except NotFoundError:
            if self.store is None or name == LATEST:
                raise
            return _find_stored(self.store, name, timeout_s=store_timeout_s(self.environ))


def _find_stored(store: RunStore, name: str, *, timeout_s: float) -> StoredRun:
    found = call_within(timeout_s, lambda: {run_id for run_id, _ in store.files(name)})
    matches = [name] if name in found else sorted(found)
    if len(matches) > 1:
        raise ambiguous_error(name, matches)
    run_id = matches[0] if matches else name
    return StoredRun(store=store, run_id=run_id, timeout_s=timeout_s)


def _identity(manifest: RunManifest) -> tuple[object, ...]:
    return manifest.run_id, manifest.trace_id, manifest.started_at
