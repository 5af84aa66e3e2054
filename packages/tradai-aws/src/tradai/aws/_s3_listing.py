"""Listings of buckets, page by page, read without botocore's model of the answer.

botocore builds a dictionary for each object through its description of the API, which takes ten
times as long as reading the XML. Its own requests, retries and errors are kept: an event hands us
the answer just before it is read, and what we have read is taken out of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict
from urllib.parse import unquote_plus

from tradai.aws._errors import translated
from tradai.core import ObjectInfo, S3Path

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

__all__ = ["listed", "take_rows", "utc"]

# Key, size and time of the last change.
Row: TypeAlias = tuple[str, int, datetime]

_SPACE: Final = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_FOUND: Final = f"{_SPACE}Contents"
_OK: Final = 200
# Set while one of our listings waits for its answer; other users of a client get botocore's.
_ROWS: ContextVar[list[Row] | None] = ContextVar("tradai_s3_rows", default=None)


class Page(TypedDict, total=False):
    """Where to go on."""

    ContinuationToken: str


def listed(client: "S3Client", path: S3Path) -> Iterator[ObjectInfo]:
    """Yield what lies below `path`, sorted; asks for 1,000 objects at a time."""
    base = f"s3://{path.bucket}/"
    more: Page = {}
    while True:
        with translated("s3", "list_objects_v2", str(path)), _collected() as rows:
            page = client.list_objects_v2(Bucket=path.bucket, Prefix=path.key, **more)
        for key, size, modified in rows or _rows_of(page):
            yield ObjectInfo(uri=f"{base}{key}", size=size, modified=modified)
        if not page["IsTruncated"]:
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def take_rows(*, response_dict: dict[str, Any], **_: object) -> None:
    """Read the objects of a listing of ours; a handler of ``before-parse.s3.ListObjectsV2``."""
    from xml.etree import ElementTree as ET

    rows = _ROWS.get()
    if rows is None or response_dict["status_code"] != _OK:
        return
    rows.clear()  # of an answer that was not good enough, and asked for again
    # The same parser that botocore would give it to.
    root = ET.XML(response_dict["body"])
    is_quoted = root.findtext(f"{_SPACE}EncodingType") == "url"
    for node in root.iterfind(_FOUND):
        facts = {child.tag: child.text or "" for child in node}
        key = facts[f"{_SPACE}Key"]
        modified = datetime.fromisoformat(facts[f"{_SPACE}LastModified"])
        rows.append(
            (unquote_plus(key) if is_quoted else key, int(facts[f"{_SPACE}Size"]), utc(modified))
        )
    root[:] = [node for node in root if node.tag != _FOUND]
    response_dict["body"] = ET.tostring(root)


def utc(instant: datetime) -> datetime:
    """Return the same instant in UTC."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


@contextmanager
def _collected() -> Iterator[list[Row]]:
    rows: list[Row] = []
    token = _ROWS.set(rows)
    try:
        yield rows
    finally:
        _ROWS.reset(token)


def _rows_of(page: "ListObjectsV2OutputTypeDef") -> Iterator[Row]:
    """Return what botocore has read itself, when `take_rows` was not asked."""
    for found in page.get("Contents", ()):
        yield found["Key"], found["Size"], utc(found["LastModified"])
