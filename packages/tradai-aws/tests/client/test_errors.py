"""Errors of AWS become ours, with advice."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import botocore.exceptions
import pytest
from botocore.stub import Stubber

from tradai.aws import AwsError, AwsSettings, client_for

# Every client uses it; no public name leads to it alone.
from tradai.aws._client.errors import translated
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    TradAIError,
    ValidationError,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(_client()) as stubber:
        yield stubber


def _client() -> "S3Client":
    return client_for("s3", AwsSettings(region="eu-central-1"))


def _refused(stub: Stubber, reason: str, status: int = 400) -> TradAIError:
    facts = {"RequestId": "REQ-1"}
    stub.add_client_error("head_object", reason, "said AWS", status, response_meta=facts)
    with (
        pytest.raises(TradAIError) as caught,
        translated("s3", "head_object", "s3://lake/a"),
    ):
        _client().head_object(Bucket="lake", Key="a")
    return caught.value


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("SlowDown", "slow down"),
        ("ThrottlingException", "slow down"),
        ("ExpiredToken", "sign in again"),
        ("ExpiredTokenException", "sign in again"),
        ("InvalidAccessKeyId", "check the profile"),
        ("SignatureDoesNotMatch", "check the profile"),
        ("AccessDenied", "grant it the permission"),
        ("AccessDeniedException", "grant it the permission"),
        ("RequestTimeTooSkewed", "NTP"),
        ("PermanentRedirect", "set AWS_REGION"),
        ("400", "credentials have expired"),
        ("SomethingNew", "documentation"),
    ],
)
def test_a_refusal_gives_advice_and_keeps_code_and_request_id(
    reason: str, advice: str, stub: Stubber
) -> None:
    error = _refused(stub, reason)

    assert isinstance(error, AwsError)
    assert advice in str(error)
    assert "s3://lake/a" in str(error)
    assert (error.service, error.operation) == ("s3", "head_object")
    assert (error.reason, error.request_id) == (reason, "REQ-1")


@pytest.mark.parametrize(
    ("reason", "status", "retryable"),
    [
        ("SlowDown", 503, True),
        ("TooManyRequestsException", 400, True),
        ("InternalError", 500, True),
        ("RequestTimeout", 400, True),
        ("AccessDenied", 403, False),
        ("ExpiredToken", 400, False),
        ("InvalidRequest", 400, False),
    ],
)
def test_only_transient_errors_are_retryable(
    reason: str, status: int, retryable: object, stub: Stubber
) -> None:
    assert _refused(stub, reason, status).retryable is retryable


@pytest.mark.parametrize("reason", ["NoSuchKey", "NoSuchBucket", "404", "NoSuchVersion"])
def test_codes_of_missing_resources_become_not_found(reason: str, stub: Stubber) -> None:
    error = _refused(stub, reason, 404)

    assert isinstance(error, NotFoundError)
    assert error.key == "s3://lake/a"
    assert "REQ-1" in str(error)


def test_a_failed_condition_is_a_conflict(stub: Stubber) -> None:
    error = _refused(stub, "PreconditionFailed", 412)

    assert isinstance(error, ConflictError)
    assert error.service == "s3"


def _translated(error: Exception) -> TradAIError:
    with pytest.raises(TradAIError) as caught, translated("s3", "get_object", "s3://lake/a"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (botocore.exceptions.NoCredentialsError(), "aws sso login"),
        (
            botocore.exceptions.PartialCredentialsError(provider="env", cred_var="x"),
            "aws sso login",
        ),
        (
            botocore.exceptions.UnauthorizedSSOTokenError(),
            "aws sso login",
        ),
        (botocore.exceptions.NoRegionError(), "set AWS_REGION"),
        (botocore.exceptions.ProfileNotFound(profile="x"), "AWS_PROFILE"),
    ],
)
def test_missing_configuration_is_reported_by_its_variable(error: Exception, advice: str) -> None:
    ours = _translated(error)

    assert isinstance(ours, ConfigurationError)
    assert advice in str(ours)
    assert ours.key in {"AWS_REGION", "AWS_PROFILE"}


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (botocore.exceptions.EndpointConnectionError(endpoint_url="http://x"), True),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="http://x"), True),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="http://x"), True),
        (botocore.exceptions.ResponseStreamingError(error="cut"), True),
        (botocore.exceptions.SSLError(endpoint_url="http://x", error=OSError()), False),
        (botocore.exceptions.InvalidHostLabelError(label="x"), False),
    ],
)
def test_a_missing_response_is_not_reported_as_a_refusal(
    error: Exception, retryable: object
) -> None:
    ours = _translated(error)

    assert isinstance(ours, AwsError)
    assert ours.reason == type(error).__name__
    assert ours.request_id == ""
    assert ours.retryable is retryable


def test_parameters_that_boto3_refuses_are_not_quoted() -> None:
    with (
        pytest.raises(ValidationError) as caught,
        translated("s3", "head_object"),
    ):
        # Wrong on purpose.
        _client().head_object(Bucket="lake", Key=["fake-value"])  # type: ignore[arg-type]

    assert "fake-value" not in str(caught.value)


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(KeyError), translated("s3", "get_object"):
        raise KeyError
