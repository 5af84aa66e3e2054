"""Send a data folder to a store, or bring it back; files that are there already are not moved."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import final

from tradai.core import ContentCache, FileStore, ObjectStore, backend_for
from tradai.core.exceptions import ConflictError, ValidationError
from tradai.entrypoint._inputs.byte_progress import ByteProgress
from tradai.entrypoint._inputs.local_files import (
    delete_file,
    file_bytes,
    file_digest,
    file_size,
    local_files,
)
from tradai.entrypoint._inputs.object_contents import ChangedObjectError, read_listed
from tradai.entrypoint._inputs.object_names import check_names, empty_error, prefix_of, uri_of
from tradai.entrypoint._inputs.parallel import each_at_once
from tradai.entrypoint._inputs.remote_folder import RemoteFolder
from tradai.entrypoint._inputs.settings import InputSettings


@final
@dataclass(slots=True, kw_only=True)
class Transfer:
    """Names of files, by what happened to each.

    Attributes:
        uri: The folder in the store, as a prefix that ends with a slash.
        moved: Files that were written, to the store or to this machine.
        unchanged: Files that were there already.
        extra: Files that only the side written to has, and that stayed.
        deleted: Such files that were removed.
    """

    uri: str
    moved: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


@final
class FolderTransfer:
    """Moves folders between this machine and a store.

    Files are compared by SHA-256. Each is replaced whole, so an interrupted transfer leaves old and
    new files, and the next one goes on from there.
    """

    def __init__(
        self,
        settings: InputSettings | None = None,
        *,
        store: ObjectStore | None = None,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            settings: Cache and bounds; by default those of the environment.
            store: Store to use; by default the one that serves the URI.
            say: Called with the progress, as a phrase.
        """
        self._settings = settings or InputSettings()
        self._store = store
        self._say = say

    def push(self, folder: Path, uri: str, *, delete: bool = False) -> Transfer:
        """Make the objects below `uri` those of the files in `folder`, except hidden ones.

        Args:
            folder: Folder to send.
            uri: Folder in the store.
            delete: Remove objects that are no files of `folder`.

        Raises:
            NotFoundError: `folder` does not exist.
            ValidationError: It is empty, or a name cannot be that of both a file and an object.
            StorageError: A file cannot be read.
            ExternalServiceError: The store refused, or cannot be reached.
        """
        files = local_files(folder)
        if not files:
            message = f"there are no files in {folder}: check the path; nothing was sent"
            raise ValidationError(message, field=str(folder), expected="a folder with files")
        store, remote = self._open(uri)
        if not delete:
            check_names(sorted(files.keys() | remote.objects.keys()), remote.prefix)
        result = Transfer(uri=remote.prefix)
        changed = self._changed(files, files, remote, result)
        sizes = {name: file_size(files[name]) for name in changed}
        try:
            send = partial(_send, files, remote, store)
            self._move(send, sizes, result, verb="sending")
            result.extra = sorted(remote.objects.keys() - files.keys())
            if delete:
                _delete(result, lambda name: store.delete(uri_of(remote.prefix, name)))
                remote.forget(result.deleted)
        finally:
            # Also of a push that was interrupted: the next one goes on from here.
            if result.moved or result.deleted:
                remote.publish()
        return result

    def pull(self, uri: str, folder: Path, *, delete: bool = False) -> Transfer:
        """Make the files in `folder` those of the objects below `uri`, except hidden ones.

        Args:
            uri: Folder in the store.
            folder: Folder to write to; created if missing.
            delete: Remove files that are no objects.

        Raises:
            NotFoundError: There are no objects below `uri`.
            ValidationError: A name cannot be that of both a file and an object.
            ConflictError: An object was changed meanwhile.
            StorageError: A file cannot be written.
            ExternalServiceError: The store refused, or cannot be reached.
        """
        store, remote = self._open(uri)
        if not remote.objects:
            raise empty_error(remote.prefix)
        files = local_files(folder) if folder.is_dir() else {}
        result = Transfer(uri=remote.prefix)
        changed = self._changed(remote.objects, files, remote, result)
        sizes = {name: remote.objects[name].size for name in changed}
        try:
            bring = partial(_bring, folder, files, remote, store)
            self._move(bring, sizes, result, verb="bringing")
        finally:
            remote.remember()
        result.extra = sorted(files.keys() - remote.objects.keys())
        if delete:
            _delete(result, lambda name: delete_file(files[name]))
        return result

    def _open(self, uri: str) -> tuple[ObjectStore, RemoteFolder]:
        prefix = prefix_of(uri)
        store = self._store or backend_for("tradai.stores", prefix)
        self._say(f"comparing with {prefix}")
        cache = ContentCache(self._settings.cache_folder())
        return store, RemoteFolder.open(store, prefix, cache)

    def _changed(
        self,
        names: Iterable[str],
        files: dict[str, Path],
        remote: RemoteFolder,
        result: Transfer,
    ) -> list[str]:
        """Return the `names` that are not known to be the same on both sides."""
        changed: list[str] = []
        for name in names:
            known = remote.digest_of(name)
            is_same = known is not None and name in files and known == file_digest(files[name])
            (result.unchanged if is_same else changed).append(name)
        return changed

    def _move(
        self,
        work: Callable[[str], tuple[str, bool]],
        sizes: dict[str, int],
        result: Transfer,
        *,
        verb: str,
    ) -> None:
        progress = ByteProgress(self._say, verb, sizes.values())
        for name, is_moved in each_at_once(work, sizes.items(), most=self._settings.reads):
            (result.moved if is_moved else result.unchanged).append(name)
            progress.add(sizes[name])
        result.moved.sort()
        result.unchanged.sort()


def _send(
    files: dict[str, Path], remote: RemoteFolder, store: ObjectStore, name: str
) -> tuple[str, bool]:
    """Write one object; return its name, and whether it was written."""
    data = file_bytes(files[name])
    uri = uri_of(remote.prefix, name)
    listed = remote.objects.get(name)
    # A store without tags in its listings is near: it reads what this would prove.
    if listed is not None and listed.etag is None and store.read(uri).data == data:
        return name, False
    etag = store.write(uri, data)
    remote.learn(name, etag, hashlib.sha256(data).hexdigest())
    return name, True


def _bring(
    folder: Path, files: dict[str, Path], remote: RemoteFolder, store: ObjectStore, name: str
) -> tuple[str, bool]:
    """Write one file, unless it has the object's bytes; return its name, and whether it did."""
    listed = remote.objects[name]
    try:
        stored = read_listed(store, listed)
    except ChangedObjectError as exc:
        message = f"{listed.uri} was changed after it was listed: bring the folder again"
        raise ConflictError(message, operation="read") from exc
    digest = hashlib.sha256(stored.data).hexdigest()
    remote.learn(name, stored.etag, digest)
    if name in files and file_digest(files[name]) == digest:
        return name, False
    FileStore(folder).write((folder.absolute() / name).as_uri(), stored.data)
    return name, True


def _delete(result: Transfer, remove: Callable[[str], None]) -> None:
    while result.extra:
        remove(result.extra[0])
        result.deleted.append(result.extra.pop(0))
