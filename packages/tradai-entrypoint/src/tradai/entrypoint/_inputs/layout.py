"""Objects of a store as files of a new folder: from the cache, or else read into it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tradai.core import ContentCache, ObjectInfo, ObjectStore, file_errors
from tradai.core.exceptions import StorageError
from tradai.entrypoint._inputs.byte_progress import ByteProgress
from tradai.entrypoint._inputs.object_contents import ContentDigests, read_listed
from tradai.entrypoint._inputs.parallel import each_at_once


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadObject:
    """Content that the cache has now, and the object that had it."""

    name: str
    info: ObjectInfo
    etag: str
    digest: str


@final
class Layout:
    """Lays out listed objects in a folder."""

    def __init__(
        self, cache: ContentCache, store: ObjectStore, objects: Mapping[str, ObjectInfo], /
    ) -> None:
        """Take the objects by name, which is the path of their file below the folder."""
        self._cache = cache
        self._store = store
        self._objects = objects
        self._digests = ContentDigests(cache)

    def write(self, target: Path, *, reads: int, say: Callable[[str], object]) -> int:
        """Create the folder `target` with a file for each object; return how many were read.

        Args:
            target: The folder.
            reads: Largest number of objects that are read at once.
            say: Called with the progress, as a phrase.

        Raises:
            ChangedObjectError: An object has another content than the one listed, or is gone.
            StorageError: The disk refused.
            ExternalServiceError: The store refused, or cannot be reached.
        """
        with file_errors("write", target):
            self._make_folders(target)
            missing = [name for name in self._objects if not self._is_cached(name, target)]
        sizes = {name: self._objects[name].size for name in missing}
        progress = ByteProgress(say, "reading", sizes.values())
        try:
            for read in each_at_once(self._read_object, sizes.items(), most=reads):
                self._place(read, target)
                progress.add(read.info.size)
        finally:
            # Also of a fetch that was interrupted: the next one goes on from here.
            self._digests.remember()
        return len(missing)

    def _make_folders(self, target: Path) -> None:
        target.mkdir(parents=True)
        for folder in sorted({name.rpartition("/")[0] for name in self._objects}):
            (target / folder).mkdir(parents=True, exist_ok=True)

    def _is_cached(self, name: str, target: Path) -> bool:
        """Lay out the object from the cache; return whether it was there."""
        digest = self._digests.find(self._objects[name])
        return digest is not None and self._cache.lay_out(digest, f"{target}/{name}")

    def _read_object(self, name: str) -> _ReadObject:
        info = self._objects[name]
        stored = read_listed(self._store, info)
        digest = self._cache.add(stored.data)
        return _ReadObject(name=name, info=info, etag=stored.etag, digest=digest)

    def _place(self, read: _ReadObject, target: Path) -> None:
        self._digests.learn(read.info.uri, read.etag, read.digest)
        path = target / read.name
        with file_errors("write", path):
            is_placed = self._cache.lay_out(read.digest, path)
        if not is_placed:
            message = (
                f"the content of {read.info.uri} did not stay in the cache: check the disk of "
                "TRADAI_INPUT_CACHE, or choose another place for it"
            )
            raise StorageError(message, operation="write")
