"""Parse S3 listings ten times as fast as botocore does.

botocore builds a dictionary for each object from its description of the API. Its requests, retries
and errors are kept: an event handler gets the response just before botocore parses it, and removes
the rows that it has parsed itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.parsers.expat import ExpatError, ParserCreate

# Key, size, time of the last change, and tag.
Row: TypeAlias = tuple[str, int, datetime, str | None]

_FACT_DEPTH: Final = 2
_OBJECT_FACT_DEPTH: Final = 3
_OK: Final = 200
# Set while one of our own listings runs; other users of a client get botocore's parser.
_ROWS: ContextVar[list[Row] | None] = ContextVar("tradai_s3_rows", default=None)


@contextmanager
def collect_rows() -> Iterator[list[Row]]:
    """Collect the rows of the listing that is requested inside."""
    rows: list[Row] = []
    token = _ROWS.set(rows)
    try:
        yield rows
    finally:
        _ROWS.reset(token)


def parse_listing(*, response_dict: dict[str, Any], **_: object) -> None:
    """Parse the objects of our own listings; a handler of ``before-parse.s3.ListObjectsV2``.

    An unexpected response is left to botocore.
    """
    rows = _ROWS.get()
    if rows is None or response_dict["status_code"] != _OK:
        return
    parser = _ListingParser()
    try:
        parser.parse(response_dict["body"])
        # All rows or none: botocore parses the page if one row fails here.
        rows[:] = list(parser.rows())
    except (ExpatError, KeyError, ValueError):
        return
    if rows:
        response_dict["body"] = parser.without_objects()


@final
class _ListingParser:
    """Parse one page of a listing without a tree, which would keep Python's collector busy."""

    def __init__(self) -> None:
        self._facts: dict[str, str] = {}
        self._objects: list[tuple[str, str, str, str | None]] = []
        self._object: dict[str, str] = {}
        self._texts: list[str] = []
        self._depth = 0

    def parse(self, body: bytes) -> None:
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._texts.append
        parser.EndElementHandler = self._end
        parser.Parse(body, True)  # noqa: FBT003 - it takes no keyword

    def rows(self) -> Iterator[Row]:
        is_quoted = self._facts.get("EncodingType") == "url"
        for key, size, modified, etag in self._objects:
            name = unquote_plus(key) if is_quoted else key
            yield name, int(size), to_utc(datetime.fromisoformat(modified)), etag

    def without_objects(self) -> bytes:
        root = Element("ListBucketResult")
        for name, text in self._facts.items():
            SubElement(root, name).text = text
        return tostring(root)

    def _start(self, _name: str, _attributes: object) -> None:
        self._depth += 1
        self._texts.clear()

    def _end(self, name: str) -> None:
        if self._depth == _OBJECT_FACT_DEPTH:
            self._object[name] = "".join(self._texts)
        elif self._depth == _FACT_DEPTH:
            self._end_fact(name)
        self._depth -= 1

    def _end_fact(self, name: str) -> None:
        if name != "Contents":
            self._facts[name] = "".join(self._texts)
            return
        facts = self._object
        found = (facts["Key"], facts["Size"], facts["LastModified"], facts.get("ETag"))
        self._objects.append(found)
        self._object = {}


def to_utc(instant: datetime) -> datetime:
    """Return the same instant in UTC."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
