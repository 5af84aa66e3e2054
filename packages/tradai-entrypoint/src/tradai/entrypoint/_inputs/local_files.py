"""Files of a data folder on this machine, by name."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from tradai.core import FileKind, file_errors, open_regular_file, read_regular_file
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint._inputs.object_names import check_names

_CHUNK: Final = 1024 * 1024


def local_files(folder: Path) -> dict[str, Path]:
    """Return the files below `folder` by name, sorted; hidden ones are left out.

    A linked file counts as the file that it leads to.

    Raises:
        NotFoundError: The folder does not exist.
        ValidationError: A file is a link to another folder, or not a regular one, or two names
            are the same on a disk that ignores case.
        StorageError: The folder cannot be read.
    """
    if not folder.is_dir():
        message = f"there is no folder {folder}; check the path"
        raise NotFoundError(message, kind="folder", key=str(folder))
    with file_errors("list", folder):
        found = {path.relative_to(folder).as_posix(): path for path in sorted(_walk(folder))}
    check_names(found, str(folder))
    return found


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the file at `path`.

    Raises:
        NotFoundError: It is gone.
        ValidationError: It is not a regular file.
        StorageError: It cannot be read.
    """
    content = hashlib.sha256()
    with file_errors("read", path), open_regular_file(path, FileKind.OBJECT) as file:
        while chunk := file.read(_CHUNK):
            content.update(chunk)
    return content.hexdigest()


def file_size(path: Path) -> int:
    """Return the number of bytes of the file at `path`; raise as `file_digest`."""
    with file_errors("read", path):
        return path.stat().st_size


def delete_file(path: Path) -> None:
    """Remove the file at `path`; it may be missing.

    Raises:
        StorageError: It cannot be removed.
    """
    with file_errors("delete", path):
        path.unlink(missing_ok=True)


def file_bytes(path: Path) -> bytes:
    """Return the bytes of the file at `path`; raise as `file_digest`."""
    with file_errors("read", path):
        return read_regular_file(path, FileKind.OBJECT)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        for name in folders:
            if not name.startswith(".") and Path(parent, name).is_symlink():
                path = Path(parent, name)
                message = f"{path} is a link to another folder: put the files themselves there"
                raise ValidationError(message, field=str(path), expected="a folder")
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if not name.startswith("."))


def _refuse(error: OSError) -> NoReturn:
    raise error
