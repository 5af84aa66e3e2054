"""List, digest and copy the files of a strategy: its Python files, and nothing else."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tradai.core import FileKind, UnusableFileError, read_regular_file
from tradai.core.exceptions import ConfigurationError, StorageError

_MAX_FILES: Final = 500
_MAX_BYTES: Final = 10 * 1024 * 1024


def list_source(path: Path) -> tuple[Path, tuple[Path, ...]]:
    """Return the folder of the source at `path`, and its files relative to it, sorted.

    Raises:
        ConfigurationError: `path` is neither a folder nor a Python file, a file leads out of the
            folder, or there are too many files.
    """
    path = path.resolve()
    if path.is_file() and path.suffix == ".py":
        return path.parent, (Path(path.name),)
    if not path.is_dir():
        fix = "point strategy.source at one of them"
        raise source_error(path, f"is neither a folder nor a .py file: {fix}")
    files = tuple(sorted(_python_files(path)))
    size = sum((path / file).stat().st_size for file in files)
    if len(files) > _MAX_FILES or size > _MAX_BYTES:
        raise source_error(
            path,
            f"holds {len(files)} Python files of {size} bytes, more than the {_MAX_FILES} files or "
            f"{_MAX_BYTES} bytes a strategy may have: move the strategy into its own folder",
        )
    return path, files


def files_digest(root: Path, files: Sequence[Path]) -> str:
    """Return the SHA-256 over the names and bytes of `files`, which are relative to `root`.

    Raises:
        StorageError: A file cannot be read.
    """
    content = hashlib.sha256()
    for file in files:
        data = read_file(root / file)
        content.update(f"{file.as_posix()}\0{len(data)}\0".encode())
        content.update(data)
    return content.hexdigest()


def copy_files(root: Path, files: Sequence[Path], target: Path) -> None:
    """Copy `files` from `root` into the folder `target` as plain files.

    Raises:
        StorageError: A file cannot be read or written.
    """
    for name in files:
        data = read_file(root / name)
        try:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(data)
        except OSError as exc:
            raise _disk_error(target / name, exc, operation="write") from exc


def read_file(path: Path) -> bytes:
    """Return the bytes of the file at `path`.

    Raises:
        ConfigurationError: It is not a regular file, or too large.
        StorageError: It cannot be read.
    """
    try:
        return read_regular_file(path, FileKind.SOURCE)
    except UnusableFileError as exc:
        raise source_error(path, f"cannot be read: {exc.strerror}") from exc
    except OSError as exc:
        raise _disk_error(path, exc, operation="read") from exc


def source_error(path: Path, problem: str) -> ConfigurationError:
    """Return the error that the source at `path` has `problem`."""
    return ConfigurationError(f"{path} {problem}", key="strategy.source", source=str(path))


def _python_files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if _is_source(name)]
        files = [name for name in names if name.endswith(".py") and _is_source(name)]
        for name in (*folders, *files):
            _check_link(Path(folder, name), root)
        yield from (Path(folder, name).relative_to(root) for name in files)


def _is_source(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__"


def _check_link(path: Path, root: Path) -> None:
    if not path.is_symlink():
        return
    if not path.is_file() or not path.resolve().is_relative_to(root):
        fix = f"put the real files into {root} instead"
        raise source_error(path, f"is a link to {path.resolve()}: {fix}")


def _disk_error(path: Path, exc: OSError, *, operation: str) -> StorageError:
    return StorageError(f"cannot {operation} {path}: {exc.strerror}", operation=operation)
