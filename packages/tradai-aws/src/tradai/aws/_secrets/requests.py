"""Secrets read from AWS, one by one."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, final

from tradai.aws._client.arn import Arn
from tradai.aws._client.errors import AwsError
from tradai.aws._secrets.boto_client import SERVICE, SecretsClient, translated
from tradai.aws._secrets.failure import unforeseen
from tradai.aws._secrets.held_secret import Reading
from tradai.aws._secrets.identity import SecretIdentity
from tradai.core import Secret
from tradai.core.exceptions import ConfigurationError, TradAIError

__all__ = ["Outcome", "SecretRequests", "reading_of"]

Outcome: TypeAlias = Reading | TradAIError

_GET: Final = "get_secret_value"


@final
class SecretRequests:
    """Asks AWS; `client` is called for each request, since a forked process has another one."""

    def __init__(
        self,
        client: Callable[[], SecretsClient],
        *,
        clock: Callable[[], float],
        account: str | None,
    ) -> None:
        """Date readings by `clock`; refuse ARNs of another `account`, if one is given."""
        self.client = client
        self.clock = clock
        self._account = account

    def read(self, identity: SecretIdentity) -> Reading:
        """Ask for one secret; the version stage is always named.

        Raises:
            NotFoundError: There is no such secret, or no such version of it.
            ConfigurationError: It is binary or empty, it is somewhere else, or region,
                credentials or account are not as they should be.
            AwsError: AWS refused or did not answer.
        """
        client = self.client()
        self.require_reachable(client, identity)
        # Before the call: the value is at least as new as this.
        read_s = self.clock()
        with translated(_GET, identity.reference):
            answer = client.get_secret_value(
                SecretId=identity.secret_id, VersionStage=identity.stage
            )
        return reading_of(answer, identity, read_s)

    def outcome(self, identity: SecretIdentity) -> Outcome:
        """Ask for one secret, and return the error if there is one."""
        try:
            return self.read(identity)
        except TradAIError as exc:
            return exc.with_traceback(None)
        # A client may be anybody's.
        except Exception as exc:  # noqa: BLE001
            return unforeseen(exc)

    def require_reachable(self, client: SecretsClient, identity: SecretIdentity) -> None:
        """Check that `client` may be asked for an ARN.

        Raises:
            ConfigurationError: It is in another partition, region or account.
        """
        if not identity.secret_id.startswith("arn:"):
            return
        arn = Arn.parse(identity.secret_id)
        if self._account not in {None, arn.account}:
            message = (
                f"{arn} is in account {arn.account}, and only {self._account} is wanted; name a "
                "secret of that account, or change TRADAI_AWS_ACCOUNT"
            )
            raise ConfigurationError(message, key="TRADAI_AWS_ACCOUNT")
        # A fake of boto3's client knows no place.
        place = getattr(client, "meta", None)
        if place is not None:
            arn.require_reachable(partition=place.partition, region=place.region_name)


def reading_of(answer: Mapping[str, Any], identity: SecretIdentity, read_s: float) -> Reading:
    """Return what AWS answered.

    Raises:
        ConfigurationError: The secret is binary or empty.
        AwsError: There is nothing in the answer: it was cut off on the way.
    """
    if "SecretBinary" in answer:
        raise _refusal(identity, "is binary; store it as text, JSON for several values")
    value, version_id = answer.get("SecretString"), answer.get("VersionId")
    if value is None or version_id is None:
        # A traceback may show what this frame holds.
        del value, answer
        raise _cut_off(identity)
    if not value.strip():
        raise _refusal(identity, "is empty; give it a value")
    return Reading(
        value=Secret(value),
        version_id=str(version_id),
        stage=identity.stage,
        read_s=read_s,
    )


def _refusal(identity: SecretIdentity, problem: str) -> ConfigurationError:
    reference = identity.reference
    return ConfigurationError(f"the secret {reference} {problem}", source=reference)


def _cut_off(identity: SecretIdentity) -> AwsError:
    return AwsError(
        f"{SERVICE} {_GET} {identity.reference} got half an answer: try again",
        service=SERVICE,
        operation=_GET,
        reason="IncompleteAnswer",
        retryable=True,
    )
