"""Settings of the AWS slice, from the variables that AWS's own tools read."""

import re
from typing import Final, final

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError

__all__ = ["AwsSettings"]

_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?")
_EXPECTED: Final = (
    "http:// or https:// with a host and without user or password, "
    "for example http://127.0.0.1:4566"
)


@final
class AwsSettings(BaseSettings):
    """Which AWS to talk to; unset means what AWS's own tools would choose.

    Credentials are no settings: AWS's chain finds them (task role, profile, its variables).

    Attributes:
        region: Region of its services, such as ``eu-west-1``.
        profile: A section of AWS's own configuration files.
        endpoint_url: A stand-in for all of AWS's endpoints.
    """

    model_config = SettingsConfigDict(env_prefix="AWS_")

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None

    @field_validator("endpoint_url")
    @classmethod
    def _is_web_address(cls, url: str | None) -> str | None:
        if url is not None and not _WEB_ADDRESS.fullmatch(url):
            raise ValidationError(
                f"an address is not usable: expected {_EXPECTED}", expected=_EXPECTED
            )
        return url
