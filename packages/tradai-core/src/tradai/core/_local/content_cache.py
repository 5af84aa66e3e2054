"""Content fetched from stores, kept in files that are named by the SHA-256 of their bytes."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias, cast, final

from tradai.core._local.atomic_files import file_errors, is_temporary, locked, make_folder

# Name of an object in its folder -> its tag, and the SHA-256 of the bytes with that tag.
KnownTags: TypeAlias = Mapping[str, tuple[str, str]]

_DIGEST: Final = re.compile("[0-9a-f]{64}")
_CHUNK: Final = 1024 * 1024
# Of this user alone: the source of a strategy may be confidential.
_READ_ONLY: Final = 0o400
_DAY_S: Final = 24 * 3_600


@final
class ContentCache:
    """Bytes of remote objects on this disk, shared by all processes of a user.

    Content is a read-only file named by its SHA-256; it is complete or not there, and its bytes
    are compared with that name at every use, so that a damaged file is noticed and removed. An
    index says which content an object had under a tag of its store; wrong or lost entries of the
    index cost a read, never a wrong content.
    """

    def __init__(self, folder: Path) -> None:
        """Keep content below `folder`, which is created at the first use."""
        self._contents = folder / "content"
        self._indexes = folder / "index"

    def known_tags(self, folder_uri: str) -> KnownTags:
        """Return what is known of the objects directly in `folder_uri`; damage reads as nothing."""
        try:
            values = json.loads(self._index(folder_uri).read_bytes())
            return {name: _entry(entry) for name, entry in values["objects"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return {}

    def remember(self, folder_uri: str, tags: KnownTags) -> None:
        """Add `tags` to what is known of the objects directly in `folder_uri`.

        Raises:
            StorageError: The disk refused.
        """
        index = self._index(folder_uri)
        with file_errors("write", index):
            make_folder(index.parent)
            with locked(index.parent, needed=False):
                merged = {**self.known_tags(folder_uri), **tags}
                values = {"folder": folder_uri, "objects": merged}
                _write(index, json.dumps(values).encode(), put=Path.replace)

    def add(self, data: bytes) -> str:
        """Keep `data` and return its SHA-256.

        Raises:
            StorageError: The disk refused.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = Path(self._content(digest))
        with file_errors("write", path):
            make_folder(path.parent)
            if not _is_whole(path, digest):
                _write(path, data, put=_keep_first)
        return digest

    def lay_out(self, digest: str, target: str | Path) -> bool:
        """Put the content at the new path `target`, as a read-only file.

        Returns:
            Whether the content was in the cache; what is damaged is removed, and was not.

        Raises:
            FileExistsError: There is something at `target`.
            OSError: The disk refused.
        """
        path = self._content(digest)
        while _is_whole(path, digest):
            try:
                _link(path, target)
            except FileNotFoundError:
                # Unless its folder is there, and another process has removed the content meanwhile.
                if not Path(target).parent.exists():
                    raise
            else:
                return True
        return False

    def prune(self, *, most_bytes: int) -> int:
        """Remove the content that was not used for longest, and return the bytes removed.

        Content that is in use stays whole: its other name keeps it on disk.

        Raises:
            StorageError: The disk refused.
        """
        with file_errors("list", self._contents):
            kept = sorted(self._files(), key=lambda file: file[1].st_mtime, reverse=True)
            room, removed = most_bytes, 0
            for path, facts in kept:
                room -= facts.st_size
                if room < 0:
                    path.unlink(missing_ok=True)
                    removed += facts.st_size
        return removed

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Yield the content there is; remove what killed writers left."""
        for path in self._contents.glob("*/*"):
            with suppress(FileNotFoundError):
                facts = path.lstat()
                if not is_temporary(path.name):
                    yield path, facts
                elif time.time() - facts.st_mtime > _DAY_S:
                    path.unlink()

    def _content(self, digest: str) -> str:
        # A text: a path object for each of a thousand files would cost as much as opening them.
        return f"{self._contents}/{digest[:2]}/{digest[2:]}"

    def _index(self, folder_uri: str) -> Path:
        name = hashlib.sha256(folder_uri.encode("utf-8", "surrogateescape")).hexdigest()
        return self._indexes / f"{name}.json"


def _entry(entry: object) -> tuple[str, str]:
    tag, digest = cast("list[object]", entry)
    if not (isinstance(tag, str) and isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise ValueError(entry)
    return tag, digest


def _write(path: Path, data: bytes, *, put: Callable[[Path, Path], object]) -> None:
    """Write a read-only file whole or not at all; not forced to disk, because uses are verified."""
    temporary = path.with_name(f".tradai-{secrets.token_hex(8)}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.chmod(_READ_ONLY)
        put(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _keep_first(temporary: Path, path: Path) -> None:
    """Move the file to `path`, unless the same content is there by now.

    A file that is replaced cannot be linked by another process that has just opened it.
    """
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    except OSError:
        temporary.replace(path)


def _is_whole(path: str | Path, digest: str) -> bool:
    """Return whether the file has the bytes of its name; remove it when it has others."""
    found, used_at = _found(path)
    if found != digest:
        return found is not None and _is_mended(Path(path), digest)
    if time.time() - used_at > _DAY_S:
        # The time of the last use decides what is removed first.
        with suppress(OSError):
            os.utime(path)
    return True


def _is_mended(path: Path, digest: str) -> bool:
    """Return whether a file that was damaged is whole by now; remove it when it is not.

    Under a lock: another process that saw it may have put a whole one in its place.
    """
    with locked(path.parent, needed=False):
        found, _ = _found(path)
        if found != digest:
            with suppress(OSError):
                path.unlink()
    return found == digest


def _found(path: str | Path) -> tuple[str | None, float]:
    """Return the SHA-256 of a file, and the time of its last use; None without a file."""
    try:
        return _digest_of(path)
    except FileNotFoundError:
        return None, 0.0
    except OSError:
        # A link, or a disk that cannot read it: another read of the object may mend it.
        return "", 0.0


def _digest_of(path: str | Path) -> tuple[str, float]:
    """Return the SHA-256 of a regular file, and the time of its last use."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        content = hashlib.sha256()
        while chunk := os.read(descriptor, _CHUNK):
            content.update(chunk)
        return content.hexdigest(), os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)


def _link(path: str, target: str | Path) -> None:
    """Give the file a second name, or copy it where there can be none, as on another disk."""
    try:
        os.link(path, target)
    except OSError as exc:
        if exc.errno in {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG}:
            raise
        with Path(path).open("rb") as source, Path(target).open("xb") as copy:
            shutil.copyfileobj(source, copy)
        Path(target).chmod(_READ_ONLY)
