"""Inputs of runs in S3: what is unchanged costs one listing, on each stand-in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradai.aws import AwsSettings, S3Store, client_for
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint import InputSettings
from tradai.entrypoint._inputs.fetch import Fetched, Fetcher
from tradai.entrypoint._inputs.transfer import FolderTransfer

FILES = {
    **{f"pair {number:02}.feather": b"candles of %d" % number for number in range(20)},
    "deep/ETH & (BTC) + 1.feather": b"candles",
    "empty": b"",
    "markets.json": b"{}",
}


@pytest.fixture
def requests(settings: AwsSettings) -> Iterator[list[str]]:
    """The operations that the client sends to the server, as they are sent."""
    sent: list[str] = []

    def record(event_name: str, **_: object) -> None:
        sent.append(event_name.rpartition(".")[2])

    events = client_for("s3", settings).meta.events
    events.register("before-send.s3", record)
    yield sent
    events.unregister("before-send.s3", record)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(data)
    return tmp_path / "data"


@pytest.fixture
def push(settings: AwsSettings, bucket: str, tmp_path: Path) -> Callable[[Path], int]:
    """Send a folder to the bucket from a machine of its own; return the number of files sent."""

    def send(folder: Path) -> int:
        inputs = InputSettings(cache=tmp_path / "cache of another")
        transfer = FolderTransfer(inputs, store=S3Store(settings))
        return len(transfer.push(folder, f"s3://{bucket}/data").moved)

    return send


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_second_fetch_is_one_listing_and_no_read(
    settings: AwsSettings,
    bucket: str,
    folder: Path,
    tmp_path: Path,
    push: Callable[[Path], int],
    requests: list[str],
) -> None:
    push(folder)
    inputs = InputSettings(cache=tmp_path / "cache")

    def fetch(name: str) -> Fetched:
        fetcher = Fetcher(inputs, store=S3Store(settings))
        return fetcher.fetch_folder(f"s3://{bucket}/data/", tmp_path / name)

    first = fetch("first")
    requests.clear()
    second = fetch("second")

    assert (first.read, second.read) == (len(FILES), 0)
    assert requests == ["ListObjectsV2"]
    assert tree(tmp_path / "first") == tree(tmp_path / "second") == FILES


def test_a_second_push_is_one_listing_and_one_read(
    folder: Path, push: Callable[[Path], int], requests: list[str]
) -> None:
    assert push(folder) == len(FILES)
    requests.clear()

    assert push(folder) == 0
    assert requests == ["ListObjectsV2", "GetObject"]


def test_a_changed_object_is_read_again(
    settings: AwsSettings, bucket: str, folder: Path, tmp_path: Path, push: Callable[[Path], int]
) -> None:
    push(folder)
    inputs = InputSettings(cache=tmp_path / "cache")
    uri = f"s3://{bucket}/data/"
    Fetcher(inputs, store=S3Store(settings)).fetch_folder(uri, tmp_path / "first")
    S3Store(settings).write(f"{uri}markets.json", b"[]")

    fetched = Fetcher(inputs, store=S3Store(settings)).fetch_folder(uri, tmp_path / "second")

    assert fetched.read == 1
    assert tree(tmp_path / "second") == {**FILES, "markets.json": b"[]"}


def test_an_object_written_in_parts_is_fetched_once(
    settings: AwsSettings, bucket: str, tmp_path: Path
) -> None:
    uri = f"s3://{bucket}/large/"
    content = bytes(range(256)) * 4 * 1024 * 40
    etag = S3Store(settings).write(f"{uri}one", content)
    # The number of parts: no digest of the content.
    assert "-" in etag
    inputs = InputSettings(cache=tmp_path / "cache")

    def fetch(name: str) -> Fetched:
        return Fetcher(inputs, store=S3Store(settings)).fetch_folder(uri, tmp_path / name)

    assert [fetch("first").read, fetch("second").read] == [1, 0]
    assert tree(tmp_path / "second") == {"one": content}


def test_a_bucket_that_is_not_there_is_named(settings: AwsSettings, tmp_path: Path) -> None:
    fetcher = Fetcher(InputSettings(cache=tmp_path / "cache"), store=S3Store(settings))

    with pytest.raises(NotFoundError, match="s3://no-such-bucket-of-tradai/data/"):
        fetcher.fetch_folder("s3://no-such-bucket-of-tradai/data/", tmp_path / "data")


@pytest.mark.parametrize("key", ["a/../b", "/absolute", "a//b"])
def test_a_key_that_is_no_path_is_refused(
    settings: AwsSettings, bucket: str, tmp_path: Path, key: str
) -> None:
    client_for("s3", settings).put_object(Bucket=bucket, Key=f"data/{key}", Body=b"evil")
    fetcher = Fetcher(InputSettings(cache=tmp_path / "cache"), store=S3Store(settings))

    with pytest.raises(ValidationError, match="cannot be a file in a folder"):
        fetcher.fetch_folder(f"s3://{bucket}/data/", tmp_path / "in" / "data")

    assert not (tmp_path / "in").exists()
