"""AWS settings, from the environment variables that AWS's own tools read."""

import re
from typing import Final, Literal, final

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError

_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_SHORT_TIMEOUT_S: Final = 2.0
_FEW_ATTEMPTS: Final = 2
_EXPECTED: Final = (
    "http:// or https:// with a host and without user or password, "
    "for example http://127.0.0.1:4566"
)


@final
class AwsSettings(BaseSettings):
    """Region, profile, endpoint, account, retries and timeouts of AWS.

    An unset value means what AWS's own tools would choose. Credentials are not settings: the
    credential chain of boto3 finds them (task role, profile, environment variables).

    Attributes:
        region: Region of the services, such as ``eu-west-1``.
        profile: Section of AWS's own configuration files.
        endpoint_url: Endpoint to use for every service; nothing is sent anywhere else then.
        account: 12 digits of the only account to work in; compared with STS before the first
            client is returned, and named in requests to S3 as the owner of the bucket.
        max_attempts: Largest number of attempts of a request, 1 to 20.
        retry_mode: One of botocore's retry modes.
        connect_timeout_s: Seconds for each attempt to connect.
        read_timeout_s: Seconds of silence before an attempt ends.
    """

    model_config = SettingsConfigDict(env_prefix="AWS_")

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    account: str | None = Field(default=None, validation_alias="TRADAI_AWS_ACCOUNT")
    max_attempts: int = Field(default=4, ge=1, le=20)
    retry_mode: Literal["standard", "adaptive", "legacy"] = "standard"
    connect_timeout_s: float = Field(
        default=5.0, gt=0, le=300, validation_alias="TRADAI_AWS_CONNECT_TIMEOUT_S"
    )
    read_timeout_s: float = Field(
        default=30.0, gt=0, le=300, validation_alias="TRADAI_AWS_READ_TIMEOUT_S"
    )

    @field_validator("endpoint_url")
    @classmethod
    def _is_web_address(cls, url: str | None) -> str | None:
        if url is not None and not _WEB_ADDRESS.fullmatch(url):
            raise ValidationError(
                f"an address is not usable: expected {_EXPECTED}", expected=_EXPECTED
            )
        return url

    @field_validator("account")
    @classmethod
    def _is_account(cls, account: str | None) -> str | None:
        if account is not None and not _ACCOUNT.fullmatch(account):
            expected = "the 12 digits of an account"
            raise ValidationError(
                f"an account is not usable: expected {expected}", expected=expected
            )
        return account


def impatient(settings: AwsSettings) -> AwsSettings:
    """Return `settings` with which a call ends after about ten seconds at most.

    A live session must learn in time that AWS does not answer.
    """
    limits = {
        "connect_timeout_s": min(settings.connect_timeout_s, _SHORT_TIMEOUT_S),
        "read_timeout_s": min(settings.read_timeout_s, _SHORT_TIMEOUT_S),
        "max_attempts": min(settings.max_attempts, _FEW_ATTEMPTS),
    }
    return settings.model_copy(update=limits)
