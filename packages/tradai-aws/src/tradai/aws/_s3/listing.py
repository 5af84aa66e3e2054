"""List the objects of a bucket page by page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

from tradai.aws._client.errors import translated
from tradai.aws._client.listing_rows import Row, collect_rows, to_utc
from tradai.core import ObjectInfo, S3Path

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef


class Page(TypedDict, total=False):
    """Parameter that selects the next page."""

    ContinuationToken: str


def list_objects(client: "S3Client", path: S3Path) -> Iterator[ObjectInfo]:
    """Yield the objects below `path`, sorted; a request returns at most 1,000 of them."""
    base = f"s3://{path.bucket}/"
    next_page: Page = {}
    while True:
        with translated("s3", "list_objects_v2", str(path)), collect_rows() as rows:
            page = client.list_objects_v2(Bucket=path.bucket, Prefix=path.key, **next_page)
        for key, size, modified, etag in rows or _rows_of(page):
            yield ObjectInfo(uri=f"{base}{key}", size=size, modified=modified, etag=etag)
        if not page["IsTruncated"]:
            return
        next_page = {"ContinuationToken": page["NextContinuationToken"]}


def _rows_of(page: "ListObjectsV2OutputTypeDef") -> Iterator[Row]:
    """Yield the rows that botocore has parsed, when `parse_listing` did not."""
    for row in page.get("Contents", ()):
        yield row["Key"], row["Size"], to_utc(row["LastModified"]), row.get("ETag")
