"""What is left of a refresh that brought nothing, and how a secret is described."""

import copy
from dataclasses import dataclass
from typing import final

from tradai.aws._client.errors import AwsError
from tradai.aws._secrets.boto_client import SERVICE
from tradai.core.exceptions import ExternalServiceError, TradAIError

__all__ = ["Failure", "SecretState", "unforeseen"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the last refresh brought nothing, and until when that answer stands."""

    error: TradAIError
    until_s: float

    @property
    def is_outage(self) -> bool:
        """Whether AWS did not answer or could not; everything else is an answer that counts."""
        return isinstance(self.error, ExternalServiceError) and self.error.retryable

    def fresh(self) -> TradAIError:
        """Return an error of its own for each caller: one that is raised again grows."""
        return copy.copy(self.error)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SecretState:
    """What is known of a secret that was asked for, without its value.

    Attributes:
        reference: Which secret.
        version_id: Version that is held; None when none is.
        age_s: Seconds since AWS was asked for it; None when nothing is held.
        failure: What the last refresh said, in a sentence; None when it went well.
    """

    reference: str
    version_id: str | None
    age_s: float | None
    failure: str | None


def unforeseen(error: BaseException) -> AwsError:
    """Return our error for what no rule of ours foresaw; nothing of it is quoted."""
    kind = type(error).__name__
    return AwsError(
        f"{SERVICE} could not be asked ({kind}): the client is at fault, or tradai-aws is",
        service=SERVICE,
        operation="get_secret_value",
        reason=kind,
    )
