"""Evidence of a run in the run store, which outlives its task.

A run writes ``started.json`` first and ``manifest.json`` last, below ``TRADAI_RUN_STORE``.
"""

import json
from enum import Enum, auto
from typing import Any, Final, final

from tradai.aws._ecs._launch.record import LaunchRecord
from tradai.core import ObjectStore, backend_for
from tradai.core.exceptions import NotFoundError

RUN_STORE: Final = "TRADAI_RUN_STORE"
_STARTED: Final = "started.json"
_MANIFEST: Final = "manifest.json"


@final
class RunTrace(Enum):
    """Traces of a run in its store; unknown for a run without a store."""

    UNKNOWN = auto()
    NONE = auto()
    STARTED = auto()
    ENDED = auto()


@final
class RunEvidence:
    """Reads what runs left behind."""

    def __init__(self, store: ObjectStore | None = None) -> None:
        """Read from `store`, by default the one that the job's variable names."""
        self._store = store

    def trace(self, record: LaunchRecord) -> RunTrace:
        """Return how far the current attempt of a job has come.

        Raises:
            ExternalServiceError: The store cannot be read.
        """
        if not record.run_store:
            return RunTrace.UNKNOWN
        if self._read(record, _MANIFEST) is not None:
            return RunTrace.ENDED
        return RunTrace.NONE if self._read(record, _STARTED) is None else RunTrace.STARTED

    def exit_code(self, record: LaunchRecord) -> int | None:
        """Return the exit code in the manifest of the current attempt; None without one.

        Raises:
            ExternalServiceError: The store cannot be read.
        """
        if not record.run_store:
            return None
        code = (self._read(record, _MANIFEST) or {}).get("exit_code")
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    def _read(self, record: LaunchRecord, name: str) -> dict[str, Any] | None:
        root = record.run_store
        store = self._store or backend_for("tradai.stores", root)
        try:
            data = store.read(f"{root.rstrip('/')}/{record.run_id}/{name}").data
        except NotFoundError:
            return None
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        # An object that was cut short is a trace, though it says nothing.
        return found if isinstance(found, dict) else {}
