"""Object store that holds runs: one prefix per run, and below it the files of its folder."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self, final
from urllib.parse import quote, unquote, urlsplit

from tradai.core import ObjectStore, backend_for, file_path


@final
class RunStore:
    """Runs below one URI of an object store.

    The parts of a name are quoted as in a URL, so that every store takes every name.

    Attributes:
        uri: URI of the store; ends with a slash.
    """

    def __init__(self, objects: ObjectStore, uri: str) -> None:
        """Keep runs in `objects` below `uri`; nothing is read or written yet."""
        self.uri = _folder_uri(uri)
        self._objects = objects

    @classmethod
    def at(cls, uri: str) -> Self:
        """Return the store at `uri`.

        Raises:
            ConfigurationError: No installed distribution serves the scheme.
            ValidationError: The URI is not usable.
        """
        return cls(backend_for("tradai.stores", uri), uri)

    def uri_of(self, run_id: str, name: str = "") -> str:
        """Return the URI of the file `name` of a run, or of the run itself."""
        return f"{self.uri}{quote(run_id)}/{quote(name)}"

    def read(self, run_id: str, name: str) -> bytes:
        """Return the file `name` of a run.

        Raises:
            NotFoundError: It is not there.
            ExternalServiceError: The store refused.
        """
        return self._objects.read(self.uri_of(run_id, name)).data

    def write(self, run_id: str, name: str, data: bytes) -> None:
        """Write the file `name` of a run.

        Raises:
            ExternalServiceError: The store refused.
        """
        self._objects.write(self.uri_of(run_id, name), data)

    def create(self, run_id: str, name: str, data: bytes) -> None:
        """Write the file `name` of a run, which must not be there.

        Raises:
            ConflictError: It is there already.
            ExternalServiceError: The store refused.
        """
        self._objects.write(self.uri_of(run_id, name), data, if_absent=True)

    def delete(self, run_id: str, name: str) -> None:
        """Delete the file `name` of a run, if it is there."""
        self._objects.delete(self.uri_of(run_id, name))

    def sizes(self, run_id: str) -> dict[str, int]:
        """Return the files of a run with their number of bytes."""
        start = self.uri_of(run_id)
        return {
            unquote(info.uri.removeprefix(start)): info.size for info in self._objects.list(start)
        }

    def files(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """Yield the id and the name of each file of the runs whose ids start with `prefix`."""
        for info in self._objects.list(f"{self.uri}{quote(prefix)}"):
            run_id, _, name = info.uri.removeprefix(self.uri).partition("/")
            if name:
                yield unquote(run_id), unquote(name)


def _folder_uri(uri: str) -> str:
    if urlsplit(uri).scheme in {"", "file"}:
        uri = Path(os.path.normpath(file_path(uri).absolute())).as_uri()
    return f"{uri.rstrip('/')}/"
