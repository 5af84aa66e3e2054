"""With an account set, each request to S3 names the account that the bucket must belong to."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tradai.aws import AwsSettings, client_for

ACCOUNT = "111111111111"
IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
OBJECT = {"Bucket": "lake", "Key": "a"}
PART = OBJECT | {"UploadId": "1", "PartNumber": 1}
SOURCE = {"CopySource": {"Bucket": "other", "Key": "b"}}
Owners = tuple[str | None, str | None]
Watched = Callable[[], tuple[str, list[Owners]]]
OWNER, SOURCE_OWNER = "x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"


@pytest.fixture
def owners() -> Iterator[Watched]:
    """Serve STS and S3, and record both owners of each request to S3."""
    seen: list[Owners] = []

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = IDENTITY if b"GetCallerIdentity" in body else "<Result/>"
            if answer != IDENTITY:
                seen.append((self.headers.get(OWNER), self.headers.get(SOURCE_OWNER)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("DELETE", "GET", "HEAD", "POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler.serve)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield lambda: (url, seen)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("operation", "parameters", "source"),
    [
        ("get_object", OBJECT, None),
        ("head_object", OBJECT, None),
        ("put_object", OBJECT, None),
        ("delete_object", OBJECT, None),
        ("delete_objects", {"Bucket": "lake", "Delete": {"Objects": [{"Key": "a"}]}}, None),
        ("list_objects_v2", {"Bucket": "lake"}, None),
        ("create_multipart_upload", OBJECT, None),
        ("upload_part", PART, None),
        ("abort_multipart_upload", OBJECT | {"UploadId": "1"}, None),
        ("complete_multipart_upload", OBJECT | {"UploadId": "1"}, None),
        ("copy_object", OBJECT | SOURCE, ACCOUNT),
        ("upload_part_copy", PART | SOURCE, ACCOUNT),
    ],
)
def test_each_request_names_the_owner_of_the_bucket(
    operation: str,
    parameters: dict[str, Any],
    source: str | None,
    owners: Watched,
) -> None:
    url, seen = owners()
    settings = AwsSettings(region="eu-central-1", endpoint_url=url, account=ACCOUNT)

    getattr(client_for("s3", settings), operation)(**parameters)

    assert seen == [(ACCOUNT, source)]


def test_without_an_account_no_owner_is_named(
    owners: Watched,
) -> None:
    url, seen = owners()
    client = client_for("s3", AwsSettings(region="eu-central-1", endpoint_url=url))

    client.head_object(Bucket="lake", Key="a")

    assert seen == [(None, None)]


def test_a_request_without_a_bucket_and_a_presigned_url_name_no_owner(
    owners: Watched,
) -> None:
    url, seen = owners()
    client = client_for("s3", AwsSettings(region="eu-central-1", endpoint_url=url, account=ACCOUNT))

    client.list_buckets()

    assert seen == [(None, None)]
    assert "owner" not in client.generate_presigned_url("get_object", Params=OBJECT)
