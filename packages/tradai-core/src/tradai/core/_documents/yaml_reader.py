"""Read YAML strictly, with the line and column of every value.

It is stricter than YAML: no duplicate keys, no tags, no merge keys, one document, and limits on
size, depth and aliases. Every error names line and column and never quotes a value, because a
value may be a secret.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, final

import yaml

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.yaml_events import Path, Place, YamlBuilder, place_of_mark, yaml_error
from tradai.core._documents.yaml_scalars import Scalar, json_scalar, plain_scalar

_MAX_CHARACTERS: Final = 1_000_000
# The parser takes U+0085, U+2028 and U+2029 for line breaks, which YAML 1.2 does not.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
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
    """Read one document whose top level is a mapping, as JSON values: no NaN, no infinity.

    Args:
        text: The document; bytes are UTF-8.
        source: Its name in errors.

    Raises:
        ConfigurationError: The text is not YAML, or YAML that this reader refuses.
    """
    return _to_document(_build(text, source, json_scalar), source)


def read_yaml_fields(text: str | bytes, *, source: str) -> YamlDocument:
    """Read one document for fields that decide what a number may be.

    As `read_yaml`, but NaN and infinity are values, and a number with more digits than a float
    holds has them all in its ``str()``.

    Raises:
        ConfigurationError: As for `read_yaml`.
    """
    return _to_document(_build(text, source, plain_scalar), source)


def read_yaml_value(text: str, *, source: str) -> JsonValue:
    """Read one JSON value, such as ``50``, ``true`` or ``[BTC/USDT, ETH/USDT]``.

    Raises:
        ConfigurationError: As for `read_yaml`.
    """
    return _build(text, source, json_scalar).root


def read_yaml_field(text: str, *, source: str) -> JsonValue:
    """Read one value for a field that decides what a number may be, as `read_yaml_fields`.

    Raises:
        ConfigurationError: As for `read_yaml`.
    """
    return _build(text, source, plain_scalar).root


def _to_document(builder: YamlBuilder, source: str) -> YamlDocument:
    values = {} if builder.root is None else builder.root
    if not isinstance(values, Mapping):
        problem = "the top level must be a mapping; write `key: value` lines"
        raise yaml_error(source, (1, 1), problem)
    return YamlDocument(values=values, marks=builder.marks)


def _build(text: str | bytes, source: str, scalar: Callable[[str], Scalar]) -> YamlBuilder:
    checked = _check_text(text, source)
    builder = YamlBuilder(checked, source, scalar=scalar)
    place: Place | None = None
    problem = ""
    try:
        for event in yaml.parse(checked, Loader=yaml.CSafeLoader):
            builder.feed(event)
    except yaml.MarkedYAMLError as exc:
        place = place_of_mark(exc.problem_mark)
        problem = f"not valid YAML: {exc.problem}{_yaml_advice(exc.problem)}"
    if place is not None:
        raise yaml_error(source, place, problem)
    return builder


def _yaml_advice(problem: str | None) -> str:
    if "cannot start any token" not in (problem or ""):
        return ""
    return "; a text that begins with @, ` or % must be in quotes"


def _check_text(text: str | bytes, source: str) -> str:
    if isinstance(text, bytes):
        text = text.decode(errors="surrogateescape")
    text = text.removeprefix("\ufeff")
    if len(text) > _MAX_CHARACTERS:
        problem = f"longer than {_MAX_CHARACTERS} characters; split the file"
        raise yaml_error(source, (1, 1), problem)
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        before = text[: forbidden.start()]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        problem = "a character that is not allowed; save the file as UTF-8 text"
        raise yaml_error(source, place, problem)
    # The parser drops the line break after a last line of blanks if it is not written.
    last_line = text.rpartition("\n")[2]
    return f"{text}\n" if last_line and not last_line.strip(" ") else text
