"""List, digest and copy the files of a strategy: its code, and the data files beside it."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from tradai.core import FileKind, UnusableFileError, files_digest, read_regular_file
from tradai.core.exceptions import ConfigurationError, StorageError

_MAX_PYTHON_FILES: Final = 500
_MAX_PYTHON_BYTES: Final = 10 * 1024 * 1024
_MAX_FILES: Final = 2_000
_MAX_BYTES: Final = 100 * 1024 * 1024
_CACHES: Final = "__pycache__"
# Hidden names of tools, which are never data of a strategy.
_NO_DATA: Final = frozenset(
    {".DS_Store", ".git", ".gitignore", ".idea", ".ipynb_checkpoints", ".tradai", ".vscode"}
)
# Code that reads files, which one file of code does not bring along.
_READS_FILES: Final = re.compile(rb"__file__|\bopen\(|\bread_\w+\(|\bload\(|\bPath\(")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFiles:
    """The files of a source.

    Attributes:
        root: Its folder.
        files: The files that travel with a run, relative to `root`, sorted.
        left_out: Names in the folder that do not, which a reader of the result should know of.
    """

    root: Path
    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def list_source(path: Path) -> SourceFiles:
    """Return the files of the source at `path`.

    Raises:
        ConfigurationError: `path` is neither a folder nor a Python file, a file leads out of the
            folder or is not a regular one, or there are too many files.
        StorageError: The Python file cannot be read.
    """
    path = path.resolve()
    if path.is_file() and path.suffix == ".py":
        left_out = tuple(_beside(path)) if _READS_FILES.search(read_file(path)) else ()
        return SourceFiles(root=path.parent, files=(Path(path.name),), left_out=left_out)
    if not path.is_dir():
        fix = "point strategy.source at one of them"
        raise source_error(path, f"is neither a folder nor a .py file: {fix}")
    left_out_names: list[str] = []
    files = tuple(sorted(_files(path, left_out_names)))
    python = [file for file in files if file.suffix == ".py"]
    _check_size(path, python, "Python files", most=_MAX_PYTHON_FILES, bytes_=_MAX_PYTHON_BYTES)
    _check_size(path, files, "files", most=_MAX_FILES, bytes_=_MAX_BYTES)
    return SourceFiles(root=path, files=files, left_out=tuple(sorted(left_out_names)))


def source_digest(root: Path, files: Sequence[Path]) -> str:
    """Return the digest of `files`, which are relative to `root`.

    Raises:
        StorageError: A file cannot be read.
    """
    return files_digest((file.as_posix(), read_file(root / file)) for file in files)


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


def _check_size(root: Path, files: Sequence[Path], kind: str, *, most: int, bytes_: int) -> None:
    size = sum((root / file).stat().st_size for file in files)
    if len(files) > most or size > bytes_:
        raise source_error(
            root,
            f"holds {len(files)} {kind} of {size} bytes, more than the {most} files or {bytes_} "
            "bytes a strategy may have: move the strategy into its own folder",
        )


def _files(root: Path, left_out: list[str]) -> Iterator[Path]:
    """Yield the files that travel, relative to `root`; add the names of others to `left_out`."""
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            if name.startswith("."):
                if name not in _NO_DATA:
                    left_out.append(str(Path(folder, name).relative_to(root)))
            elif name != _CACHES:
                _check_kind(Path(folder, name), root)
        folders[:] = [name for name in folders if name != _CACHES and not name.startswith(".")]
        yield from (Path(folder, name).relative_to(root) for name in names if name[0] != ".")


def _beside(file: Path) -> Iterator[str]:
    """Yield the names of what lies beside the one Python file of a source."""
    for path in sorted(file.parent.iterdir()):
        if path != file and path.name != _CACHES and not path.name.startswith("."):
            yield path.name


def _check_kind(path: Path, root: Path) -> None:
    target = path.resolve()
    if path.is_symlink() and not (path.is_file() and target.is_relative_to(root)):
        real = target if target.suffix == ".py" and target.is_file() else target.parent
        or_else = f", or point strategy.source at {real}" if real.exists() else ""
        raise source_error(
            path, f"is a link to {target}: put the real files into {root} instead{or_else}"
        )
    if not path.is_file() and not path.is_dir():
        # The error names the kind of file.
        read_file(path)


def _disk_error(path: Path, exc: OSError, *, operation: str) -> StorageError:
    return StorageError(f"cannot {operation} {path}: {exc.strerror}", operation=operation)
