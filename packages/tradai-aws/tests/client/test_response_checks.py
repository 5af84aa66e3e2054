"""A broken response is requested again, and never taken for an empty one."""

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tradai.aws import AwsError, AwsSettings, SecretsManager, client_for
from tradai.aws.testing import FakeSecretsClient

WHOLE = json.dumps({"Name": "desk", "SecretString": "fake-value"}).encode()
SETTINGS = AwsSettings(region="eu-central-1", endpoint_url="http://127.0.0.1:9", max_attempts=3)
REFUSAL = json.dumps({"__type": "AccessDeniedException", "Message": "no"}).encode()


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        yield self._data

    def read(self, _: int | None = None) -> bytes:
        return self._data


AnswerWith: TypeAlias = Callable[..., list[str]]


@pytest.fixture
def answer_with() -> Iterator[AnswerWith]:
    """Give a client responses of status, body and length; the last one is repeated."""
    registered: list[tuple[BaseClient, Callable[..., None]]] = []

    def prepare(client: BaseClient, *answers: tuple[int, bytes, str | None]) -> list[str]:
        asked: list[str] = []

        def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            status, body, length = answers[min(len(asked), len(answers) - 1)]
            asked.append(request.url)
            headers = HTTPHeaders()
            if length is not None:
                headers["Content-Length"] = length
            return AWSResponse(request.url, status, headers, _Body(body))

        # boto3's types leave out that some handlers return a value.
        handler = cast("Callable[..., None]", answer)
        client.meta.events.register_last("before-send", handler)
        registered.append((client, handler))
        return asked

    yield prepare
    for client, handler in registered:
        client.meta.events.unregister("before-send", handler)


@pytest.mark.parametrize("keep", [0, 1, 30])
def test_a_truncated_response_is_requested_again(keep: int, answer_with: AnswerWith) -> None:
    client = client_for("secretsmanager", SETTINGS)
    length = str(len(WHOLE))
    asked = answer_with(client, (200, WHOLE[:keep], length), (200, WHOLE, length))

    assert client.get_secret_value(SecretId="desk")["SecretString"] == "fake-value"
    assert len(asked) == 2


@pytest.mark.parametrize("status", [200, 400])
def test_a_response_that_is_truncated_every_time_is_an_error(
    status: int, answer_with: AnswerWith
) -> None:
    client = client_for("secretsmanager", SETTINGS)
    asked = answer_with(client, (status, WHOLE[:30], str(len(WHOLE))))

    with pytest.raises(ResponseParserError) as caught:
        client.get_secret_value(SecretId="desk")

    assert len(asked) == 3
    assert "fake" not in str(caught.value)


@pytest.mark.parametrize(
    "page",
    [b"<html>Please sign in</html>", b'["fake"]', b'{"SecretString": "fake', b"fake}", b""],
    ids=["page", "list", "beginning", "end", "nothing"],
)
def test_a_response_that_is_not_from_aws_is_requested_again(
    page: bytes, answer_with: AnswerWith
) -> None:
    client = client_for("secretsmanager", SETTINGS)
    length = str(len(page))
    asked = answer_with(client, (200, page, length), (200, page, length), (200, WHOLE, None))

    assert client.get_secret_value(SecretId="desk")["SecretString"] == "fake-value"
    assert len(asked) == 3


def test_a_response_without_a_value_is_truncated_for_a_client_of_the_callers_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = FakeSecretsClient()
    monkeypatch.setattr(aws, "get_secret_value", lambda **_: {"Name": "desk"})

    with pytest.raises(AwsError, match="a truncated response") as caught:
        SecretsManager(client=aws).get("desk")

    assert caught.value.retryable


def test_an_operation_without_output_may_return_an_empty_body(answer_with: AnswerWith) -> None:
    client = client_for("logs", SETTINGS)
    asked = answer_with(client, (200, b"", "0"))

    client.delete_log_group(logGroupName="desk")

    assert len(asked) == 1


@pytest.mark.parametrize("length", [str(len(WHOLE)), None, "unknown"])
def test_a_complete_response_or_one_of_unknown_length_passes(
    length: str | None, answer_with: AnswerWith
) -> None:
    client = client_for("secretsmanager", SETTINGS)
    asked = answer_with(client, (200, WHOLE, length))

    assert client.get_secret_value(SecretId="desk")["SecretString"] == "fake-value"
    assert len(asked) == 1


def test_whitespace_around_a_response_is_allowed(answer_with: AnswerWith) -> None:
    client = client_for("secretsmanager", SETTINGS)
    asked = answer_with(client, (200, b" " + WHOLE + b"\n", None))

    assert client.get_secret_value(SecretId="desk")["SecretString"] == "fake-value"
    assert len(asked) == 1


def test_a_complete_refusal_is_not_requested_again(answer_with: AnswerWith) -> None:
    client = client_for("secretsmanager", SETTINGS)
    asked = answer_with(client, (400, REFUSAL, str(len(REFUSAL))))

    with pytest.raises(ClientError, match="AccessDeniedException"):
        client.get_secret_value(SecretId="desk")

    assert len(asked) == 1


def test_a_response_to_head_is_not_truncated(answer_with: AnswerWith) -> None:
    client = client_for("s3", SETTINGS)
    answer_with(client, (200, b"", "123"), (304, b"", "123"))

    assert client.head_object(Bucket="lake", Key="a")["ContentLength"] == 123
    with pytest.raises(ClientError, match="304"):
        client.get_object(Bucket="lake", Key="a", IfNoneMatch='"tag"')


def test_a_streamed_body_is_not_checked(answer_with: AnswerWith) -> None:
    client = client_for("s3", SETTINGS)
    asked = answer_with(client, (200, b"12", "5"))

    body = client.get_object(Bucket="lake", Key="a")["Body"]

    assert body.read(2) == b"12"
    assert len(asked) == 1
