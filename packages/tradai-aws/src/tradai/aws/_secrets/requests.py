"""Read one secret from AWS per request."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, final

from tradai.aws._client.arn import Arn
from tradai.aws._client.errors import AwsError
from tradai.aws._secrets.boto_client import SERVICE, SecretsClient, translated
from tradai.aws._secrets.failure import unexpected_error
from tradai.aws._secrets.held_secret import SecretVersion
from tradai.aws._secrets.identity import SecretIdentity
from tradai.core import Secret
from tradai.core.exceptions import ConfigurationError, TradAIError

Outcome: TypeAlias = SecretVersion | TradAIError

_GET: Final = "get_secret_value"


@final
class SecretRequests:
    """Requests to AWS; `client` is called for each one: a forked process has another client."""

    def __init__(
        self,
        client: Callable[[], SecretsClient],
        *,
        clock: Callable[[], float],
        account: str | None,
    ) -> None:
        """Take the time of requests from `clock`; refuse ARNs outside `account`, if given."""
        self.client = client
        self.clock = clock
        self._account = account

    def read(self, identity: SecretIdentity) -> SecretVersion:
        """Read one secret; the request always names the version stage.

        Raises:
            NotFoundError: The secret does not exist, or has no such version.
            ConfigurationError: It is binary or empty, it is in another region or account, or
                region or credentials are missing or wrong.
            AwsError: AWS refused or did not answer.
        """
        client = self.client()
        self.require_reachable(client, identity)
        # Before the request: the value is at least as new as this.
        read_s = self.clock()
        with translated(_GET, identity.reference):
            response = client.get_secret_value(
                SecretId=identity.secret_id, VersionStage=identity.stage
            )
        return version_of(response, identity, read_s)

    def read_or_error(self, identity: SecretIdentity) -> Outcome:
        """Read one secret, and return the error if there is one."""
        try:
            return self.read(identity)
        except TradAIError as exc:
            return exc.with_traceback(None)
        # The caller's own client may raise anything.
        except Exception as exc:  # noqa: BLE001
            return unexpected_error(exc)

    def require_reachable(self, client: SecretsClient, identity: SecretIdentity) -> None:
        """Check that `client` can reach `identity`, if that is an ARN.

        Raises:
            ConfigurationError: It is in another partition, region or account.
        """
        if not identity.secret_id.startswith("arn:"):
            return
        arn = Arn.parse(identity.secret_id)
        if self._account not in {None, arn.account}:
            message = (
                f"{arn} is in account {arn.account}, and TRADAI_AWS_ACCOUNT allows only "
                f"{self._account}; name a secret of that account, or change TRADAI_AWS_ACCOUNT"
            )
            raise ConfigurationError(message, key="TRADAI_AWS_ACCOUNT")
        # A fake of boto3's client has no region.
        meta = getattr(client, "meta", None)
        if meta is not None:
            arn.require_reachable(partition=meta.partition, region=meta.region_name)


def version_of(
    response: Mapping[str, Any], identity: SecretIdentity, read_s: float
) -> SecretVersion:
    """Return the version in a response of AWS.

    Raises:
        ConfigurationError: The secret is binary or empty.
        AwsError: The response has no version: it was truncated.
    """
    if "SecretBinary" in response:
        raise _unusable(identity, "is binary; store it as text, JSON for several values")
    value, version_id = response.get("SecretString"), response.get("VersionId")
    if value is None or version_id is None:
        # A traceback may show local variables.
        del value, response
        raise _truncated(identity)
    if not value.strip():
        raise _unusable(identity, "is empty; give it a value")
    return SecretVersion(
        value=Secret(value),
        version_id=str(version_id),
        stage=identity.stage,
        read_s=read_s,
    )


def _unusable(identity: SecretIdentity, problem: str) -> ConfigurationError:
    reference = identity.reference
    return ConfigurationError(f"the secret {reference} {problem}", source=reference)


def _truncated(identity: SecretIdentity) -> AwsError:
    return AwsError(
        f"{SERVICE} {_GET} {identity.reference} got a truncated response: try again",
        service=SERVICE,
        operation=_GET,
        reason="IncompleteAnswer",
        retryable=True,
    )
