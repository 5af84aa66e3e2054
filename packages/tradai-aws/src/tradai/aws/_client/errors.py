"""How AWS's refusals become our errors: one table, used wherever boto3 is called."""

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

__all__ = [
    "AWS_RULES",
    "FIND_CREDENTIALS",
    "AwsError",
    "reason_of",
    "refusal",
    "refused",
    "translated",
    "unanswered",
]

# The service, the operation, and what it is about, which messages name: never a secret value.
Rule: TypeAlias = Callable[[Any, str, str, str], TradAIError]


@final
class AwsError(ExternalServiceError):
    """AWS refused, or could not be reached.

    Attributes:
        reason: AWS's own name of the refusal, such as ``AccessDenied``; what failed on the way,
            such as ``ReadTimeoutError``, when AWS did not answer.
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
        """Name the `reason` and the `request_id`."""
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
# Worth another try although they are no fault of the server's.
_PASSING: Final = _THROTTLES | {
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestTimeout",
    "RequestTimeoutException",
}
_MISSING: Final = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchUpload",
        "NoSuchVersion",
        "NotFound",
        "ResourceNotFoundException",
    }
)
_CONFLICTS: Final = frozenset({"412", "PreconditionFailed"})
_FIRST_SERVER_FAULT: Final = 500

FIND_CREDENTIALS: Final = "give the task a role, sign in with `aws sso login`, or set AWS_PROFILE"
_EXPIRED: Final = "the credentials have expired; sign in again or refresh the role, then repeat"
_UNKNOWN_KEY: Final = (
    "AWS does not know these credentials; check the profile or the AWS_* variables"
)
_FORBIDDEN: Final = "this identity may not do that; grant it the permission, or use another profile"
_LOCKED: Final = "its KMS key is off, gone or not for this identity; grant kms:Decrypt on that key"
_CLOCK: Final = "the clock of this machine is wrong by minutes; set it, for example by NTP"
_ELSEWHERE: Final = "the bucket is in another region; set AWS_REGION to that one"
# The answer to a HEAD has no body, where AWS says what is wrong.
_UNTOLD: Final = (
    "AWS does not say why; most often the credentials have expired, or the region is another"
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
        ("301", "AuthorizationHeaderMalformed", "BadRegion", "PermanentRedirect"), _ELSEWHERE
    ),
    "DecryptionFailure": _LOCKED,
    "InvalidRequestException": "it is being deleted or changed; restore it, or wait",
    "400": _UNTOLD,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestInTheFuture": _CLOCK,
}


def reason_of(error: Exception) -> str:
    """Return AWS's own name of a refusal; empty for an error that is none."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def refused(error: "ClientError", service: str, operation: str, subject: str) -> TradAIError:
    """Return our error for a refusal of AWS's; the rule for what boto3 calls `ClientError`."""
    facts = error.response.get("ResponseMetadata", {})
    return refusal(
        reason_of(error),
        (service, operation, subject),
        request_id=facts.get("RequestId", ""),
        status=facts.get("HTTPStatusCode", 0),
    )


def refusal(
    reason: str, call: tuple[str, str, str], *, request_id: str = "", status: int = 0
) -> TradAIError:
    """Return our error for what AWS calls `reason`.

    Args:
        reason: AWS's own name of the refusal.
        call: The service, the operation, and what it was about.
        request_id: Id of the request.
        status: HTTP status of the answer.
    """
    service, operation, subject = call
    place = _place(service, operation, subject)
    known_as = f"{reason}, request {request_id or 'without an id'}"
    if reason in _MISSING:
        message = f"{place}: there is no such thing ({known_as}); check the name and the region"
        return NotFoundError(message, kind=service, key=subject)
    if reason in _CONFLICTS:
        message = f"{place}: somebody else was first ({known_as}); read again, then decide"
        return ConflictError(message, service=service, operation=operation)
    is_passing = reason in _PASSING or status >= _FIRST_SERVER_FAULT
    advice = _ADVICE.get(reason) or ("try again later" if is_passing else "see AWS's documentation")
    return AwsError(
        f"{place} was refused ({known_as}): {advice}",
        service=service,
        operation=operation,
        reason=reason,
        request_id=request_id,
        retryable=is_passing,
    )


def unanswered(advice: str, *, retryable: bool) -> Rule:
    """Return the rule for errors on the way to AWS or back."""

    def rule(error: Exception, service: str, operation: str, subject: str) -> AwsError:
        reason = type(error).__name__
        return AwsError(
            f"{_place(service, operation, subject)} got no answer ({reason}): {advice}",
            service=service,
            operation=operation,
            reason=reason,
            retryable=retryable,
        )

    return rule


def _unconfigured(advice: str, *, key: str) -> Rule:
    def rule(error: Exception, service: str, operation: str, subject: str) -> ConfigurationError:
        reason = type(error).__name__
        message = f"{_place(service, operation, subject)} was not sent ({reason}): {advice}"
        return ConfigurationError(message, key=key)

    return rule


def _bad_parameter(_: Exception, service: str, operation: str, subject: str) -> ValidationError:
    # What botocore says here quotes the parameters.
    expected = "parameters of the kinds and lengths that AWS documents"
    place = _place(service, operation, subject)
    return ValidationError(f"{place} was not sent: expected {expected}", expected=expected)


def _place(service: str, operation: str, subject: str) -> str:
    return f"{service} {operation} {subject}".rstrip()


_NETWORK: Final = unanswered(
    "check the network, AWS_REGION and AWS_ENDPOINT_URL, then try again", retryable=True
)
_CREDENTIALS: Final = _unconfigured(FIND_CREDENTIALS, key="AWS_PROFILE")
_FILES: Final = _unconfigured(
    "check AWS_PROFILE, ~/.aws/config and ~/.aws/credentials", key="AWS_PROFILE"
)

# By name, so that nothing of boto3 is imported to write them down.
AWS_RULES: Final[Mapping[type[Exception] | str, Rule]] = {
    "botocore.exceptions.ClientError": refused,
    "botocore.exceptions.NoRegionError": _unconfigured("set AWS_REGION", key="AWS_REGION"),
    "botocore.exceptions.InvalidRegionError": _unconfigured(
        "AWS_REGION is no region; write it like eu-central-1", key="AWS_REGION"
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
    "botocore.exceptions.SSLError": unanswered("check AWS_CA_BUNDLE", retryable=False),
    "botocore.exceptions.ConnectionError": _NETWORK,
    "botocore.exceptions.HTTPClientError": _NETWORK,
    "botocore.exceptions.IncompleteReadError": _NETWORK,
    "botocore.exceptions.FlexibleChecksumError": unanswered(
        "the bytes do not fit their checksum; try again", retryable=True
    ),
    "botocore.parsers.ResponseParserError": _NETWORK,
    "botocore.exceptions.BotoCoreError": unanswered("see its documentation", retryable=False),
}
_TABLE: Final = ErrorTable(AWS_RULES)


def translated(service: str, operation: str, subject: str = "") -> AbstractContextManager[None]:
    """Raise AWS's errors as ours inside; `subject` names the bucket and key, or the like.

    Raises:
        NotFoundError: What was asked for does not exist.
        ConflictError: A condition of the request does not hold.
        ConfigurationError: Region, profile or credentials are missing or unusable.
        ValidationError: boto3 refused the parameters.
        AwsError: Anything else that AWS refused, or the way to it failed.
    """
    return _TABLE.translated(service, operation, subject)
