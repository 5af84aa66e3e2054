"""Build values from the events of the YAML parser, without recursion and within limits."""

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, final

import yaml

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.yaml_scalars import Scalar
from tradai.core.exceptions import ConfigurationError

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]

_MAX_DEPTH: Final = 32
_MAX_VALUES: Final = 50_000
# Characters after an anchor or alias; empty at the end of the text.
_NAME_ENDS: Final = {"", *" \t\r\n,[]{}"}


class _Marked(Protocol):
    line: int
    column: int


@final
class _Frame:
    """A collection that is being read."""

    __slots__ = (
        "anchor",
        "is_mapping",
        "key",
        "levels",
        "lines",
        "mapping",
        "path",
        "sequence",
        "values_before",
    )

    def __init__(self, event: yaml.CollectionStartEvent, *, path: Path, values_before: int) -> None:
        self.is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.anchor: str | None = event.anchor
        self.path = path
        self.values_before = values_before
        self.levels = 1
        self.mapping: dict[str, JsonValue] = {}
        self.sequence: list[JsonValue] = []
        self.lines: dict[str, int] = {}
        self.key: str | None = None

    @property
    def awaits_key(self) -> bool:
        return self.is_mapping and self.key is None

    @property
    def step_path(self) -> Path:
        return (*self.path, len(self.sequence) if self.key is None else self.key)

    @property
    def value(self) -> JsonValue:
        return self.mapping if self.is_mapping else self.sequence

    def add(self, value: JsonValue) -> None:
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

    def __init__(self, text: str, source: str, *, scalar: Callable[[str], Scalar]) -> None:
        """Take the document `text`, named `source` in errors; `scalar` reads unquoted text."""
        self.root: JsonValue = None
        self.marks: dict[Path, Place] = {}
        self._text = text
        self._source = source
        self._scalar_of = scalar
        self._has_document = False
        self._values = 0
        self._frames: list[_Frame] = []
        self._names: set[str] = set()
        # Anchor -> its value, the number of values in it, and the number of levels.
        self._anchors: dict[str, tuple[JsonValue, int, int]] = {}

    def feed(self, event: yaml.Event) -> None:
        """Process the next event.

        Raises:
            ConfigurationError: The document is one that we refuse.
        """
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.CollectionStartEvent():
                self._open(event)
            case yaml.CollectionEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._start_document(event)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        if self._has_document:
            raise self._error(event, "a second document; keep one per file")
        self._has_document = True

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_properties(event)
        is_plain = event.implicit[0]
        if self._frames and self._frames[-1].awaits_key:
            self._key(event, is_merge=is_plain and event.value == "<<")
            return
        self._begin(event)
        self._end(self._plain(event) if is_plain else event.value, anchor=event.anchor)

    def _plain(self, event: yaml.ScalarEvent) -> Scalar:
        try:
            return self._scalar_of(event.value)
        except ArithmeticError:
            problem = "not a finite number of ordinary size; write one, or quote the text"
        # Outside of the except block: a cause could quote the value.
        raise self._error(event, problem)

    def _key(self, event: yaml.ScalarEvent, *, is_merge: bool) -> None:
        if is_merge:
            raise self._error(event, "merge keys are not supported; write the keys out")
        if self._text[max(_index(event) - 1, 0) : _index(event)] == "?":
            # The parser takes it for the sign of a key, but in YAML 1.2 it is part of the text.
            raise self._error(event, "a question mark before text; put a blank between, or quote")
        frame, key = self._frames[-1], event.value
        place = place_of_mark(event.start_mark)
        if key in frame.lines:
            problem = f"key {key!r} repeats line {frame.lines[key]}; keep one of them"
            raise self._error(event, problem)
        frame.lines[key], _ = place
        frame.key = key
        self.marks[frame.step_path] = place

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise self._error(event, "an alias without an anchor before it; write the value out")
        self._check_name(event, event.anchor)
        value, values, levels = self._anchors[event.anchor]
        self._begin(event, values=values, levels=levels)
        self._end(value, values=values, levels=levels)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        self._check_properties(event)
        path = self._frames[-1].step_path if self._frames else ()
        values_before = self._values
        self._begin(event, levels=1)
        self._frames.append(_Frame(event, path=path, values_before=values_before))

    def _close(self) -> None:
        frame = self._frames.pop()
        values = self._values - frame.values_before
        self._end(frame.value, anchor=frame.anchor, values=values, levels=frame.levels)

    def _begin(self, event: yaml.NodeEvent, *, values: int = 1, levels: int = 0) -> None:
        """Count `values` values of `levels` levels, and note the place of a value without a key."""
        if len(self._frames) + levels > _MAX_DEPTH:
            raise self._error(event, f"nested deeper than {_MAX_DEPTH} levels; flatten it")
        self._values += values
        if self._values > _MAX_VALUES:
            raise self._error(event, f"more than {_MAX_VALUES} values, aliases counted in full")
        frame = self._frames[-1] if self._frames else None
        if frame is None:
            self.marks[()] = place_of_mark(event.start_mark)
        elif frame.awaits_key:
            raise self._error(event, "a key must be plain text; quote it")
        elif not frame.is_mapping:
            self.marks[frame.step_path] = place_of_mark(event.start_mark)

    def _end(
        self, value: JsonValue, *, anchor: str | None = None, values: int = 1, levels: int = 0
    ) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, values, levels)
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        frame.add(value)
        if levels >= frame.levels:
            frame.levels = levels + 1

    def _check_properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            raise self._error(event, "tags are not supported; leave the tag out")
        if event.anchor in self._names:
            raise self._error(event, "an anchor of this name is there already; use another name")
        if event.anchor is not None:
            self._check_name(event, event.anchor)
            self._names.add(event.anchor)

    def _check_name(self, event: yaml.NodeEvent, name: str) -> None:
        """Refuse a name that goes on in YAML 1.2 where the parser ends it."""
        start = _index(event) + 1 + len(name)
        if self._text[start : start + 1] not in _NAME_ENDS:
            raise self._error(event, "an anchor or alias with a sign in its name; use letters")

    def _error(self, event: yaml.Event, problem: str) -> ConfigurationError:
        return yaml_error(self._source, place_of_mark(event.start_mark), problem)


def _index(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def place_of_mark(mark: _Marked | None) -> Place:
    """Return line and column of `mark`, both counted from 1."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def yaml_error(source: str, place: Place, problem: str) -> ConfigurationError:
    """Return the error for `problem` at `place` of `source`."""
    line, column = place
    return ConfigurationError(f"{source}:{line}:{column}: {problem}", source=f"{source}:{line}")
