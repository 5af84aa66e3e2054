"""The S3 policies of the how-to guide allow exactly the calls that S3Store makes."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers.aws import new_bucket, settings_at
from servers.fault_proxy import Fault, FaultProxy

from tradai.aws import AwsError, AwsSettings, S3Store, client_for

LARGE = bytes(17 * 1024**2)
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
RIGHTS = {
    "AbortMultipartUpload": {"s3:AbortMultipartUpload"},
    "CompleteMultipartUpload": {"s3:PutObject"},
    "CopyObject": {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"},
    "CreateMultipartUpload": {"s3:PutObject"},
    "DeleteObject": {"s3:DeleteObject"},
    "DeleteObjects": {"s3:DeleteObject"},
    "GetObject": {"s3:GetObject"},
    "HeadObject": {"s3:GetObject"},
    "ListObjectsV2": {"s3:ListBucket"},
    "PutObject": {"s3:PutObject"},
    "UploadPart": {"s3:PutObject"},
}


def _policy(root: Path, name: str) -> set[str]:
    page = (root / "docs" / "how-to" / "use-s3.md").read_text()
    policy = re.search(rf"### Policy: {name}\n\n```json\n(.*?)\n```", page, re.DOTALL)
    assert policy is not None
    statements = json.loads(policy[1])["Statement"]
    return {right for statement in statements for right in statement["Action"]}


@pytest.fixture
def settings(proxy: FaultProxy) -> AwsSettings:
    return settings_at(proxy.url, max_attempts=2)


@pytest.fixture
def store(settings: AwsSettings) -> S3Store:
    return S3Store(settings)


@pytest.fixture
def uri(settings: AwsSettings) -> str:
    return f"s3://{new_bucket(settings, is_versioned=True)}/key"


@pytest.fixture
def needed(settings: AwsSettings) -> Callable[[Callable[[], object]], set[str]]:
    """Call a function and return the rights that its requests need."""

    def watch(act: Callable[[], object]) -> set[str]:
        rights: set[str] = set()

        def note(model: Any, params: dict[str, Any], **_: object) -> None:
            rights.update(RIGHTS[model.name])
            if "versionId" in params["url_path"] + str(params["query_string"]):
                rights.add("s3:GetObjectVersion")

        events = client_for("s3", settings).meta.events
        events.register("before-call.s3", note)
        try:
            act()
        finally:
            events.unregister("before-call.s3", note)
        return rights

    return watch


Needed = Callable[[Callable[[], object]], set[str]]


def test_reading(store: S3Store, uri: str, needed: Needed, root: Path, tmp_path: Path) -> None:
    store.write(uri, LARGE)

    def read() -> None:
        version_id = store.fetch(uri).version_id
        store.fetch(uri, version_id=version_id)
        store.stat(uri)
        list(store.stream(uri))
        store.download(uri, tmp_path / "file")

    assert needed(read) == _policy(root, "read")


def test_listing(store: S3Store, uri: str, needed: Needed, root: Path) -> None:
    assert needed(lambda: list(store.list(uri))) == _policy(root, "list")


def test_writing(
    store: S3Store, uri: str, needed: Needed, root: Path, tmp_path: Path, proxy: FaultProxy
) -> None:
    (tmp_path / "file").write_bytes(LARGE)

    def write() -> None:
        store.upload(tmp_path / "file", uri)
        proxy.plan(Fault(match="PUT", action="lose"))
        store.write(f"{uri}-2", b"1", if_absent=True)
        denied = b"<Error><Code>AccessDenied</Code></Error>"
        proxy.plan(
            Fault(match="PUT .*partNumber", action="answer", status=403, body=denied, times=9)
        )
        with pytest.raises(AwsError):
            store.write(uri, LARGE)

    assert needed(write) == _policy(root, "write")


def test_copying_takes_the_rights_to_read_and_to_write(
    store: S3Store, uri: str, needed: Needed, root: Path
) -> None:
    store.write(uri, b"1")

    rights = needed(lambda: store.copy(uri, f"{uri}-2"))

    assert rights <= _policy(root, "read") | _policy(root, "write")


def test_deleting(store: S3Store, uri: str, needed: Needed, root: Path) -> None:
    def delete() -> None:
        store.delete(uri)
        store.delete_many([uri])

    assert needed(delete) == _policy(root, "delete")
