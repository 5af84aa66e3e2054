"""S3Store when the connection, the server or the clock fails; a proxy plants the faults."""

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.compat import get_current_datetime
from servers.aws import new_bucket, settings_at
from servers.fault_proxy import Fault, FaultProxy

from tradai.aws import AwsError, S3Store, client_for
from tradai.core.exceptions import ConfigurationError, ConflictError, TradAIError

MIB = 1024**2
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>later</Message></Error>"
CONFLICT = b"<Error><Code>ConditionalRequestConflict</Code><Message>wait</Message></Error>"
NO_UPLOAD = b"<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>"
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>old</Message></Error>"
SKEWED = b"<Error><Code>RequestTimeTooSkewed</Code><Message>clock</Message></Error>"
DATA = os.urandom(17 * MIB)


@pytest.fixture
def store(proxy: FaultProxy) -> S3Store:
    return S3Store(settings_at(proxy.url, max_attempts=3))


@pytest.fixture
def bucket(proxy: FaultProxy) -> str:
    return new_bucket(settings_at(proxy.url))


@pytest.fixture
def uri(bucket: str) -> str:
    return f"s3://{bucket}/key"


@pytest.mark.parametrize("keep", [0, 1, 1_000, 3 * MIB])
def test_a_truncated_body_is_read_to_its_end(
    keep: int, store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    data = DATA[: 4 * MIB]
    store.write(uri, data)
    proxy.plan(Fault(match="GET", action="cut", keep=keep, times=3))

    assert store.read(uri).data == data
    assert proxy.count("GET") > 1


def test_each_truncated_part_of_a_download_is_resumed(
    store: S3Store, proxy: FaultProxy, uri: str, tmp_path: Path
) -> None:
    store.write(uri, DATA)
    proxy.plan(Fault(match="GET", action="cut", keep=2 * MIB, times=5))

    file = store.download(uri, tmp_path / "down")

    assert file.read_bytes() == DATA


def test_a_download_that_is_cut_again_and_again_fails(
    store: S3Store, proxy: FaultProxy, uri: str, tmp_path: Path
) -> None:
    store.write(uri, DATA[: 2 * MIB])
    (tmp_path / "file").write_bytes(b"old")
    proxy.plan(Fault(match="GET", action="cut", keep=0, times=99))

    with pytest.raises(AwsError) as caught:
        store.download(uri, tmp_path / "file")

    assert caught.value.retryable
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len([*tmp_path.iterdir()]) == 1


KILLED_DOWNLOAD = """
import os, signal, sys
from pathlib import Path
from tradai.aws import S3Store

name, calls, uri, file = sys.argv[1:]
real, seen = getattr(os, name), []

def fatal(*args, **options):
    seen.append(name)
    if len(seen) == int(calls):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)

store = S3Store()
setattr(os, name, fatal)
store.download(uri, Path(file))
"""


@pytest.mark.parametrize(
    ("name", "calls", "is_new"),
    [
        pytest.param("pwrite", 1, False, id="before the first byte"),
        pytest.param("pwrite", 9, False, id="in the middle"),
        pytest.param("fsync", 1, False, id="before the bytes are safe"),
        pytest.param("replace", 1, False, id="before the file is renamed"),
        pytest.param("fsync", 2, True, id="before the new name is safe"),
    ],
)
def test_a_download_that_is_killed_leaves_the_old_file_or_the_new_one(
    name: str, calls: int, is_new: object, localstack: str, tmp_path: Path
) -> None:
    settings = settings_at(localstack)
    uri = f"s3://{new_bucket(settings)}/key"
    S3Store(settings).write(uri, DATA)
    file = tmp_path / "file"
    file.write_bytes(b"old")
    environ = os.environ | {
        "AWS_REGION": str(settings.region),
        "AWS_ENDPOINT_URL": localstack,
    }

    command = [sys.executable, "-Pc", KILLED_DOWNLOAD, name, str(calls), uri, str(file)]
    done = subprocess.run(command, env=environ, timeout=600, check=False)

    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == (DATA if is_new else b"old")
    scratch = [path.name for path in tmp_path.iterdir() if path != file]
    assert all(re.fullmatch(r"\.tradai-[0-9a-f]{16}\.tmp", name) for name in scratch)
    assert len(scratch) == (0 if is_new else 1)


def test_an_object_overwritten_before_a_resumption_is_a_conflict(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    store.write(uri, DATA[: 4 * MIB])
    chunks = store.stream(uri, stop=None)
    proxy.plan(Fault(match="GET", action="cut", keep=2 * MIB))
    next(chunks)

    store.write(uri, DATA[4 * MIB : 8 * MIB])

    with pytest.raises(ConflictError):
        list(chunks)


def test_a_download_with_a_wrong_checksum_leaves_no_file(
    store: S3Store, proxy: FaultProxy, uri: str, tmp_path: Path
) -> None:
    store.write(uri, DATA)
    proxy.plan(Fault(match="GET", action="garble"))

    with pytest.raises(AwsError) as caught:
        store.download(uri, tmp_path / "down")

    assert caught.value.reason == "ChecksumMismatch"
    assert [*tmp_path.iterdir()] == []


def test_a_corrupted_small_object_is_never_returned(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    store.write(uri, b"12345")
    proxy.plan(Fault(match="GET", action="garble"))

    with pytest.raises(AwsError, match="checksum") as caught:
        store.read(uri)

    assert caught.value.retryable


def test_a_part_corrupted_during_upload_is_refused_and_nothing_is_left(
    store: S3Store, proxy: FaultProxy, uri: str, bucket: str
) -> None:
    proxy.plan(Fault(match="PUT .*partNumber=2", action="garble_request", times=9))

    with pytest.raises(AwsError) as caught:
        store.write(uri, DATA)

    assert caught.value.reason == "BadDigest"
    assert list(store.list(f"s3://{bucket}")) == []
    assert proxy.count("DELETE .*uploadId") == 1
    client = client_for("s3", settings_at(proxy.url))
    assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_a_throttled_request_is_tried_again(store: S3Store, proxy: FaultProxy, uri: str) -> None:
    proxy.plan(Fault(match="PUT", action="answer", status=503, body=SLOW_DOWN))

    store.write(uri, b"1")

    assert store.read(uri).data == b"1"


def test_permanent_throttling_is_an_error_that_says_so(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    proxy.plan(Fault(match="GET", action="answer", status=503, body=SLOW_DOWN, times=9))

    with pytest.raises(AwsError, match="slow down") as caught:
        store.read(uri)

    assert (caught.value.reason, caught.value.retryable) == ("SlowDown", True)
    assert proxy.count("GET") == 3


def test_a_dropped_connection_and_a_missing_answer_are_tried_again(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    store.write(uri, b"1")
    proxy.plan(Fault(match="GET", action="drop"), Fault(match="GET", action="hold"))
    # Many attempts, because a slow machine is also late with answers that no fault delays.
    impatient = S3Store(settings_at(proxy.url, read_timeout_s=1, max_attempts=10))

    assert impatient.read(uri).data == b"1"
    assert proxy.count("GET") >= 3


def test_an_unreachable_server_is_an_error_with_advice(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    proxy.plan(Fault(match="GET", action="drop", times=9))

    with pytest.raises(AwsError, match="check the network") as caught:
        store.read(uri)

    assert caught.value.retryable


def test_a_conflict_that_the_server_resolves_is_tried_again(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    proxy.plan(Fault(match="PUT", action="answer", status=409, body=CONFLICT, times=2))

    store.write(uri, b"1", if_absent=True)

    assert store.read(uri).data == b"1"
    assert proxy.count("PUT") == 3


def test_a_conflict_that_the_server_never_resolves_is_an_error(
    store: S3Store, proxy: FaultProxy, uri: str, bucket: str
) -> None:
    proxy.plan(Fault(match="PUT", action="answer", status=409, body=CONFLICT, times=99))

    with pytest.raises(AwsError) as caught:
        store.write(uri, b"1", if_absent=True)

    assert caught.value.retryable
    assert list(store.list(f"s3://{bucket}")) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(409, CONFLICT, id="it conflicts"),
        # It was aborted, or its lost answer was a success that another writer has overwritten.
        pytest.param(404, NO_UPLOAD, id="it is gone"),
    ],
)
def test_a_large_upload_that_cannot_be_completed_starts_over(
    status: int, body: bytes, store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    proxy.plan(Fault(match="POST .*uploadId", action="answer", status=status, body=body))

    store.write(uri, DATA, if_absent=True)

    assert store.read(uri).data == DATA
    assert proxy.count("POST .*uploads") == 2


@pytest.mark.parametrize("size", [1, 17 * MIB])
def test_a_creation_whose_answer_was_lost_succeeds(
    size: int, store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    proxy.plan(Fault(match="(PUT .*key$|POST .*uploadId)", action="lose"))

    etag = store.write(uri, DATA[:size], if_absent=True)

    assert store.read(uri).etag == etag
    assert store.read(uri).data == DATA[:size]


@pytest.mark.parametrize("keep", [0, 60])
def test_a_creation_whose_answer_was_truncated_succeeds(
    keep: int, store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    proxy.plan(Fault(match="POST .*uploadId", action="cut", keep=keep))

    etag = store.write(uri, DATA, if_absent=True)

    assert store.read(uri).etag == etag
    assert store.read(uri).data == DATA


def test_a_creation_that_lost_its_answer_to_another_writer_is_a_conflict(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    store.write(uri, b"other")
    proxy.plan(Fault(match="PUT", action="lose"))

    with pytest.raises(ConflictError):
        store.write(uri, b"mine", if_absent=True)

    assert store.read(uri).data == b"other"


@pytest.mark.parametrize(
    ("body", "advice"), [(EXPIRED, "sign in again"), (SKEWED, "set it, for example by NTP")]
)
def test_an_error_that_only_the_operator_can_fix_is_not_tried_again(
    body: bytes, advice: str, store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    proxy.plan(Fault(match="GET", action="answer", status=403, body=body, times=9))

    with pytest.raises(AwsError, match=advice) as caught:
        store.read(uri)

    assert not caught.value.retryable
    assert proxy.count("GET") == 1


def test_a_bucket_in_another_region_is_an_error(
    store: S3Store, proxy: FaultProxy, uri: str
) -> None:
    redirect = Fault(
        match="",
        action="answer",
        status=301,
        headers={"x-amz-bucket-region": "us-west-2"},
        body=b"<Error><Code>PermanentRedirect</Code><Region>us-west-2</Region></Error>",
        times=9,
    )
    proxy.plan(redirect)

    with pytest.raises((AwsError, ConfigurationError), match="AWS_REGION"):
        store.read(uri)


def test_a_truncated_listing_is_an_error(
    store: S3Store, proxy: FaultProxy, uri: str, bucket: str
) -> None:
    for number in range(5):
        store.write(f"{uri}-{number}", b"")
    proxy.plan(Fault(match="GET", action="cut", keep=400, times=99))

    with pytest.raises(TradAIError):
        list(store.list(f"s3://{bucket}"))


def test_a_wrong_key_and_a_wrong_clock_give_different_errors(
    seaweedfs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_at(seaweedfs, max_attempts=1)
    uri = f"s3://{new_bucket(settings)}/key"
    S3Store(settings).write(uri, b"1")
    # Through this name botocore reads the clock for a signature.
    clock = "botocore.auth.get_current_datetime"
    early = get_current_datetime() - timedelta(minutes=20)

    with monkeypatch.context() as patch:
        patch.setattr(clock, lambda **_: early)
        with pytest.raises(AwsError, match="clock of this machine"):
            S3Store(settings).read(uri)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-other-key")
    with pytest.raises(AwsError, match="check the profile") as caught:
        S3Store(settings_at(seaweedfs, max_attempts=2)).read(uri)
    assert caught.value.reason == "SignatureDoesNotMatch"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fake-unknown")
    with pytest.raises(AwsError, match="does not know these credentials"):
        S3Store(settings_at(seaweedfs, max_attempts=3)).read(uri)
