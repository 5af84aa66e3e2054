"""Contents of objects: read as they were listed, and their tags and SHA-256 as far as known."""

from collections import defaultdict
from collections.abc import Mapping
from typing import final

from tradai.core import ContentCache, ObjectInfo, ObjectStore, StoredObject, backend_for
from tradai.core.exceptions import ConflictError, NotFoundError
from tradai.entrypoint._inputs.object_names import empty_error, list_objects, prefix_of


@final
class ChangedObjectError(Exception):
    """An object is no longer the one that was listed; the argument is its URI."""


def read_listed(store: ObjectStore, info: ObjectInfo) -> StoredObject:
    """Read an object that was listed as `info`.

    Raises:
        ChangedObjectError: It has another content by now, or is gone.
        ExternalServiceError: The store refused, or cannot be reached.
    """
    try:
        stored = store.read(info.uri)
    except (NotFoundError, ConflictError) as exc:
        raise ChangedObjectError(info.uri) from exc
    if info.etag is not None and stored.etag != info.etag:
        raise ChangedObjectError(info.uri)
    return stored


def folder_tags(uri: str) -> dict[str, str]:
    """Return the tag of each object in the folder at `uri`, by name.

    Raises:
        NotFoundError: There is none.
        ConfigurationError: No installed distribution serves the URI.
        ValidationError: A name cannot be the path of a file.
        ExternalServiceError: The store refused, or cannot be reached.
    """
    store = backend_for("tradai.stores", uri)
    objects = list_objects(store, prefix_of(uri))
    if not objects:
        raise empty_error(prefix_of(uri))
    return {name: _tag(store, info) for name, info in objects.items()}


def object_tag(uri: str) -> str:
    """Return the tag of the object at `uri`; raise as `folder_tags`, and when it is not there."""
    store = backend_for("tradai.stores", uri)
    return _tag(store, store.stat(uri))


def _tag(store: ObjectStore, info: ObjectInfo) -> str:
    return store.read(info.uri).etag if info.etag is None else info.etag


@final
class ContentDigests:
    """SHA-256 of objects by their tags, as the cache of this machine knows them."""

    def __init__(self, cache: ContentCache) -> None:
        """Look up in `cache`; each folder is read once."""
        self._cache = cache
        self._known: dict[str, Mapping[str, tuple[str, str]]] = {}
        self._learned: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)

    def find(self, info: ObjectInfo) -> str | None:
        """Return the SHA-256 of a listed object; None when it is not known under its tag."""
        folder, name = _split(info.uri)
        if folder not in self._known:
            self._known[folder] = self._cache.known_tags(folder)
        tag, digest = self._known[folder].get(name, (None, None))
        return digest if tag is not None and tag == info.etag else None

    def learn(self, uri: str, etag: str, digest: str) -> None:
        """Take in that the object at `uri` has the content `digest` while its tag is `etag`."""
        folder, name = _split(uri)
        self._learned[folder][name] = (etag, digest)

    def remember(self) -> None:
        """Keep on this machine what was learned.

        Raises:
            StorageError: The disk refused.
        """
        for folder, tags in self._learned.items():
            self._cache.remember(folder, tags)


def _split(uri: str) -> tuple[str, str]:
    """Return the folder of an object, which ends with a slash, and its name there."""
    folder, slash, name = uri.rpartition("/")
    return f"{folder}{slash}", name
