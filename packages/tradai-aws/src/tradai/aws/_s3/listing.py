"""List the objects of a bucket page by page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

from tradai.aws._client.errors import AwsError, translated
from tradai.aws._client.listing_rows import Row, collect_rows, to_utc
from tradai.core import ObjectInfo, S3Path

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef


class Page(TypedDict, total=False):
    """Parameter that selects the next page."""

    ContinuationToken: str


def list_objects(client: "S3Client", path: S3Path) -> Iterator[ObjectInfo]:
    """Yield the objects below `path`, sorted; a request returns at most 1,000 of them.

    Raises:
        AwsError: A response names no next page, or the same one again: rows would be lost.
    """
    base = f"s3://{path.bucket}/"
    next_page: Page = {}
    while True:
        with translated("s3", "list_objects_v2", str(path)), collect_rows() as rows:
            page = client.list_objects_v2(Bucket=path.bucket, Prefix=path.key, **next_page)
        for key, size, modified, etag in rows or _rows_of(page):
            yield ObjectInfo(uri=f"{base}{key}", size=size, modified=modified, etag=etag)
        # Servers that imitate S3 leave these out.
        token: str | None = page.get("NextContinuationToken")
        if not page.get("IsTruncated", token is not None):
            return
        if token is None or token == next_page.get("ContinuationToken"):
            reason, problem = "BrokenListing", "the response does not name the next page"
            message = f"s3 list_objects_v2 {path} ({reason}): {problem}; is the server S3?"
            raise AwsError(message, service="s3", operation="list_objects_v2", reason=reason)
        next_page = {"ContinuationToken": token}


def _rows_of(page: "ListObjectsV2OutputTypeDef") -> Iterator[Row]:
    """Yield the rows that botocore has parsed, when `parse_listing` did not."""
    for row in page.get("Contents", ()):
        yield row["Key"], row["Size"], to_utc(row["LastModified"]), row.get("ETag")
