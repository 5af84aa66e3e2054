"""S3Store beyond the port: ranges, versions, conflicts and large objects, on each stand-in."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import boto3
import pytest
from servers.aws import new_bucket

from tradai.aws import AwsSettings, S3Store, client_for
from tradai.core import YamlLayer
from tradai.core.exceptions import ConflictError, NotFoundError, StorageError, ValidationError

ExpectFailure: TypeAlias = Callable[[str, str], None]
Interrupted: TypeAlias = Callable[[str, Callable[[], object]], S3Store]

MIB = 1024**2
ODD_KEYS = ["a//b", "/a", "a/../b", ".", "a b", "%2F", "a?b#c", "ü/日本", "a" * 1024, "dir/", "+&="]


@pytest.fixture
def store(settings: AwsSettings) -> S3Store:
    return S3Store(settings)


@pytest.fixture
def base(bucket: str) -> str:
    return f"s3://{bucket}"


@pytest.fixture
def interrupted(settings: AwsSettings) -> Interrupted:
    """Make a store that calls a function before each request of one operation."""

    def store(operation: str, call: Callable[[], object]) -> S3Store:
        def handler(**_: object) -> None:
            call()

        # A client of its own, because a handler stays on its client.
        client = boto3.Session().client(
            "s3", region_name=settings.region, endpoint_url=settings.endpoint_url
        )
        client.meta.events.register(f"before-call.s3.{operation}", handler)
        return S3Store(client=client)

    return store


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_keeps_every_character(key: str, store: S3Store, base: str) -> None:
    uri = f"{base}/{key}"

    store.write(uri, key.encode())

    assert store.read(uri).data == key.encode()
    assert [info.uri for info in store.list(base)] == [uri]
    assert store.delete_many([uri]) == {}
    assert list(store.list(base)) == []


@pytest.mark.parametrize("size", [0, 1, 16 * MIB, 16 * MIB + 1])
def test_a_file_is_uploaded_and_downloaded_unchanged(
    size: int, store: S3Store, base: str, tmp_path: Path
) -> None:
    data = os.urandom(size)
    (tmp_path / "up").write_bytes(data)

    etag = store.upload(tmp_path / "up", f"{base}/key")
    file = store.download(f"{base}/key", tmp_path / "down")

    assert file.read_bytes() == data
    assert store.read(f"{base}/key").data == data
    assert store.read(f"{base}/key").etag == etag
    assert sorted(path.name for path in tmp_path.iterdir()) == ["down", "up"]


LARGE = os.urandom(17 * MIB)


def test_a_range_has_exactly_the_requested_bytes(store: S3Store, base: str) -> None:
    store.write(f"{base}/key", LARGE)

    for start, stop in [
        (0, 0),
        (0, 1),
        (5, 5),
        (11 * MIB, 13 * MIB),
        (1, 17 * MIB - 1),
        (12 * MIB, None),
        (8 * MIB, 99 * MIB),
        (17 * MIB, None),
    ]:
        data = b"".join(store.stream(f"{base}/key", start=start, stop=stop))
        assert data == LARGE[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(-1, None), (4, 3), (6, None), (6, 7)])
def test_an_invalid_range_is_refused(
    start: int, stop: int | None, store: S3Store, base: str
) -> None:
    store.write(f"{base}/key", b"12345")

    with pytest.raises(ValidationError, match="5 bytes"):
        list(store.stream(f"{base}/key", start=start, stop=stop))


def test_old_versions_stay_readable(settings: AwsSettings, store: S3Store, tmp_path: Path) -> None:
    uri = f"s3://{new_bucket(settings, is_versioned=True)}/key"
    store.write(uri, b"first")
    first = store.fetch(uri)
    store.write(uri, b"second")

    assert first.version_id is not None
    assert store.fetch(uri).version_id != first.version_id
    assert store.fetch(uri, version_id=first.version_id) == first
    assert b"".join(store.stream(uri, version_id=first.version_id)) == b"first"
    assert store.download(uri, tmp_path / "old", version_id=first.version_id).read_bytes() == (
        b"first"
    )


def test_an_unknown_version_is_not_found(settings: AwsSettings, store: S3Store) -> None:
    uri = f"s3://{new_bucket(settings, is_versioned=True)}/key"
    store.write(uri, b"first")

    with pytest.raises(NotFoundError):
        store.fetch(uri, version_id="3" * 32)


def test_an_object_in_an_unversioned_bucket_has_no_version(store: S3Store, base: str) -> None:
    store.write(f"{base}/key", b"1")

    assert store.fetch(f"{base}/key").version_id is None


def test_an_unchanged_object_is_not_read_again(store: S3Store, base: str) -> None:
    etag = store.write(f"{base}/key", b"1")

    assert store.fetch_if_changed(f"{base}/key", etag) is None
    store.write(f"{base}/key", b"2")
    changed = store.fetch_if_changed(f"{base}/key", etag)

    assert changed is not None
    assert changed.data == b"2"


def test_an_object_overwritten_while_it_is_read_is_a_conflict(store: S3Store, base: str) -> None:
    store.write(f"{base}/key", LARGE * 3)
    chunks = store.stream(f"{base}/key")
    next(chunks)

    store.write(f"{base}/key", b"other")

    with pytest.raises(ConflictError):
        list(chunks)


def test_a_stream_of_a_version_continues_after_an_overwrite(
    settings: AwsSettings, store: S3Store, expect_failure: ExpectFailure
) -> None:
    expect_failure("ministack", "it ignores the range of a version")
    uri = f"s3://{new_bucket(settings, is_versioned=True)}/key"
    store.write(uri, LARGE * 3)
    chunks = store.stream(uri)
    first = next(chunks)

    store.write(uri, b"other")

    assert first + b"".join(chunks) == LARGE * 3


def test_a_download_into_a_folder_is_named_like_the_key(
    store: S3Store, base: str, tmp_path: Path
) -> None:
    store.write(f"{base}/deep/../name.csv", b"1")

    assert store.download(f"{base}/deep/../name.csv", tmp_path) == tmp_path / "name.csv"


@pytest.mark.parametrize("key", ["a/..", "..", "a/.", "a/", "a\\..\\b"])
def test_a_download_never_leaves_the_folder(
    key: str, store: S3Store, base: str, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    store.write(f"{base}/{key}", b"1")

    with pytest.raises(ValidationError, match="a key that ends in a file name"):
        store.download(f"{base}/{key}", folder)

    assert [*tmp_path.rglob("*")] == [folder]


def test_a_download_that_fails_leaves_the_old_file(
    store: S3Store, base: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"old")

    with pytest.raises(NotFoundError):
        store.download(f"{base}/absent", tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == b"old"
    assert len([*tmp_path.iterdir()]) == 1


def test_a_download_keeps_the_permissions_of_the_file_that_it_replaces(
    store: S3Store, base: str, tmp_path: Path
) -> None:
    store.write(f"{base}/key", b"1")
    (tmp_path / "file").touch(0o600)

    store.download(f"{base}/key", tmp_path / "file")

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_missing_folder_or_file_is_a_storage_error(
    store: S3Store, base: str, tmp_path: Path
) -> None:
    store.write(f"{base}/key", b"1")

    with pytest.raises(StorageError, match=r"there is no folder .*no; make it"):
        store.download(f"{base}/key", tmp_path / "no" / "such")
    with pytest.raises(StorageError, match="check the path"):
        store.upload(tmp_path / "absent", f"{base}/key")


def test_of_two_concurrent_large_uploads_the_first_to_end_creates_the_object(
    store: S3Store, base: str, tmp_path: Path, interrupted: Interrupted
) -> None:
    (tmp_path / "first").write_bytes(b"1" * (16 * MIB + 1))
    (tmp_path / "late").write_bytes(b"2" * (16 * MIB + 1))
    late = interrupted(
        "CompleteMultipartUpload",
        lambda: store.upload(tmp_path / "first", f"{base}/key", if_absent=True),
    )

    with pytest.raises(ConflictError):
        late.upload(tmp_path / "late", f"{base}/key", if_absent=True)

    assert store.read(f"{base}/key").data[:1] == b"1"


# The other servers check first and write afterwards, without a lock: there both may succeed.
@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_one_of_two_large_uploads_that_end_together_creates_the_object(
    store: S3Store, base: str, tmp_path: Path, interrupted: Interrupted
) -> None:
    barrier = threading.Barrier(2)

    def race(number: int) -> int | None:
        file = tmp_path / f"{number}"
        file.write_bytes(bytes([number]) * (16 * MIB + 1))
        try:
            racer = interrupted("CompleteMultipartUpload", barrier.wait)
            racer.upload(file, f"{base}/key", if_absent=True)
        except ConflictError:
            return None
        return number

    with ThreadPoolExecutor(2) as pool:
        won = [number for number in pool.map(race, range(2)) if number is not None]

    assert len(won) == 1
    assert store.read(f"{base}/key").data[:1] == bytes(won)


def test_a_refused_upload_leaves_no_parts(
    store: S3Store, settings: AwsSettings, bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "up").write_bytes(bytes(16 * MIB + 1))
    store.write(f"s3://{bucket}/key", b"in the way")

    with pytest.raises(ConflictError):
        store.upload(tmp_path / "up", f"s3://{bucket}/key", if_absent=True)

    listed = client_for("s3", settings).list_multipart_uploads(Bucket=bucket)
    assert listed.get("Uploads", []) == []
    assert store.read(f"s3://{bucket}/key").data == b"in the way"


def test_a_file_that_changes_during_its_upload_is_refused(
    store: S3Store, base: str, tmp_path: Path, interrupted: Interrupted
) -> None:
    file = tmp_path / "up"
    file.write_bytes(bytes(16 * MIB + 1))
    uploading = interrupted(
        "CreateMultipartUpload", lambda: file.write_bytes(b"1" * (16 * MIB + 2))
    )

    with pytest.raises(StorageError, match="being written meanwhile") as caught:
        uploading.upload(file, f"{base}/key")

    assert caught.value.retryable
    assert list(store.list(base)) == []


def test_a_large_object_is_replaced_only_if_it_is_the_one_that_was_read(
    store: S3Store, base: str, tmp_path: Path, expect_failure: ExpectFailure
) -> None:
    expect_failure("moto", "it completes an upload whatever If-Match says")
    (tmp_path / "up").write_bytes(bytes(16 * MIB + 1))
    first = store.upload(tmp_path / "up", f"{base}/key")
    second = store.write(f"{base}/key", b"second", if_match=first)

    with pytest.raises(ConflictError):
        store.upload(tmp_path / "up", f"{base}/key", if_match=first)

    assert store.read(f"{base}/key").etag == second


@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_a_listing_of_several_pages_is_in_order(store: S3Store, bucket: str) -> None:
    names = [f"{number:04}" for number in range(1_005)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.write(f"s3://{bucket}/{name}", b""), names))

    uris = [info.uri for info in store.list(f"s3://{bucket}")]

    assert uris == [f"s3://{bucket}/{name}" for name in names]
    assert store.delete_many(uris) == {}
    assert list(store.list(f"s3://{bucket}/")) == []


def test_a_missing_bucket_is_not_found(store: S3Store) -> None:
    uri = "s3://no-such-bucket-anywhere/key"

    with pytest.raises(NotFoundError):
        store.read(uri)
    with pytest.raises(NotFoundError):
        store.write(uri, b"1")
    with pytest.raises(NotFoundError):
        list(store.list(uri))
    with pytest.raises(NotFoundError):
        store.write(uri, bytes(16 * MIB + 1))


def test_a_yaml_layer_is_read_from_s3(
    store: S3Store, base: str, settings: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(f"{base}/trend.yaml", b"pairs: [BTC/USDT]\n")
    monkeypatch.setenv("AWS_REGION", str(settings.region))
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(settings.endpoint_url))

    layer = YamlLayer(f"{base}/trend.yaml").load()

    assert layer.values == {"pairs": ["BTC/USDT"]}
    assert str(layer.origins["pairs"]) == f"{base}/trend.yaml:1"


def test_a_given_client_is_used_unchanged(store: S3Store, base: str, settings: AwsSettings) -> None:
    client = boto3.Session().client(
        "s3", region_name=settings.region, endpoint_url=settings.endpoint_url
    )
    store.write(f"{base}/a b+c", b"1")

    assert list(S3Store(client=client).list(base)) == list(store.list(base))


def test_other_users_of_a_client_get_boto3s_own_listing(
    store: S3Store, settings: AwsSettings, bucket: str
) -> None:
    etag = store.write(f"s3://{bucket}/key", b"1")

    (listed,) = client_for("s3", settings).list_objects_v2(Bucket=bucket)["Contents"]

    assert (listed["Key"], listed["ETag"]) == ("key", etag)
