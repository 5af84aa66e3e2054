"""Read the rows of an S3 listing without botocore's model of the answer.

botocore builds a dictionary for each object through its description of the API, which takes ten
times as long as reading the XML. Its own requests, retries and errors are kept: an event passes
the answer on just before botocore reads it, and the rows read here are taken out of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.parsers.expat import ExpatError, ParserCreate

__all__ = ["Row", "collected_rows", "take_rows", "utc"]

# Key, size and time of the last change.
Row: TypeAlias = tuple[str, int, datetime]

_IN_ANSWER: Final = 2
_IN_OBJECT: Final = 3
_OK: Final = 200
# Set while one of our listings waits for its answer; other users of a client get botocore's.
_ROWS: ContextVar[list[Row] | None] = ContextVar("tradai_s3_rows", default=None)


@contextmanager
def collected_rows() -> Iterator[list[Row]]:
    """Collect the rows of the listings that are read in this context."""
    rows: list[Row] = []
    token = _ROWS.set(rows)
    try:
        yield rows
    finally:
        _ROWS.reset(token)


def take_rows(*, response_dict: dict[str, Any], **_: object) -> None:
    """Read the objects of a listing of ours; a handler of ``before-parse.s3.ListObjectsV2``.

    An answer that is not what we expect is left to botocore.
    """
    rows = _ROWS.get()
    if rows is None or response_dict["status_code"] != _OK:
        return
    reader = _AnswerReader()
    try:
        reader.read(response_dict["body"])
        # All or none: botocore reads what we cannot.
        rows[:] = list(reader.rows())
    except (ExpatError, KeyError, ValueError):
        return
    if rows:
        response_dict["body"] = reader.without_objects()


@final
class _AnswerReader:
    """Reads a listing as it is parsed; without a tree, which would keep Python's collector busy."""

    def __init__(self) -> None:
        self._facts: dict[str, str] = {}
        self._objects: list[tuple[str, str, str]] = []
        self._object: dict[str, str] = {}
        self._texts: list[str] = []
        self._depth = 0

    def read(self, body: bytes) -> None:
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._texts.append
        parser.EndElementHandler = self._end
        parser.Parse(body, True)  # noqa: FBT003 - not ours to name

    def rows(self) -> Iterator[Row]:
        is_quoted = self._facts.get("EncodingType") == "url"
        for key, size, modified in self._objects:
            name = unquote_plus(key) if is_quoted else key
            yield name, int(size), utc(datetime.fromisoformat(modified))

    def without_objects(self) -> bytes:
        root = Element("ListBucketResult")
        for name, text in self._facts.items():
            SubElement(root, name).text = text
        return tostring(root)

    def _start(self, _name: str, _attributes: object) -> None:
        self._depth += 1
        self._texts.clear()

    def _end(self, name: str) -> None:
        if self._depth == _IN_OBJECT:
            self._object[name] = "".join(self._texts)
        elif self._depth == _IN_ANSWER:
            self._end_fact(name)
        self._depth -= 1

    def _end_fact(self, name: str) -> None:
        if name != "Contents":
            self._facts[name] = "".join(self._texts)
            return
        found = self._object
        self._objects.append((found["Key"], found["Size"], found["LastModified"]))
        self._object = {}


def utc(instant: datetime) -> datetime:
    """Return the same instant in UTC."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
