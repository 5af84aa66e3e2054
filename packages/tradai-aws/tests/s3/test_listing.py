"""Listings are parsed by our own parser, which never drops an object."""

from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from tradai.aws import AwsError, AwsSettings, S3Store, client_for
from tradai.core import ObjectInfo

ISO = "2026-11-24T09:00:00.000Z"
TRUNCATED = "<IsTruncated>true</IsTruncated>"
NEXT = "<NextContinuationToken>same</NextContinuationToken>"
OTHER = "Tue, 24 Nov 2026 09:00:00 GMT"

SETTINGS = AwsSettings(region="eu-central-1", endpoint_url="http://127.0.0.1:9")

List: TypeAlias = Callable[[bytes], list[ObjectInfo]]


def _page(*rows: tuple[str, str], end: str = "<IsTruncated>false</IsTruncated>") -> bytes:
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>{modified}</LastModified>"
        "<ETag>&quot;tag&quot;</ETag><Size>7</Size></Contents>"
        for key, modified in rows
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name>'
        f"<EncodingType>url</EncodingType>{end}{contents}"
        "</ListBucketResult>"
    ).encode()


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        yield self._data


@pytest.fixture
def listed() -> Iterator[List]:
    """List a bucket with the page of the test as S3's response."""
    pages: list[bytes] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body(pages[-1]))

    def listing(page: bytes) -> list[ObjectInfo]:
        pages.append(page)
        return list(S3Store(SETTINGS).list("s3://lake"))

    events = client_for("s3", SETTINGS).meta.events
    # boto3's types leave out that some handlers return a value.
    handler = cast("Callable[..., None]", answer)
    events.register_last("before-send", handler)
    yield listing
    events.unregister("before-send", handler)


def test_keys_are_decoded_once(listed: List) -> None:
    found = listed(_page(("a%2Fb%2520c%2B+d%26", ISO), ("%E6%97%A5&amp;", ISO)))

    assert [one.uri for one in found] == ["s3://lake/a/b%20c+ d&", "s3://lake/日&"]
    assert {one.size for one in found} == {7}
    assert {one.etag for one in found} == {'"tag"'}
    assert {one.modified.isoformat() for one in found} == {"2026-11-24T09:00:00+00:00"}


@pytest.mark.parametrize("forms", [(ISO, OTHER, ISO), (OTHER, ISO, ISO), (ISO, ISO, OTHER)])
def test_a_time_in_another_form_does_not_shorten_a_listing(
    forms: tuple[str, ...], listed: List
) -> None:
    found = listed(_page(*((f"{number}", form) for number, form in enumerate(forms))))

    assert [one.uri for one in found] == ["s3://lake/0", "s3://lake/1", "s3://lake/2"]
    assert len({one.modified for one in found}) == 1


def test_an_empty_listing_is_empty(listed: List) -> None:
    assert listed(_page()) == []


@pytest.mark.parametrize("end", [TRUNCATED, TRUNCATED + NEXT, NEXT])
def test_a_listing_that_does_not_go_on_is_an_error(listed: List, end: str) -> None:
    with pytest.raises(AwsError, match="does not name the next page") as caught:
        listed(_page(("key", ISO), end=end))

    assert caught.value.reason == "BrokenListing"


def test_a_listing_that_says_nothing_about_more_is_complete(listed: List) -> None:
    assert [info.uri for info in listed(_page(("key", ISO), end=""))] == ["s3://lake/key"]
