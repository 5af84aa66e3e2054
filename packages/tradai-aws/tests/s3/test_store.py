"""Requests to S3, compared by boto3's own stub: conditions, checksums, parts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from tradai.aws import AwsError, AwsSettings, S3Store, client_for
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    StorageError,
    ValidationError,
)

GIB = 1024**3
WRITTEN = datetime(2026, 11, 24, 9, tzinfo=UTC)
HELLO_CRC32 = "NhCmhg=="


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client_for("s3", AwsSettings(region="eu-central-1"))) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def store() -> S3Store:
    return S3Store(AwsSettings(region="eu-central-1"))


def _put(**more: object) -> dict[str, Any]:
    plain = {"Bucket": "lake", "Key": "a//b", "Body": b"hello", "ChecksumCRC32": HELLO_CRC32}
    return {**plain, "Metadata": {"tradai-write": ANY}, **more}


def _facts(size: int, **more: object) -> dict[str, Any]:
    return {"ContentLength": size, "ETag": '"tag"', "LastModified": WRITTEN, **more}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"if_absent": True}, {"IfNoneMatch": "*"}),
        ({"if_match": '"tag"'}, {"IfMatch": '"tag"'}),
    ],
)
def test_a_write_is_one_request_with_checksum_and_condition(
    given: dict[str, Any], sent: dict[str, str], stub: Stubber, store: S3Store
) -> None:
    stub.add_response("put_object", {"ETag": '"new"'}, _put(**sent))

    assert store.write("s3://lake/a//b", b"hello", **given) == '"new"'


def test_a_conflict_that_s3_is_settling_is_retried(stub: Stubber, store: S3Store) -> None:
    for _ in range(2):
        stub.add_client_error("put_object", "ConditionalRequestConflict", "", 409)
    stub.add_response("put_object", {"ETag": '"new"'}, _put(IfNoneMatch="*"))

    assert store.write("s3://lake/a//b", b"hello", if_absent=True) == '"new"'


def test_a_failed_condition_is_not_retried(stub: Stubber, store: S3Store) -> None:
    stub.add_client_error("put_object", "PreconditionFailed", "", 412)

    with pytest.raises(ConflictError):
        store.write("s3://lake/a//b", b"hello", if_absent=True)


def test_replacing_a_deleted_object_is_a_conflict(stub: Stubber, store: S3Store) -> None:
    stub.add_client_error("put_object", "NoSuchKey", "", 404)

    with pytest.raises(ConflictError, match="it was deleted"):
        store.write("s3://lake/a//b", b"hello", if_match='"tag"')


def test_a_copy_of_5_gib_is_one_request(stub: Stubber, store: S3Store) -> None:
    facts = _facts(5 * GIB, VersionId="v1")
    stub.add_response("head_object", facts)
    stub.add_response(
        "copy_object",
        {"CopyObjectResult": {"ETag": '"copy"'}},
        {
            "Bucket": "lake",
            "Key": "b",
            "CopySource": {"Bucket": "lake", "Key": "a", "VersionId": "v1"},
            "CopySourceIfMatch": '"tag"',
        },
    )

    assert store.copy("s3://lake/a", "s3://lake/b") == '"copy"'


# The smallest size that S3 does not copy in one request, its largest object for years, and now.
@pytest.mark.parametrize("size", [5 * GIB + 1, 5 * 1024 * GIB, 50 * 10**12])
def test_a_copy_of_more_than_5_gib_goes_in_parts(
    size: int, monkeypatch: pytest.MonkeyPatch, store: S3Store
) -> None:
    # Without the stub: parts are sent concurrently, in any order.
    ranges: list[tuple[int, int]] = []

    def answer(_: object, operation: str, parameters: dict[str, Any]) -> object:
        if "CopySourceRange" in parameters:
            first, last = parameters["CopySourceRange"].removeprefix("bytes=").split("-")
            ranges.append((int(first), int(last)))
        return {
            "HeadObject": _facts(size),
            "CreateMultipartUpload": {"UploadId": "upload"},
            "UploadPartCopy": {"CopyPartResult": {"ETag": '"part"'}},
            "CompleteMultipartUpload": {"ETag": '"whole"'},
        }[operation]

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", answer)

    assert store.copy("s3://lake/a", "s3://lake/b") == '"whole"'
    ranges.sort()
    assert (ranges[0][0], ranges[-1][1]) == (0, size - 1)
    assert len(ranges) <= 10_000
    assert max(last - first + 1 for first, last in ranges) <= 5 * GIB
    assert all(one[1] + 1 == other[0] for one, other in pairwise(ranges))


def test_a_large_object_is_uploaded_in_parts_that_name_their_checksums(
    monkeypatch: pytest.MonkeyPatch, store: S3Store
) -> None:
    data = bytes(16 * 1024**2) + b"hello"
    parts: dict[int, tuple[int, str]] = {}
    completed: list[dict[str, Any]] = []

    def answer(_: object, operation: str, parameters: dict[str, Any]) -> object:
        if operation == "UploadPart":
            length, checksum = len(parameters["Body"]), parameters["ChecksumCRC32"]
            parts[parameters["PartNumber"]] = (length, checksum)
        if operation == "CompleteMultipartUpload":
            completed.append(parameters)
        return {
            "CreateMultipartUpload": {"UploadId": "upload"},
            "UploadPart": {"ETag": '"part"'},
            "CompleteMultipartUpload": {"ETag": '"whole"'},
        }[operation]

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", answer)

    assert store.write("s3://lake/a", data, if_match='"tag"') == '"whole"'
    assert parts[2] == (5, HELLO_CRC32)
    assert completed == [
        {
            "Bucket": "lake",
            "Key": "a",
            "UploadId": "upload",
            "IfMatch": '"tag"',
            "MultipartUpload": {
                "Parts": [
                    {"PartNumber": number, "ETag": '"part"', "ChecksumCRC32": parts[number][1]}
                    for number in (1, 2)
                ]
            },
        }
    ]


def test_two_conditions_are_refused_before_anything_is_sent(stub: Stubber, store: S3Store) -> None:
    del stub
    with pytest.raises(ValidationError, match="two conditions"):
        store.write("s3://lake/a", b"", if_match="x", if_absent=True)


@pytest.mark.parametrize("uri", ["s3://lake", "s3://lake/"])
def test_the_uri_of_a_bucket_is_refused(uri: str, stub: Stubber, store: S3Store) -> None:
    del stub
    for ask in (store.read, store.stat, store.delete):
        with pytest.raises(ValidationError, match="names a bucket"):
            ask(uri)


def test_an_object_that_became_shorter_while_it_was_read_is_a_conflict(
    stub: Stubber, store: S3Store
) -> None:
    stub.add_response("head_object", _facts(10))
    stub.add_client_error("get_object", "InvalidRange", "", 416)

    with pytest.raises(ConflictError, match="overwritten while it was read"):
        list(store.stream("s3://lake/a", start=5))


def test_a_refusal_is_not_taken_for_an_unchanged_object(stub: Stubber, store: S3Store) -> None:
    stub.add_client_error("get_object", "AccessDenied", "", 403)

    with pytest.raises(AwsError, match="grant it the permission"):
        store.fetch_if_changed("s3://lake/a", '"tag"')


def test_an_object_that_is_too_large_is_refused_before_it_is_read(
    stub: Stubber, store: S3Store
) -> None:
    class Unread:
        def read(self, _: int) -> bytes:
            raise AssertionError

        def close(self) -> None:
            pass

    stub.add_response("get_object", _facts(1_001, Body=Unread()))

    with pytest.raises(ConfigurationError, match="at most 1000"):
        store.fetch("s3://lake/a", max_bytes=1_000)


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("place", ["loop", "loop/file"])
def test_a_download_to_a_link_that_leads_to_itself_is_refused_before_a_request(
    tmp_path: Path, place: str, store: S3Store
) -> None:
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(StorageError, match=r"cannot write .*loop"):
        store.download("s3://lake/a", tmp_path / place)


def test_1001_objects_are_deleted_in_two_requests(stub: Stubber, store: S3Store) -> None:
    for count in (1_000, 1):
        stub.add_response(
            "delete_objects",
            {"Errors": [{"Key": f"{count}", "Code": "AccessDenied"}]},
            {"Bucket": "lake", "Delete": ANY},
        )

    failed = store.delete_many(f"s3://lake/{number}" for number in range(1_001))

    assert set(failed) == {"s3://lake/1000", "s3://lake/1"}
    assert "grant it the permission" in str(failed["s3://lake/1"])


def test_a_key_that_xml_cannot_hold_is_deleted_by_itself(store: S3Store, stub: Stubber) -> None:
    together = {"Objects": [{"Key": "a"}, {"Key": "b\r"}], "Quiet": True}
    stub.add_response("delete_objects", {}, {"Bucket": "lake", "Delete": together})
    stub.add_response("delete_object", {}, {"Bucket": "lake", "Key": "a\x01"})
    stub.add_client_error("delete_object", "AccessDenied", http_status_code=403)

    failed = store.delete_many(f"s3://lake/{key}" for key in ("a", "a\x01", "b\r", "c\ufffe"))

    assert set(failed) == {"s3://lake/c\ufffe"}
