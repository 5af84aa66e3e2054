"""Translate errors of boto3 and AWS into ours, by one table."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from tradai.core import ErrorTable
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
    ValidationError,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# Rules take the error, the service, the operation and its subject, which messages name. The
# subject is never a secret value.
Rule: TypeAlias = Callable[[Any, str, str, str], TradAIError]


@final
class AwsError(ExternalServiceError):
    """AWS refused a request, or could not be reached.

    Attributes:
        reason: Error code of AWS, such as ``AccessDenied``; when AWS did not answer, the kind of
            failure, such as ``ReadTimeoutError``.
        request_id: Id of the request, for AWS's support; empty when AWS did not answer.
    """

    code = "aws"

    def __init__(
        self,
        message: str,
        /,
        *,
        service: str,
        operation: str,
        reason: str,
        request_id: str = "",
        retryable: bool = False,
    ) -> None:
        """Keep the `reason` and the `request_id`."""
        super().__init__(message, service=service, operation=operation, retryable=retryable)
        self.reason = reason
        self.request_id = request_id


_THROTTLES: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
# Worth another try although the HTTP status does not blame the server.
_TRANSIENT: Final = _THROTTLES | {
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestTimeout",
    "RequestTimeoutException",
}
_NOT_FOUND: Final = frozenset(
    {
        "404",
        "ImageNotFoundException",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchUpload",
        "NoSuchVersion",
        "NotFound",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
    }
)
_CONFLICTS: Final = frozenset({"412", "ConditionalCheckFailedException", "PreconditionFailed"})
_FIRST_SERVER_FAULT: Final = 500

FIND_CREDENTIALS: Final = "give the task a role, sign in with `aws sso login`, or set AWS_PROFILE"
_EXPIRED: Final = "the credentials have expired; sign in again or refresh the role, then repeat"
_UNKNOWN_KEY: Final = (
    "AWS does not know these credentials; check the profile or the AWS_* variables"
)
_FORBIDDEN: Final = "this identity may not do that; grant it the permission, or use another profile"
_NO_DECRYPTION: Final = (
    "its KMS key is disabled, deleted or not for this identity; grant kms:Decrypt on that key"
)
_CLOCK: Final = "the clock of this machine is wrong by minutes; set it, for example by NTP"
_OTHER_REGION: Final = "the bucket is in another region; set AWS_REGION to that one"
# The response to a HEAD request has no body, in which AWS would give the reason.
_NO_DETAILS: Final = (
    "AWS gives no reason; most often the credentials have expired, or the region is wrong"
)
_ADVICE: Final[Mapping[str, str]] = {
    **dict.fromkeys(_THROTTLES, "AWS asks to slow down; wait, or ask for a higher quota"),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        _EXPIRED,
    ),
    **dict.fromkeys(
        (
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        _UNKNOWN_KEY,
    ),
    **dict.fromkeys(("403", "AccessDenied", "AccessDeniedException", "Forbidden"), _FORBIDDEN),
    **dict.fromkeys(
        ("301", "AuthorizationHeaderMalformed", "BadRegion", "PermanentRedirect"), _OTHER_REGION
    ),
    "DecryptionFailure": _NO_DECRYPTION,
    "InvalidRequestException": "it is being deleted or changed; restore it, or wait",
    "400": _NO_DETAILS,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestInTheFuture": _CLOCK,
}


def error_code(error: Exception) -> str:
    """Return AWS's code of a `ClientError`; empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def client_error(error: "ClientError", service: str, operation: str, subject: str) -> TradAIError:
    """Return our error for boto3's `ClientError`."""
    metadata = error.response.get("ResponseMetadata", {})
    return error_from_code(
        error_code(error),
        (service, operation, subject),
        request_id=metadata.get("RequestId", ""),
        status=metadata.get("HTTPStatusCode", 0),
    )


def error_from_code(
    code: str, call: tuple[str, str, str], *, request_id: str = "", status: int = 0
) -> TradAIError:
    """Return our error for the error code `code` of AWS.

    Args:
        code: Error code, such as ``AccessDenied``.
        call: The service, the operation and its subject.
        request_id: Id of the request.
        status: HTTP status of the response.
    """
    service, operation, subject = call
    request = _request_text(service, operation, subject)
    details = f"{code}, request {request_id or 'without an id'}"
    if code in _NOT_FOUND:
        message = f"{request}: it does not exist ({details}); check the name and the region"
        return NotFoundError(message, kind=service, key=subject)
    if code in _CONFLICTS:
        message = f"{request}: another writer was first ({details}); read again, then decide"
        return ConflictError(message, service=service, operation=operation)
    is_transient = code in _TRANSIENT or status >= _FIRST_SERVER_FAULT
    default = "try again later" if is_transient else "see AWS's documentation"
    return AwsError(
        f"{request} was refused ({details}): {_ADVICE.get(code, default)}",
        service=service,
        operation=operation,
        reason=code,
        request_id=request_id,
        retryable=is_transient,
    )


