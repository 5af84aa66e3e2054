"""A folder in a store: its objects, and the SHA-256 of those whose content is known by their tag.

A push leaves an index beside the objects: the tag of a store does not follow from the content (S3's
depends on the parts and the key that an object was written with), but it changes with the content.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Self, cast, final

from tradai.core import ContentCache, ObjectInfo, ObjectStore
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint._inputs.object_contents import ContentDigests
from tradai.entrypoint._inputs.object_names import INDEX_NAME, list_objects, uri_of


@final
class RemoteFolder:
    """Objects below a prefix.

    Attributes:
        prefix: URI that ends with a slash.
        objects: The objects by name, as they were listed.
    """

    def __init__(
        self, store: ObjectStore, prefix: str, cache: ContentCache, objects: dict[str, ObjectInfo]
    ) -> None:
        """Use `objects`, without what is known of them; `open` looks both up."""
        self.prefix = prefix
        self.objects = objects
        self._store = store
        self._digests = ContentDigests(cache)
        self._known: dict[str, tuple[str, str]] = {}
        self._learned: dict[str, tuple[str, str]] = {}

    @classmethod
    def open(cls, store: ObjectStore, prefix: str, cache: ContentCache) -> Self:
        """List the objects below `prefix`, except hidden ones, and read what is known of them.

        Raises:
            ValidationError: A name cannot be the path of a file.
            ExternalServiceError: The store refused, or cannot be reached.
        """
        listed = list_objects(store, prefix)
        shown = {name: info for name, info in listed.items() if "/." not in f"/{name}"}
        folder = cls(store, prefix, cache, shown)
        if INDEX_NAME in listed:
            folder._known |= folder._read_index()
        folder._known |= folder._known_here()
        return folder

    def digest_of(self, name: str) -> str | None:
        """Return the SHA-256 of the listed object `name`; None when it is not known."""
        tag, digest = self._learned.get(name) or self._known.get(name, ("", ""))
        return digest if name in self.objects and tag == self.objects[name].etag else None

    def learn(self, name: str, etag: str, digest: str) -> None:
        """Take in that the object `name` has the content `digest` while its tag is `etag`."""
        self._learned[name] = (etag, digest)

    def forget(self, names: Iterable[str]) -> None:
        """Take in that the objects `names` are gone."""
        for name in names:
            del self.objects[name]

    def remember(self) -> None:
        """Keep on this machine what was learned.

        Raises:
            StorageError: The disk refused.
        """
        for name, (etag, digest) in self._learned.items():
            self._digests.learn(uri_of(self.prefix, name), etag, digest)
        self._digests.remember()

    def publish(self) -> None:
        """Write the index beside the objects.

        Raises:
            ExternalServiceError: The store refused, or cannot be reached.
        """
        there = self.objects.keys() | self._learned.keys()
        known = {**self._known, **self._learned}
        entries = {name: known[name] for name in sorted(known.keys() & there)}
        data = json.dumps({"schema_version": 1, "objects": entries}, indent=1).encode()
        self._store.write(uri_of(self.prefix, INDEX_NAME), data)

    def _read_index(self) -> Mapping[str, tuple[str, str]]:
        """Return the entries of the index; one that cannot be read knows nothing."""
        try:
            values = json.loads(self._store.read(uri_of(self.prefix, INDEX_NAME)).data)
            return {name: _entry(entry) for name, entry in values["objects"].items()}
        except (NotFoundError, ValueError, LookupError, TypeError, AttributeError):
            return {}

    def _known_here(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the objects whose content the cache of this machine knows."""
        for name, info in self.objects.items():
            digest = self._digests.find(info)
            if info.etag is not None and digest is not None:
                yield name, (info.etag, digest)


def _entry(entry: object) -> tuple[str, str]:
    tag, digest = cast("list[str]", entry)
    return tag, digest
