"""Place of a lease in an object store."""

from typing import final

from tradai.core._local.file_store import FileStore, stored_object
from tradai.core._ports.protocols import ObjectStore, StoredObject


@final
class ObjectLeaseStore:
    """Place of a lease in one object of an object store whose conditional writes are atomic."""

    def __init__(self, store: ObjectStore, uri: str) -> None:
        """Use the object at `uri` in `store`."""
        self._store = store
        self._uri = uri

    @classmethod
    def for_file(cls, uri: str) -> "ObjectLeaseStore":
        """Return the place of a lease in a file on a local disk of this machine.

        Raises:
            ValidationError: `uri` does not name a file.
        """
        return cls(FileStore.for_uri(uri), uri)

    def read(self) -> StoredObject | None:
        """Return the bytes and their tag; None before the first write."""
        return stored_object(self._store, self._uri)

    def replace(self, data: bytes, *, expected: str | None) -> str:
        """Write `data` where the bytes with the tag `expected` are, and return the new tag."""
        if expected is None:
            return self._store.write(self._uri, data, if_absent=True)
        return self._store.write(self._uri, data, if_match=expected)
