"""Versions on this disk: verified files in folders, and the last good answer for each choice."""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pydantic
from pydantic import AwareDatetime, BaseModel, ConfigDict

from tradai.core import (
    ContentCache,
    atomic_file,
    digest,
    file_errors,
    locked,
)
from tradai.core.exceptions import NotFoundError
from tradai.mlflow._registry.record import ModelFile

_CHUNK: Final = 1024 * 1024
_DAY_S: Final = 24 * 3_600


@final
class KnownVersion(BaseModel):
    """An answer of the server that was verified, with everything that is needed without it.

    Attributes:
        server: Address of the server.
        selector: The choice that was asked for, such as ``trend@champion``.
        version: Number of the version that it meant.
        tags: Tags of that version.
        resolved_at: Instant of the answer.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = 1
    server: str
    selector: str
    version: int
    tags: Mapping[str, str]
    resolved_at: AwareDatetime


@final
@dataclass(frozen=True, slots=True)
class ModelCache:
    """Model versions below one folder of this machine, shared by all processes of a user."""

    folder: Path

    @property
    def contents(self) -> ContentCache:
        """The files, by the SHA-256 of their bytes."""
        return ContentCache(self.folder)

    def remember(self, known: KnownVersion) -> None:
        """Keep the last good answer for a choice.

        Raises:
            StorageError: The disk refused.
        """
        path = self._known(known.server, known.selector)
        with file_errors("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as file:
                file.write(known.model_dump_json().encode())

    def last_known(self, server: str, selector: str) -> KnownVersion | None:
        """Return the last good answer for a choice; None without one, or when it is damaged."""
        try:
            known = KnownVersion.model_validate(
                json.loads(self._known(server, selector).read_bytes())
            )
        except (OSError, ValueError, pydantic.ValidationError):
            return None
        is_asked = (known.server, known.selector) == (server, selector)
        return known if is_asked and known.schema_version == 1 else None

    def folder_of(self, files: tuple[ModelFile, ...]) -> Path:
        """Return the folder of `files`, which is named after their paths and digests."""
        return self.folder / "versions" / digest({file.path: file.sha256 for file in files})

    def lay_out(self, files: tuple[ModelFile, ...]) -> tuple[ModelFile, ...]:
        """Put `files` into their folder, whole or not at all, from the contents of the cache.

        Returns:
            The files that the cache does not have; none when the folder is complete.

        Raises:
            StorageError: The disk refused.
        """
        target = self.folder_of(files)
        with file_errors("write", target):
            if _is_complete(target, files) and _note_use(target):
                return ()
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
            try:
                missing = self._fill(temporary, files)
                if not missing:
                    _put(temporary, target, files)
                return missing
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def prune(self, *, most_bytes: int) -> None:
        """Remove the versions and contents that were not used for longest, beyond `most_bytes`.

        A version that was used today stays: a run that starts may still read it.

        Raises:
            StorageError: The disk refused.
        """
        versions = self.folder / "versions"
        with file_errors("list", versions):
            room = most_bytes
            for _, size, path in sorted(_usage(versions), reverse=True):
                room -= size
                if room < 0:
                    _remove_unused(path)
        self.contents.prune(most_bytes=most_bytes)

    def _fill(self, folder: Path, files: tuple[ModelFile, ...]) -> tuple[ModelFile, ...]:
        missing: list[ModelFile] = []
        folder.mkdir()
        for file in files:
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self.contents.lay_out(file.sha256, path):
                missing.append(file)
        return tuple(missing)

    def _known(self, server: str, selector: str) -> Path:
        return self.folder / "known" / f"{digest([server, selector])}.json"


def _put(temporary: Path, target: Path, files: tuple[ModelFile, ...]) -> None:
    """Move the finished folder to `target`; a damaged one there is moved out of the way.

    Under a lock: a folder that another process has just finished would be taken for damaged by
    one that looked while it was put there, and removed under the run that uses it.
    """
    with locked(target.parent, needed=False):
        if _is_complete(target, files):
            return
        with suppress(FileNotFoundError):
            _remove(target)
        try:
            temporary.rename(target)
        except OSError:
            # Where no lock holds, another process may have been first with the same files.
            if not _is_complete(target, files):
                raise


def _note_use(folder: Path) -> bool:
    """Note that `folder` is used now, so that `prune` leaves it; False when it is gone."""
    with locked(folder.parent, needed=False), suppress(FileNotFoundError):
        os.utime(folder)
        return True
    return False


def _remove_unused(folder: Path) -> None:
    """Remove `folder`, unless it was used today: perhaps by another process a moment ago."""
    with locked(folder.parent, needed=False), suppress(FileNotFoundError):
        if time.time() - folder.stat().st_mtime > _DAY_S:
            _remove(folder)


def _usage(versions: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield each folder there is in `versions`, with the time of its last use and its size."""
    for path in versions.iterdir():
        # Another process may remove it meanwhile.
        with suppress(FileNotFoundError):
            files = [file for file in path.rglob("*") if file.is_file()]
            yield path.stat().st_mtime, sum(file.stat().st_size for file in files), path


def _remove(folder: Path) -> None:
    """Remove `folder`, which another process sees whole or not at all."""
    removed = folder.with_name(f".{secrets.token_hex(8)}.tmp")
    folder.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)


def _is_complete(folder: Path, files: tuple[ModelFile, ...]) -> bool:
    """Tell whether `folder` has exactly `files`, with the bytes of their digests."""
    present = {
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
    }
    if not folder.is_dir() or present != {file.path for file in files}:
        return False
    # Another process may move a damaged folder away meanwhile.
    with suppress(NotFoundError):
        return all(sha256_of(folder / file.path) == file.sha256 for file in files)
    return False


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file at `path`; empty when no regular file is there.

    Raises:
        StorageError: It cannot be read.
    """
    if path.is_symlink() or not path.is_file():
        return ""
    content = hashlib.sha256()
    with file_errors("read", path), path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            content.update(chunk)
    return content.hexdigest()
