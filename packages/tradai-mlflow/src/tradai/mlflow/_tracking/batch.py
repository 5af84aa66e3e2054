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
# Texts that go with points. The client splits a larger batch, and its tags, with the number of the
# last record, would arrive before its points. It counts up to 12 bytes for a character.
_MOST_CHARACTERS: Final = 40_000

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
        self._characters = 0
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.points: list[Row] = []

    def takes(self, record: SpoolRecord) -> bool:
        """Tell whether `record` is of this run and fits."""
        if record.kind not in _MOST_OF or record.run != self.run:
            return False
        held: int = len(getattr(self, record.kind))
        fits = held + record.weight <= _MOST_OF[record.kind]
        characters = self._characters + _characters(record)
        has_points = record.kind == "points" or self.points
        is_small = characters <= _MOST_CHARACTERS or not (self.weight and has_points)
        return fits and is_small and self.weight + record.weight <= _MOST

    def add(self, record: SpoolRecord, offset: int) -> None:
        """Add `record`, which this batch takes, and which ends at `offset` in its spool."""
        if record.kind == "points":
            self.points.extend(record.value)
        else:
            getattr(self, record.kind).update(record.value)
            self._characters += _characters(record)
        self.number = record.number
        self.offset = offset
        self.weight += record.weight

    def metrics(self) -> Iterator[RunMetric]:
        """Yield the points as the client takes them."""
        for key, value, step, at_ms in self.points:
            yield RunMetric(key=key, value=value, step=step, at=from_epoch_ms(at_ms))


def _characters(record: SpoolRecord) -> int:
    if record.kind == "points":
        return 0
    return sum(len(key) + len(value) for key, value in record.value.items())
