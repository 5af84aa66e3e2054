"""MLflow settings, from the environment variables that MLflow's own tools read."""

import re
from typing import Final, final

from pydantic import SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError

_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?")
_EXPECTED: Final = (
    "http:// or https:// with a host and without user or password "
    "(they have variables of their own), for example http://127.0.0.1:5000"
)


@final
class MlflowSettings(BaseSettings):
    """Address and login of the MLflow server that tracks runs; unset means no tracking.

    Attributes:
        uri: Address of the server.
        username: User name, for a server that asks for a login.
        password: Password of that user; never shown.
    """

    model_config = SettingsConfigDict(env_prefix="MLFLOW_TRACKING_")

    uri: str | None = None
    username: str | None = None
    password: SecretStr | None = None

    @field_validator("uri")
    @classmethod
    def _is_web_address(cls, uri: str | None) -> str | None:
        if uri is not None and not _WEB_ADDRESS.fullmatch(uri):
            raise ValidationError(
                f"an address is not usable: expected {_EXPECTED}", expected=_EXPECTED
            )
        return uri
