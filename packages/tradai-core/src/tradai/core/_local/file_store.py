"""Object store in local files, under ``file:`` URIs and plain paths."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, final

from tradai.core._local.atomic_files import (
    atomic_file,
    file_errors,
    is_temporary,
    locked,
    make_folder,
    sync_folder,
)
from tradai.core._local.file_uri import file_path
from tradai.core._local.regular_files import FileKind, read_regular_file
from tradai.core._ports.protocols import ObjectInfo, ObjectStore, StoredObject
from tradai.core.exceptions import ConflictError, NotFoundError, StorageError, ValidationError

# The kind in the error of a read that meets a folder.
FOLDER: Final = "folder"


@final
class FileStore:
    """Object store in files; takes ``file:`` URIs and plain paths.

    A write goes to a temporary file beside its target, is forced to disk and then renamed, so a
    reader, a crash or a power loss meets the old content or the new one, whole. A killed writer
    may leave a ``.tradai-*.tmp`` file behind: safe to remove, never listed.

    The tag is the SHA-256 of the content; a listing has none, because it reads no file.
    Conditions hold among all users of FileStore on one machine: changes in a folder wait for each
    other.
    """

    def __init__(self, root: str | Path | None = None, *, kind: FileKind = FileKind.OBJECT) -> None:
        """Serve the files below `root`, or every file without a root.

        With a root, relative paths start there, and a path that leaves it, also through a
        symbolic link, is refused. `kind` limits the size of the files that are read; pipes,
        devices and sockets are refused.
        """
        self._kind = kind
        self._root = None if root is None else file_path(root).absolute()

    @classmethod
    def for_uri(cls, uri: str) -> "FileStore":
        """Return the store that serves `uri`, and every other file."""
        file_path(uri)
        return cls()

    def read(self, uri: str) -> StoredObject:
        """Return the file at `uri`.

        The error of a folder there is a `NotFoundError` of kind ``folder``; a link that leads
        nowhere, there or above it, is a `StorageError`: its volume may not be mounted.
        """
        path = self._path(uri)
        with file_errors("read", path), _absent_only(path):
            data = read_regular_file(path, self._kind)
        return StoredObject(data=data, etag=etag_of(data))

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        """Replace the file at `uri` and return its new tag; keep its permissions."""
        refuse_two_conditions(if_match, if_absent=if_absent)
        path = _real_path(self._path(uri))
        with file_errors("write", path):
            make_folder(path.parent)
            put = partial(_put, if_match=if_match, if_absent=if_absent)
            with atomic_file(path, put=put) as file:
                file.write(data)
        return etag_of(data)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the files whose URI starts with `prefix`, sorted; linked folders are skipped."""
        path = self._path(prefix)
        whole_folder = prefix.endswith("/") or path == self._root
        folder = path if whole_folder else path.parent
        start = f"{path}/" if whole_folder else str(path)
        with file_errors("list", folder):
            for file in sorted(_files(folder, start), key=Path.as_uri):
                with suppress(NotFoundError):
                    yield self.stat(file.as_uri())

    def delete(self, uri: str) -> None:
        """Remove the file at `uri`; a missing one is ignored."""
        path = self._path(uri)
        if not os.path.lexists(path):
            return
        with file_errors("delete", path), locked(path.parent, needed=False):
            path.unlink(missing_ok=True)
            sync_folder(path.parent)

    def stat(self, uri: str) -> ObjectInfo:
        """Describe the file at `uri`."""
        path = self._path(uri)
        with file_errors("read", path):
            facts = path.stat()
            if not stat.S_ISREG(facts.st_mode):
                raise IsADirectoryError
        modified = datetime.fromtimestamp(facts.st_mtime, UTC)
        return ObjectInfo(uri=path.as_uri(), size=facts.st_size, modified=modified)

    def copy(self, source: str, target: str) -> str:
        """Write the file at `source` to `target` as well, and return the tag there."""
        return self.write(target, self.read(source).data)

    def _path(self, uri: str) -> Path:
        path = Path(os.path.normpath(Path(self._root or "", file_path(uri)).absolute()))
        if self._root and not _real_path(path).is_relative_to(_real_path(self._root)):
            expected = f"a path below {self._root}"
            message = f"{uri!r} leaves the store: expected {expected}"
            if path.is_relative_to(self._root):
                message = f"a link takes {path} out of {self._root}: put the file itself there"
            raise ValidationError(message, field="uri", expected=expected)
        return path


def _real_path(path: Path) -> Path:
    # `Path.resolve` raises RuntimeError for a link that leads to itself, before Python 3.13.
    return Path(os.path.realpath(path))


@contextmanager
def _absent_only(path: Path) -> Iterator[None]:
    """Take a file for absent only where nothing at all is in its place."""
    try:
        yield
    except IsADirectoryError as exc:
        message = (
            f"cannot read {path}: it is a folder, not a file; look whether its volume is there"
        )
        raise NotFoundError(message, kind=FOLDER, key=str(path)) from exc
    except FileNotFoundError as exc:
        broken = next((each for each in (path, *path.parents) if _leads_nowhere(each)), None)
        if broken is None:
            raise
        named = "it" if broken == path else broken
        message = (
            f"cannot read {path}: {named} is a link to nothing; look whether its volume is there"
        )
        raise StorageError(message, operation="read") from exc


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def stored_object(store: ObjectStore, uri: str) -> StoredObject | None:
    """Return the object at `uri`; None where nothing at all is.

    Raises:
        StorageError: A folder is in its place.
        ExternalServiceError: The store refused or did not answer.
    """
    try:
        return store.read(uri)
    except NotFoundError as exc:
        if exc.kind == FOLDER:
            raise StorageError(str(exc), operation="read") from exc
        return None


def etag_of(data: bytes) -> str:
    """Return the tag of an object with the content `data`."""
    return hashlib.sha256(data).hexdigest()


def _tag_of(path: Path) -> str | None:
    return etag_of(read_regular_file(path, FileKind.OBJECT)) if path.exists() else None


def _put(copy: Path, path: Path, *, if_match: str | None, if_absent: bool) -> None:
    with locked(path.parent, needed=if_match is not None):
        if if_absent:
            _create(copy, path)
        elif if_match is not None and _tag_of(path) != if_match:
            raise conflict(str(path), "it has changed or is gone")
        else:
            copy.replace(path)


def _create(copy: Path, path: Path) -> None:
    try:
        path.hardlink_to(copy)
    except FileExistsError as exc:
        raise conflict(str(path), "it exists already") from exc


def _files(folder: Path, start: str) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        # Another process may remove a folder meanwhile, such as that of a run.
        if not isinstance(error, FileNotFoundError):
            raise error

    if not folder.is_dir():
        return
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if f"{parent}/{name}/".startswith(start)]
        paths = (Path(parent, name) for name in names if not is_temporary(name))
        yield from (path for path in paths if str(path).startswith(start))


def refuse_two_conditions(if_match: str | None, *, if_absent: bool) -> None:
    """Raise `ValidationError` when a write has both conditions."""
    if if_match is not None and if_absent:
        expected = "if_match or if_absent, not both"
        message = f"a write has two conditions: expected {expected}"
        raise ValidationError(message, expected=expected)


def conflict(where: str, problem: str) -> ConflictError:
    """Return the error of a conditional write at `where` that came too late."""
    message = f"cannot write {where}: {problem}; read it again, then decide"
    return ConflictError(message, operation="write")