def no_response(advice: str, *, retryable: bool) -> Rule:
    """Return the rule for errors on the way to AWS or back."""

    def rule(error: Exception, service: str, operation: str, subject: str) -> AwsError:
        reason = type(error).__name__
        return AwsError(
            f"{_request_text(service, operation, subject)} got no answer ({reason}): {advice}",
            service=service,
            operation=operation,
            reason=reason,
            retryable=retryable,
        )

    return rule


def _not_configured(advice: str, *, key: str) -> Rule:
    def rule(error: Exception, service: str, operation: str, subject: str) -> ConfigurationError:
        reason = type(error).__name__
        message = f"{_request_text(service, operation, subject)} was not sent ({reason}): {advice}"
        return ConfigurationError(message, key=key)

    return rule


def _bad_parameter(_: Exception, service: str, operation: str, subject: str) -> ValidationError:
    # botocore's own message quotes the parameters.
    expected = "parameters of the types and lengths that AWS documents"
    request = _request_text(service, operation, subject)
    return ValidationError(f"{request} was not sent: expected {expected}", expected=expected)


def _request_text(service: str, operation: str, subject: str) -> str:
    return f"{service} {operation} {subject}".rstrip()


_NETWORK: Final = no_response(
    "check the network, AWS_REGION and AWS_ENDPOINT_URL, then try again", retryable=True
)
_CREDENTIALS: Final = _not_configured(FIND_CREDENTIALS, key="AWS_PROFILE")
_FILES: Final = _not_configured(
    "check AWS_PROFILE, ~/.aws/config and ~/.aws/credentials", key="AWS_PROFILE"
)

# By name, so that the table imports nothing of boto3.
AWS_RULES: Final[Mapping[type[Exception] | str, Rule]] = {
    "botocore.exceptions.ClientError": client_error,
    "botocore.exceptions.NoRegionError": _not_configured("set AWS_REGION", key="AWS_REGION"),
    "botocore.exceptions.InvalidRegionError": _not_configured(
        "AWS_REGION is not a region; write it like eu-central-1", key="AWS_REGION"
    ),
    "botocore.exceptions.NoCredentialsError": _CREDENTIALS,
    "botocore.exceptions.PartialCredentialsError": _CREDENTIALS,
    "botocore.exceptions.CredentialRetrievalError": _CREDENTIALS,
    "botocore.exceptions.NoAuthTokenError": _CREDENTIALS,
    "botocore.exceptions.TokenRetrievalError": _CREDENTIALS,
    "botocore.exceptions.SSOError": _CREDENTIALS,
    "botocore.exceptions.LoginError": _CREDENTIALS,
    "botocore.exceptions.ProfileNotFound": _FILES,
    "botocore.exceptions.ConfigParseError": _FILES,
    "botocore.exceptions.ConfigNotFound": _FILES,
    "botocore.exceptions.ParamValidationError": _bad_parameter,
    "botocore.exceptions.EndpointProviderError": _bad_parameter,
    "botocore.exceptions.SSLError": no_response("check AWS_CA_BUNDLE", retryable=False),
    "botocore.exceptions.ConnectionError": _NETWORK,
    "botocore.exceptions.HTTPClientError": _NETWORK,
    "botocore.exceptions.IncompleteReadError": _NETWORK,
    "botocore.exceptions.FlexibleChecksumError": no_response(
        "the bytes do not match their checksum; try again", retryable=True
    ),
    "botocore.parsers.ResponseParserError": _NETWORK,
    "botocore.exceptions.BotoCoreError": no_response("see its documentation", retryable=False),
}
_TABLE: Final = ErrorTable(AWS_RULES)


def translated(service: str, operation: str, subject: str = "") -> AbstractContextManager[None]:
    """Raise errors of boto3 inside as ours; `subject` names the bucket and key, or the like.

    Raises:
        NotFoundError: The bucket, object or other resource does not exist.
        ConflictError: A condition of the request does not hold.
        ConfigurationError: Region, profile or credentials are missing or unusable.
        ValidationError: boto3 refused the parameters.
        AwsError: Anything else that AWS refused, or the way to it failed.
    """
    return _TABLE.translated(service, operation, subject)
