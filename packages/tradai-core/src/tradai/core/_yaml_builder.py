"""From the events of the C parser to values, without recursion and within limits."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, TypeAlias, final

import yaml

from tradai.core._json import JsonValue
from tradai.core._yaml_scalars import Scalar
from tradai.core.exceptions import ConfigurationError

__all__ = ["Path", "Place", "YamlBuilder", "place_of_mark", "yaml_error"]

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]

_MAX_DEPTH: Final = 32
_MAX_VALUES: Final = 50_000


class _Marked(Protocol):
    line: int
    column: int


class _Weight(NamedTuple):
    """What a value counts: the values in it, itself included, and the levels below it."""

    values: int = 1
    levels: int = 0


_SCALAR: Final = _Weight()


@final
class _Frame:
    """A collection that is being read."""

    def __init__(self, *, is_mapping: bool, anchor: str | None) -> None:
        self.is_mapping = is_mapping
        self.anchor = anchor
        self.weight = _Weight(levels=1)
        self.mapping: dict[str, JsonValue] = {}
        self.sequence: list[JsonValue] = []
        self.lines: dict[str, int] = {}
        self.key: str | None = None

    @property
    def step(self) -> str | int:
        return len(self.sequence) if self.key is None else self.key

    @property
    def awaits_key(self) -> bool:
        return self.is_mapping and self.key is None

    @property
    def value(self) -> JsonValue:
        return self.mapping if self.is_mapping else self.sequence

    def add(self, value: JsonValue, weight: _Weight) -> None:
        values, levels = self.weight
        self.weight = _Weight(values + weight.values, max(levels, weight.levels + 1))
        if self.key is None:
            self.sequence.append(value)
        else:
            self.mapping[self.key] = value
            self.key = None


@final
class YamlBuilder:
    """Turns the events of one document into its values, and notes where each was written.

    A value that aliases repeat is built once and counted each time.
    """

    def __init__(self, source: str, *, scalar: Callable[[str], Scalar]) -> None:
        """Call the document `source` in errors, and read plain text with `scalar`."""
        self.root: JsonValue = None
        self.marks: dict[Path, Place] = {}
        self._source = source
        self._scalar_of = scalar
        self._has_document = False
        self._values = 0
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[JsonValue, _Weight]] = {}

    def feed(self, event: yaml.Event) -> None:
        """Take the next event.

        Raises:
            ConfigurationError: The document is one that we refuse.
        """
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.CollectionStartEvent():
                self._open(event)
            case yaml.CollectionEndEvent():
                self._close(event)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        if self._has_document:
            raise self._error(event, "a second document; keep one per file")
        self._has_document = True

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._require_no_tag(event)
        is_plain = event.implicit[0]
        if self._frames and self._frames[-1].awaits_key:
            self._key(event, is_merge=is_plain and event.value == "<<")
            return
        value = self._plain(event) if is_plain else event.value
        self._count(event, values=1)
        self._add(value, event, anchor=event.anchor)

    def _plain(self, event: yaml.ScalarEvent) -> Scalar:
        with suppress(ArithmeticError):
            return self._scalar_of(event.value)
        # Outside of the except block: a cause could quote the value.
        problem = "not a finite number of ordinary size; write one, or quote the text"
        raise self._error(event, problem)

    def _key(self, event: yaml.ScalarEvent, *, is_merge: bool) -> None:
        if is_merge:
            raise self._error(event, "merge keys are not supported; write the keys out")
        frame = self._frames[-1]
        if event.value in frame.lines:
            first = frame.lines[event.value]
            raise self._error(event, f"key {event.value!r} repeats line {first}; keep one of them")
        frame.lines[event.value] = place_of_mark(event.start_mark)[0]
        frame.key = event.value
        self._mark(event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise self._error(event, "an alias without an anchor before it; write the value out")
        value, weight = self._anchors[event.anchor]
        self._require_shallow(event, levels=weight.levels)
        self._count(event, values=weight.values)
        self._add(value, event, weight=weight)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        self._require_no_tag(event)
        self._require_no_key(event)
        self._require_shallow(event, levels=1)
        self._count(event, values=1)
        self._mark(event)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._frames.append(_Frame(is_mapping=is_mapping, anchor=event.anchor))

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        frame = self._frames.pop()
        self._add(frame.value, event, weight=frame.weight, anchor=frame.anchor)

    def _add(
        self,
        value: JsonValue,
        event: yaml.Event,
        *,
        weight: _Weight = _SCALAR,
        anchor: str | None = None,
    ) -> None:
        self._require_no_key(event)
        self._mark(event)
        if anchor is not None:
            self._anchors[anchor] = (value, weight)
        if self._frames:
            self._frames[-1].add(value, weight)
        else:
            self.root = value

    def _mark(self, event: yaml.Event) -> None:
        path = tuple(frame.step for frame in self._frames)
        self.marks.setdefault(path, place_of_mark(event.start_mark))

    def _count(self, event: yaml.Event, *, values: int) -> None:
        self._values += values
        if self._values > _MAX_VALUES:
            raise self._error(event, f"more than {_MAX_VALUES} values, aliases counted in full")

    def _require_shallow(self, event: yaml.Event, *, levels: int) -> None:
        if len(self._frames) + levels > _MAX_DEPTH:
            raise self._error(event, f"nested deeper than {_MAX_DEPTH} levels; flatten it")

    def _require_no_key(self, event: yaml.Event) -> None:
        if self._frames and self._frames[-1].awaits_key:
            raise self._error(event, "a key must be plain text; quote it")

    def _require_no_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            raise self._error(event, "tags are not supported; leave the tag out")

    def _error(self, event: yaml.Event, problem: str) -> ConfigurationError:
        return yaml_error(self._source, place_of_mark(event.start_mark), problem)


def place_of_mark(mark: _Marked | None) -> Place:
    """Return line and column of `mark`, both counted from 1."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def yaml_error(source: str, place: Place, problem: str) -> ConfigurationError:
    """Return the error for `problem` at `place` of `source`."""
    line, column = place
    return ConfigurationError(f"{source}:{line}:{column}: {problem}", source=f"{source}:{line}")
