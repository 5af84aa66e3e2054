"""A strict reader of YAML that knows where everything was written.

It is stricter than YAML: no duplicate keys, no tags, no merge keys, no NaN or infinity, one
document, and limits on size, depth and aliases. Every error names line and column and never
quotes a value, because a value may be a secret.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, final

import yaml

from tradai.core._json import JsonValue
from tradai.core._yaml_scalars import plain_scalar
from tradai.core.exceptions import ConfigurationError

__all__ = ["YamlDocument", "read_yaml", "read_yaml_value"]

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]

_MAX_CHARACTERS: Final = 1_000_000
_MAX_DEPTH: Final = 32
_MAX_VALUES: Final = 50_000
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class YamlDocument:
    """A document's values, and the line and column of each, both counted from 1.

    Attributes:
        values: The top-level mapping; empty for an empty document.
        marks: Path of keys and indexes -> where that value's key or item begins.
    """

    values: Mapping[str, JsonValue]
    marks: Mapping[Path, Place]


def read_yaml(text: str | bytes, *, source: str) -> YamlDocument:
    """Read one document whose top level is a mapping.

    Args:
        text: The document; bytes are UTF-8.
        source: What to call it in errors.

    Raises:
        ConfigurationError: The text is not YAML, or YAML that this reader refuses.
    """
    builder = _built(text, source)
    values = {} if builder.root is None else builder.root
    if not isinstance(values, Mapping):
        raise _error(source, (1, 1), "the top level must be a mapping; write `key: value` lines")
    return YamlDocument(values=values, marks=builder.marks)


def read_yaml_value(text: str, *, source: str) -> JsonValue:
    """Read one value, such as ``50``, ``true`` or ``[BTC/USDT, ETH/USDT]``.

    Raises:
        ConfigurationError: As for `read_yaml`.
    """
    return _built(text, source).root


class _Marked(Protocol):
    line: int
    column: int


@final
class _Frame:
    """A collection that is being read."""

    def __init__(self, *, is_mapping: bool, anchor: str | None, values_before: int) -> None:
        self.is_mapping = is_mapping
        self.anchor = anchor
        self.values_before = values_before
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

    def add(self, value: JsonValue) -> None:
        if self.key is None:
            self.sequence.append(value)
        else:
            self.mapping[self.key] = value
            self.key = None


@final
class _Builder:
    """Turns the events of the C parser into values, without recursion."""

    def __init__(self, source: str) -> None:
        self.root: JsonValue = None
        self.marks: dict[Path, Place] = {}
        self._source = source
        self._has_document = False
        self._values = 0
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[JsonValue, int]] = {}

    def feed(self, event: yaml.Event) -> None:
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
        value = plain_scalar(event.value) if is_plain else event.value
        if isinstance(value, float) and not math.isfinite(value):
            raise self._error(event, "not a finite number; write one, or quote the text")
        self._add(value, event, size=1, anchor=event.anchor)

    def _key(self, event: yaml.ScalarEvent, *, is_merge: bool) -> None:
        if is_merge:
            raise self._error(event, "merge keys are not supported; write the keys out")
        frame = self._frames[-1]
        if event.value in frame.lines:
            first = frame.lines[event.value]
            raise self._error(event, f"key {event.value!r} repeats line {first}; keep one of them")
        frame.lines[event.value] = _place(event.start_mark)[0]
        frame.key = event.value
        self._mark(event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise self._error(event, "an alias without an anchor before it; write the value out")
        value, size = self._anchors[event.anchor]
        self._add(value, event, size=size)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        self._require_no_tag(event)
        self._require_no_key(event)
        if len(self._frames) == _MAX_DEPTH:
            raise self._error(event, f"nested deeper than {_MAX_DEPTH} levels; flatten it")
        self._mark(event)
        self._frames.append(
            _Frame(
                is_mapping=isinstance(event, yaml.MappingStartEvent),
                anchor=event.anchor,
                values_before=self._values,
            )
        )

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        frame = self._frames.pop()
        size = self._values - frame.values_before + 1
        self._values = frame.values_before
        self._add(frame.value, event, size=size, anchor=frame.anchor)

    def _add(
        self, value: JsonValue, event: yaml.Event, *, size: int, anchor: str | None = None
    ) -> None:
        self._require_no_key(event)
        self._values += size
        if self._values > _MAX_VALUES:
            raise self._error(event, f"more than {_MAX_VALUES} values, aliases counted in full")
        self._mark(event)
        if anchor is not None:
            self._anchors[anchor] = (value, size)
        if self._frames:
            self._frames[-1].add(value)
        else:
            self.root = value

    def _mark(self, event: yaml.Event) -> None:
        path = tuple(frame.step for frame in self._frames)
        self.marks.setdefault(path, _place(event.start_mark))

    def _require_no_key(self, event: yaml.Event) -> None:
        if self._frames and self._frames[-1].awaits_key:
            raise self._error(event, "a key must be plain text; quote it")

    def _require_no_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            raise self._error(event, "tags are not supported; leave the tag out")

    def _error(self, event: yaml.Event, problem: str) -> ConfigurationError:
        return _error(self._source, _place(event.start_mark), problem)


def _built(text: str | bytes, source: str) -> _Builder:
    builder = _Builder(source)
    checked = _checked(text, source)
    place: Place | None = None
    problem = ""
    try:
        for event in yaml.parse(checked, Loader=yaml.CSafeLoader):
            builder.feed(event)
    except yaml.MarkedYAMLError as exc:
        place = _place(exc.problem_mark)
        problem = f"not valid YAML: {exc.problem}"
    if place is not None:
        raise _error(source, place, problem)
    return builder


def _checked(text: str | bytes, source: str) -> str:
    if isinstance(text, bytes):
        text = text.decode(errors="surrogateescape")
    text = text.removeprefix("\ufeff")
    if len(text) > _MAX_CHARACTERS:
        raise _error(source, (1, 1), f"longer than {_MAX_CHARACTERS} characters; split the file")
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        before = text[: forbidden.start()]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _error(source, place, "a character YAML does not allow; save the file as UTF-8 text")
    return text


def _place(mark: _Marked | None) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _error(source: str, place: Place, problem: str) -> ConfigurationError:
    line, column = place
    return ConfigurationError(f"{source}:{line}:{column}: {problem}", source=f"{source}:{line}")
