"""Facts of one run that go to the server in one call."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, final

from tradai.core import from_epoch_ms
from tradai.mlflow._client.entities import RunMetric
from tradai.mlflow._tracking.spool import SpoolRecord

# A server takes 1,000 facts in a call, and among them 100 parameters and 100 tags. One tag says how
# far the server is.
_MOST: Final = 999
_MOST_OF: Final[Mapping[str, int]] = {"params": 100, "tags": 99, "points": _MOST}
# No record holds more, so that several fit into a call.
MOST_IN_RECORD: Final = 90
# The client splits what is larger than twice this, and its tags would go before its points.
_MOST_BYTES: Final = 400_000
# JSON around a fact, and the most bytes of JSON that a character becomes.
_FRAME: Final = 80
_WIDEST: Final = 12

Row = Sequence[Any]


@final
class Batch:
    """Parameters, tags and points of the run with the number `run`."""

    def __init__(self, run: int = 0) -> None:
        """Start empty."""
        self.run = run
        self.number = 0
        self.offset = 0
        self.weight = 0
        self._bytes = 0
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.points: list[Row] = []

    def takes(self, record: SpoolRecord) -> bool:
        """Tell whether `record` is of this run and fits."""
        if record.kind not in _MOST_OF or record.run != self.run:
            return False
        held: int = len(getattr(self, record.kind))
        fits = held + record.weight <= _MOST_OF[record.kind]
        # A record alone is of one kind, so that the client may split it.
        is_small = not self.weight or self._bytes + _size(record) <= _MOST_BYTES
        return fits and is_small and self.weight + record.weight <= _MOST

    def add(self, record: SpoolRecord, offset: int) -> None:
        """Add `record`, which this batch takes, and which ends at `offset` in its spool."""
        if record.kind == "points":
            self.points.extend(record.value)
        else:
            getattr(self, record.kind).update(record.value)
        self._bytes += _size(record)
        self.number = record.number
        self.offset = offset
        self.weight += record.weight

    def metrics(self) -> Iterator[RunMetric]:
        """Yield the points as the client takes them."""
        for key, value, step, at_ms in self.points:
            yield RunMetric(key=key, value=value, step=step, at=from_epoch_ms(at_ms))


def _size(record: SpoolRecord) -> int:
    """Return the most bytes that the facts of `record` become."""
    is_points = record.kind == "points"
    texts = (row[0] for row in record.value) if is_points else map("".join, record.value.items())
    return sum(len(text) * (1 if text.isascii() else _WIDEST) + _FRAME for text in texts)
