"""Fetch a folder or one object of a store into a local folder; what the cache has is not read."""

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, final

from tradai.core import ContentCache, ObjectInfo, ObjectStore, backend_for
from tradai.core.exceptions import ConflictError
from tradai.entrypoint._inputs.layout import Layout
from tradai.entrypoint._inputs.object_contents import ChangedObjectError
from tradai.entrypoint._inputs.object_names import (
    INDEX_NAME,
    check_names,
    empty_error,
    list_objects,
    prefix_of,
)
from tradai.entrypoint._inputs.settings import InputSettings

# Of a folder that is written while it is read.
_MOST_LISTINGS: Final = 3


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Objects that were laid out: their number, and how many of them were read for it."""

    objects: int
    read: int


@final
class Fetcher:
    """Lays out objects as local files, from the cache where it has their content."""

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
            store: Store to read from; by default the one that serves the URI.
            say: Called with the progress, as a phrase.
        """
        self._settings = settings or InputSettings()
        self._store = store
        self._say = say
        self._cache = ContentCache(self._settings.cache_folder())

    def fetch_folder(
        self, uri: str, target: Path, *, names: Collection[str] | None = None
    ) -> Fetched:
        """Lay out the objects below `uri` in the new folder `target`.

        Args:
            uri: Folder in a store; an empty one is refused.
            target: Folder on this machine.
            names: Objects that are needed, where they are there; by default all.

        Raises:
            NotFoundError: There is none.
            ValidationError: A name cannot be the path of a file.
            ConflictError: The objects change all the time.
            StorageError: The disk refused.
            ExternalServiceError: The store refused, or cannot be reached.
        """
        prefix = prefix_of(uri)
        store = self._store or backend_for("tradai.stores", prefix)
        return self._fetch(store, partial(_list_some, store, prefix, names), target)

    def fetch_file(self, uri: str, target: Path) -> Fetched:
        """Lay out the object at `uri` in the new folder `target`, under the end of its name.

        Raises:
            NotFoundError: It does not exist.
            ValidationError: Its name cannot be the name of a file.
            ConflictError: It changes all the time.
            StorageError: The disk refused.
            ExternalServiceError: The store refused, or cannot be reached.
        """
        store = self._store or backend_for("tradai.stores", uri)
        return self._fetch(store, partial(_look_at, store, uri), target)

    def _fetch(
        self, store: ObjectStore, look: Callable[[], Mapping[str, ObjectInfo]], target: Path
    ) -> Fetched:
        changed = ""
        for _ in range(_MOST_LISTINGS):
            self._say("listing inputs")
            objects = look()
            layout = Layout(self._cache, store, objects)
            shutil.rmtree(target, ignore_errors=True)
            try:
                read = layout.write(target, reads=self._settings.reads, say=self._say)
            except ChangedObjectError as exc:
                changed = str(exc)
                continue
            if read:
                self._cache.prune(most_bytes=self._settings.cache_bytes)
            return Fetched(objects=len(objects), read=read)
        message = f"{changed} changes while it is read: wait until its writer is done, then retry"
        raise ConflictError(message, operation="read")


def _list_some(
    store: ObjectStore, prefix: str, names: Collection[str] | None
) -> Mapping[str, ObjectInfo]:
    objects = list_objects(store, prefix)
    objects.pop(INDEX_NAME, None)
    if not objects:
        raise empty_error(prefix)
    return objects if names is None else {name: objects[name] for name in names if name in objects}


def _look_at(store: ObjectStore, uri: str) -> Mapping[str, ObjectInfo]:
    prefix, slash, name = uri.rpartition("/")
    check_names([name], f"{prefix}{slash}")
    return {name: store.stat(uri)}
