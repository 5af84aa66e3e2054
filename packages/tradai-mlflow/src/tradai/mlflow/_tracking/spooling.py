"""A spool that is written to, and perhaps sent at the same time."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, final

from tradai.core import Delivery, ForkLock, TrackedRun, redact
from tradai.mlflow._tracking.batch import MOST_IN_RECORD
from tradai.mlflow._tracking.point_times import floor_ms
from tradai.mlflow._tracking.server_values import check_id
from tradai.mlflow._tracking.shipper import Shipper
from tradai.mlflow._tracking.spool import MANY, SCHEMA, Spool

# So many facts are worth a call before its time.
_MANY_FACTS: Final = 1000


@final
class Spooling:
    """The spool of a run and of its children, for their writers.

    Attributes:
        lock: Held by a writer from its checks to the end of its records.
    """

    def __init__(self, spool: Spool, shipper: Shipper | None = None) -> None:
        """Write to `spool`; without `shipper` the records stay on this machine."""
        self.lock = ForkLock()
        self._spool = spool
        self._shipper = shipper
        self._starts = 0
        self._woken_at = 0

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self._spool.folder

    @property
    def is_open(self) -> bool:
        """Whether records can be added."""
        return self._spool.is_open

    def start(self, run: TrackedRun, *, parent: int | None = None) -> int:
        """Add the start of `run` below the run with the number `parent`; return its number."""
        check_id(run.id)
        number = self._starts
        self._spool.append("start", _start(run, parent), run=number)
        self._spool.sync()
        self._starts += 1
        return number

    def append(self, kind: str, value: Any, *, run: int) -> None:  # noqa: ANN401 - JSON of any kind
        """Add the facts `value`, in records that fit into a call."""
        for part in _parts(value) if kind in MANY else [value]:
            self._spool.append(kind, part, run=run)
        if self._shipper and self._spool.weight - self._woken_at >= _MANY_FACTS:
            self._woken_at = self._spool.weight
            self._shipper.wake()

    def state(self) -> Delivery:
        """Return what the server has by now."""
        if self._shipper:
            return self._shipper.state()
        return Delivery(waiting=self._spool.weight, is_alive=self._spool.is_open)

    def finish(self, give_up: Callable[[], bool] | None = None) -> Delivery:
        """Send the rest and close the spool; return what the server has."""
        self._spool.sync()
        if self._shipper:
            return self._shipper.finish(give_up)
        self._spool.close()
        return self.state()


def _start(run: TrackedRun, parent: int | None) -> Mapping[str, object]:
    return {
        "schema": SCHEMA,
        "id": run.id,
        "spool_id": secrets.token_hex(16),
        "experiment": redact(run.experiment),
        "name": redact(run.name),
        "at": floor_ms(run.started_at),
        "parent": parent,
        "parent_id": run.parent_id,
        "has_parts": run.has_parts,
    }


def _parts(value: Any) -> Iterator[Any]:  # noqa: ANN401 - a mapping or a list
    """Yield `value` in parts that a record may have."""
    if len(value) <= MOST_IN_RECORD:
        yield value
        return
    items = list(value.items()) if isinstance(value, Mapping) else list(value)
    for first in range(0, len(items), MOST_IN_RECORD):
        part = items[first : first + MOST_IN_RECORD]
        yield dict(part) if isinstance(value, Mapping) else part
