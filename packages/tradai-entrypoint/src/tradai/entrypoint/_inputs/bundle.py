"""Files that a job needs, sent to a store under the digest of their content."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, final

from tradai.core import ObjectStore, backend_for, digest
from tradai.core.exceptions import ConflictError
from tradai.entrypoint._inputs.byte_progress import ByteProgress
from tradai.entrypoint._inputs.local_files import file_bytes, file_digest, file_size
from tradai.entrypoint._inputs.object_names import check_names, list_objects, prefix_of, uri_of
from tradai.entrypoint._inputs.parallel import each_at_once
from tradai.entrypoint._inputs.settings import InputSettings


class _Entry(NamedTuple):
    uri: str
    path: Path
    digest: str


@final
class InputBundle:
    """Folders below one URI, each named after the names and digests of the files in it.

    An object there has the content that its folder names, so that what is there is never sent
    again, by whichever job or machine.

    Attributes:
        uri: URI of all folders; ends with a slash.
    """

    def __init__(self, uri: str, *, store: ObjectStore | None = None) -> None:
        """Begin without files.

        Args:
            uri: Folder in a store.
            store: Store to use; by default the one that serves the URI.
        """
        self.uri = prefix_of(uri)
        self._store = store
        self._folders: dict[str, dict[str, _Entry]] = {}
        self._sent: set[str] = set()

    def add(self, files: Mapping[str, Path]) -> str:
        """Return the URI of the folder that will have `files`, by name; it ends with a slash.

        Raises:
            NotFoundError: A file is gone.
            ValidationError: A name cannot be that of an object, or a file is not a regular one.
            StorageError: A file cannot be read.
        """
        check_names(files, self.uri)
        digests = {name: file_digest(path) for name, path in files.items()}
        folder = f"{self.uri}{digest(digests)}/"
        self._folders[folder] = {
            name: _Entry(uri_of(folder, name), path, digests[name]) for name, path in files.items()
        }
        return folder

    def add_file(self, path: Path) -> str:
        """Return the URI that the file at `path` will have; raise as `add`."""
        return uri_of(self.add({path.name: path}), path.name)

    def send(self, say: Callable[[str], object] = lambda _: None) -> int:
        """Write what the store does not have; return the number of files that were sent.

        Files that an earlier call has sent are not looked for again.

        Args:
            say: Called with the progress, as a phrase.

        Raises:
            ConflictError: A file was changed after it was added.
            StorageError: A file cannot be read.
            ExternalServiceError: The store refused, or cannot be reached.
        """
        store = self._store or backend_for("tradai.stores", self.uri)
        new = self._folders.keys() - self._sent
        missing = [entry for folder in sorted(new) for entry in self._missing(store, folder)]
        sizes = [file_size(entry.path) for entry in missing]
        progress = ByteProgress(say, "sending", sizes)

        def send(entry: _Entry) -> int:
            return _send(store, entry)

        items = zip(missing, sizes, strict=True)
        for size in each_at_once(send, items, most=InputSettings().reads):
            progress.add(size)
        self._sent |= new
        return len(missing)

    def _missing(self, store: ObjectStore, folder: str) -> list[_Entry]:
        there = list_objects(store, folder)
        return [entry for name, entry in self._folders[folder].items() if name not in there]


def _send(store: ObjectStore, entry: _Entry) -> int:
    """Write one object; return its number of bytes."""
    data = file_bytes(entry.path)
    if hashlib.sha256(data).hexdigest() != entry.digest:
        message = f"{entry.path} was changed while it was being sent: submit the job again"
        raise ConflictError(message, operation="write")
    # Another process may have written it meanwhile.
    with suppress(ConflictError):
        store.write(entry.uri, data, if_absent=True)
    return len(data)
