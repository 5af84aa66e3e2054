"""Place of approvals in memory."""

from typing import final

from tradai.core._fork_lock import ForkLock
from tradai.core._ports.protocols import ApprovalEntry
from tradai.core._types.symbols import check_strategy_name
from tradai.core.exceptions import ConflictError


@final
class MemoryApprovalStore:
    """Place of approvals in memory."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = ForkLock()
        self._entries: dict[tuple[str, str, str], ApprovalEntry] = {}

    def add(self, entry: ApprovalEntry) -> None:
        """Keep `entry`; see `ApprovalStore`."""
        name = entry.name
        with self._lock:
            if self._entries.setdefault(name, entry) != entry:
                message = f"there is another {entry.kind} of this id in memory; read it again"
                raise ConflictError(message, operation="add", service="memory")

    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        """Return all entries of `strategy`, sorted by id and kind; see `ApprovalStore`."""
        check_strategy_name(strategy)
        with self._lock:
            found = sorted(self._entries.items())
        return tuple(entry for (name, _, _), entry in found if name == strategy)
