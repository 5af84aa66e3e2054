"""Place of approvals in an object store."""

from collections.abc import Iterator
from typing import Final, final

from tradai.core._local.file_store import stored_object
from tradai.core._ports.backends import backend_for
from tradai.core._ports.protocols import ApprovalEntry, ApprovalEntryKind, ObjectStore
from tradai.core._types.symbols import check_strategy_name
from tradai.core.exceptions import ConflictError

_NAMES: Final[dict[ApprovalEntryKind, str]] = {
    "approval": "approval.json",
    "revocation": "revocation.json",
}


@final
class ObjectApprovalStore:
    """Approvals below a URI of an object store, each entry an object that is written once.

    The approval of a strategy is ``<base>/<strategy>/<id>/approval.json``, its revocation
    ``revocation.json`` beside it. Other objects below the URI are left alone.

    Deleting a revocation would make its approval count again. Keep the objects by the means of the
    store, a retention rule or versions, and give no role the right to delete them.
    """

    def __init__(self, store: ObjectStore, base: str) -> None:
        """Keep approvals in `store`, below the URI `base`."""
        self._store = store
        self._base = base.removesuffix("/")

    @classmethod
    def for_uri(cls, uri: str) -> "ObjectApprovalStore":
        """Return the place of approvals below `uri`, in the object store that serves it.

        Raises:
            ConfigurationError: No installed distribution serves the URI.
            ValidationError: The object store does not serve such a URI.
        """
        return cls(backend_for("tradai.stores", uri), uri)

    def add(self, entry: ApprovalEntry) -> None:
        """Keep `entry`; see `ApprovalStore`."""
        strategy, approval_id, kind = entry.name
        uri = f"{self._folder(strategy)}{approval_id}/{kind}.json"
        try:
            self._store.write(uri, entry.data, if_absent=True)
        except ConflictError:
            if self._store.read(uri).data != entry.data:
                raise

    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        """Return all entries of `strategy`, sorted by id and kind; see `ApprovalStore`."""
        return tuple(self._read(strategy))

    def _read(self, strategy: str) -> Iterator[ApprovalEntry]:
        for approval_id in self._ids(strategy):
            for kind, name in sorted(_NAMES.items()):
                # A listing leaves out a folder or a broken link in the place of a revocation.
                uri = f"{self._folder(strategy)}{approval_id}/{name}"
                stored = stored_object(self._store, uri)
                if stored is not None:
                    yield ApprovalEntry(
                        strategy=strategy, approval_id=approval_id, kind=kind, data=stored.data
                    )

    def _ids(self, strategy: str) -> Iterator[str]:
        found = (info.uri.rsplit("/", 3) for info in self._store.list(self._folder(strategy)))
        names = _NAMES.values()
        ids = (parts[2] for parts in found if parts[1] == strategy and parts[3] in names)
        yield from sorted(set(ids))

    def _folder(self, strategy: str) -> str:
        return f"{self._base}/{check_strategy_name(strategy)}/"
