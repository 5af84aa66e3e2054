"""Object store in the memory of this process, under ``memory:`` URIs."""

from collections.abc import Iterator
from datetime import datetime
from typing import final

from tradai.core._fork_lock import ForkLock
from tradai.core._local.file_store import conflict, etag_of, refuse_two_conditions
from tradai.core._ports.protocols import Clock, ObjectInfo, StoredObject
from tradai.core._time.clock import SystemClock
from tradai.core.exceptions import NotFoundError, ValidationError


@final
class MemoryStore:
    """Object store in the memory of this process, under ``memory:`` URIs; for tests and trials.

    Two stores never share an object.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        """Start empty; `clock` dates the changes of objects."""
        self._clock = clock or SystemClock()
        self._lock = ForkLock()
        self._objects: dict[str, tuple[bytes, datetime]] = {}

    @classmethod
    def for_uri(cls, uri: str) -> "MemoryStore":
        """Return a new, empty store that serves `uri`."""
        _check_memory_uri(uri)
        return cls()

    def read(self, uri: str) -> StoredObject:
        """Return the object at `uri`."""
        data, _ = self._object(uri)
        return StoredObject(data=data, etag=etag_of(data))

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        """Replace the object at `uri` and return its new tag."""
        refuse_two_conditions(if_match, if_absent=if_absent)
        _check_memory_uri(uri)
        with self._lock:
            present = self._objects.get(uri)
            if if_absent and present is not None:
                raise conflict(uri, "it exists already")
            if if_match is not None and (present is None or etag_of(present[0]) != if_match):
                raise conflict(uri, "it has changed or is gone")
            self._objects[uri] = (bytes(data), self._clock.now())
        return etag_of(data)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose URI starts with `prefix`, sorted."""
        _check_memory_uri(prefix)
        with self._lock:
            found = sorted(item for item in self._objects.items() if item[0].startswith(prefix))
        for uri, (data, modified) in found:
            yield _describe(uri, data, modified)

    def delete(self, uri: str) -> None:
        """Remove the object at `uri`; a missing one is ignored."""
        _check_memory_uri(uri)
        with self._lock:
            self._objects.pop(uri, None)

    def stat(self, uri: str) -> ObjectInfo:
        """Describe the object at `uri`."""
        data, modified = self._object(uri)
        return _describe(uri, data, modified)

    def copy(self, source: str, target: str) -> str:
        """Write the object at `source` to `target` as well, and return the tag there."""
        return self.write(target, self.read(source).data)

    def _object(self, uri: str) -> tuple[bytes, datetime]:
        _check_memory_uri(uri)
        with self._lock:
            found = self._objects.get(uri)
        if found is None:
            message = f"there is no object at {uri}; write it first"
            raise NotFoundError(message, kind="object", key=uri)
        return found


def _describe(uri: str, data: bytes, modified: datetime) -> ObjectInfo:
    return ObjectInfo(uri=uri, size=len(data), modified=modified, etag=etag_of(data))


def _check_memory_uri(uri: str) -> None:
    if not uri.startswith("memory:"):
        expected = "a memory: URI such as memory:runs/1"
        message = f"{uri!r} is not usable: expected {expected}"
        raise ValidationError(message, field="uri", expected=expected)
