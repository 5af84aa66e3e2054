"""A failed refresh, and the state of a secret for people and metrics."""

import copy
from dataclasses import dataclass
from typing import final

from tradai.aws._client.errors import AwsError
from tradai.aws._secrets.boto_client import SERVICE
from tradai.core.exceptions import ExternalServiceError, TradAIError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Error of the last refresh, and the time from which AWS is asked again."""

    error: TradAIError
    retry_at_s: float

    @property
    def is_outage(self) -> bool:
        """Whether AWS did not or could not answer; any other error is AWS's decision."""
        return isinstance(self.error, ExternalServiceError) and self.error.retryable

    def is_recent(self, now_s: float) -> bool:
        """Tell whether AWS is not asked again yet."""
        return now_s < self.retry_at_s

    def copy_error(self) -> TradAIError:
        """Return a copy for one caller: raising an error again makes its traceback grow."""
        return copy.copy(self.error)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SecretState:
    """State of a secret that was requested, without its value.

    Attributes:
        reference: Reference to the secret.
        version_id: Version that is held; None when none is.
        age_s: Seconds since that version was requested; None when none is held.
        failure: Error of the last refresh, in a sentence; None when it succeeded.
    """

    reference: str
    version_id: str | None
    age_s: float | None
    failure: str | None


def unexpected_error(error: BaseException) -> AwsError:
    """Return our error for one that no rule translates; its message is not quoted."""
    reason = type(error).__name__
    return AwsError(
        f"{SERVICE} could not be asked ({reason}): the fault is in the client or in tradai-aws",
        service=SERVICE,
        operation="get_secret_value",
        reason=reason,
    )
