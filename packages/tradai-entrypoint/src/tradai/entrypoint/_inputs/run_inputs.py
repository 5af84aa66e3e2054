"""Inputs of one run by path or URI: what a store has is fetched once, and laid out as a folder."""

from collections.abc import Collection
from importlib.metadata import entry_points
from pathlib import Path
from typing import final

from tradai.core import RunJournal, is_uri, redact
from tradai.entrypoint._inputs.fetch import Fetched, Fetcher
from tradai.entrypoint._process.progress import Progress


@final
class RunInputs:
    """Local paths of what a run reads; what is fetched is below one folder, which may be new."""

    def __init__(self, folder: Path, *, journal: RunJournal, progress: Progress) -> None:
        """Fetch into `folder`; each fetch is an entry of `journal`."""
        # Absolute: a relative path would be looked for in the folder of the configuration.
        self._folder = folder.absolute()
        self._journal = journal
        self._progress = progress
        self._fetched: dict[str, Path] = {}

    def folder_of(self, uri: str, names: Collection[str] | None = None) -> str:
        """Return the path of the folder that `uri` names in a store; other URIs as they are.

        Args:
            uri: Path or URI.
            names: Files that are needed, the same at each call; by default all.

        Raises:
            NotFoundError: There are no objects below it.
            ConfigurationError: No installed distribution serves the URI.
            ValidationError: The name of an object cannot be the path of a file.
            ExternalServiceError: The store, or the disk, refused.
        """
        if not is_in_store(uri):
            return uri
        if uri not in self._fetched:
            target = self._target()
            self._record(uri, self._fetcher().fetch_folder(uri, target, names=names))
            self._fetched[uri] = target
        return str(self._fetched[uri])

    def file_of(self, uri: str) -> str:
        """Return the path of the file that `uri` names in a store; other URIs as they are.

        Raises:
            NotFoundError: The object does not exist.
            ConfigurationError: No installed distribution serves the URI.
            ValidationError: The name of the object cannot be the name of a file.
            ExternalServiceError: The store, or the disk, refused.
        """
        if not is_in_store(uri):
            return uri
        if uri not in self._fetched:
            target = self._target()
            self._record(uri, self._fetcher().fetch_file(uri, target))
            self._fetched[uri] = target / uri.rpartition("/")[2]
        return str(self._fetched[uri])

    def _target(self) -> Path:
        return self._folder / f"{len(self._fetched)}"

    def _fetcher(self) -> Fetcher:
        return Fetcher(say=self._progress.say)

    def _record(self, uri: str, fetched: Fetched) -> None:
        facts = {"objects": fetched.objects, "read": fetched.read}
        self._journal.append("inputs fetched", uri=redact(uri), **facts)


def is_in_store(uri: str) -> bool:
    """Return whether `uri` names objects of a store, and not files or a repository of candles."""
    scheme = uri.partition(":")[0]
    return is_uri(uri) and not entry_points(group="tradai.data", name=scheme)
