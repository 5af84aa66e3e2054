"""List buckets page by page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

from tradai.aws._client.errors import translated
from tradai.aws._client.listing_rows import Row, collect_rows, to_utc
from tradai.core import ObjectInfo, S3Path

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

__all__ = ["listed"]


class Page(TypedDict, total=False):
    """Where to go on."""

    ContinuationToken: str


def listed(client: "S3Client", path: S3Path) -> Iterator[ObjectInfo]:
    """Yield what lies below `path`, sorted; asks for 1,000 objects at a time."""
    base = f"s3://{path.bucket}/"
    more: Page = {}
    while True:
        with translated("s3", "list_objects_v2", str(path)), collect_rows() as rows:
            page = client.list_objects_v2(Bucket=path.bucket, Prefix=path.key, **more)
        for key, size, modified in rows or _rows_of(page):
            yield ObjectInfo(uri=f"{base}{key}", size=size, modified=modified)
        if not page["IsTruncated"]:
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def _rows_of(page: "ListObjectsV2OutputTypeDef") -> Iterator[Row]:
    """Return what botocore has read itself, when `parse_listing` was not asked."""
    for found in page.get("Contents", ()):
        yield found["Key"], found["Size"], to_utc(found["LastModified"])
