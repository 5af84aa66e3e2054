"""MLflow settings, from the environment variables that MLflow's own tools read."""

import re
from pathlib import Path
from typing import Final, Self, final

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError

_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")
_EXPECTED: Final = (
    "http:// or https:// with a host and without user or password "
    "(they have variables of their own), for example http://127.0.0.1:5000"
)
_PROXY: Final = re.compile(r"https?://[^\s/?#]+/?")
_EXPECTED_PROXY: Final = "http:// or https:// with a host, for example http://proxy.example:3128"
_EXPECTED_HEADER: Final = "printable ASCII characters on one line"
_EXPECTED_LOGIN: Final = "a user name and a password, both or neither"


@final
class MLflowSettings(BaseSettings):
    """Address and login of the MLflow server that tracks runs; unset means no tracking.

    Nothing else decides how the server is reached: neither ``.netrc`` nor the proxy variables of
    the system are read.

    Attributes:
        uri: Address of the server, with its path when it is served under a prefix.
        username: User name, for a server that asks for a login.
        password: Password of that user; never shown.
        token: Token that is sent instead, when no user name is set; never shown.
        server_cert_path: PEM file of the certificate authorities to trust; unset means those of
            requests.
        client_cert_path: PEM file of the client's own certificate and key.
        proxy: Address of the proxy to the server, with its login if it has one; never shown.
        deadline_s: Seconds for each operation, retries and pauses included.
        artifact_deadline_s: Seconds for each file that is sent or fetched.
    """

    model_config = SettingsConfigDict(env_prefix="MLFLOW_TRACKING_")

    uri: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    server_cert_path: Path | None = None
    client_cert_path: Path | None = None
    proxy: SecretStr | None = Field(default=None, validation_alias="TRADAI_MLFLOW_PROXY")
    deadline_s: float = Field(
        default=10.0, gt=0, le=3600, validation_alias="TRADAI_MLFLOW_DEADLINE_S"
    )
    artifact_deadline_s: float = Field(
        default=300.0, gt=0, le=86_400, validation_alias="TRADAI_MLFLOW_ARTIFACT_DEADLINE_S"
    )

    @field_validator("uri")
    @classmethod
    def _is_web_address(cls, uri: str | None) -> str | None:
        if uri is not None and not _WEB_ADDRESS.fullmatch(uri):
            raise ValidationError(
                f"an address is not usable: expected {_EXPECTED}", expected=_EXPECTED
            )
        return uri

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None and not _PROXY.fullmatch(proxy.get_secret_value()):
            raise ValidationError(
                f"a proxy is not usable: expected {_EXPECTED_PROXY}", expected=_EXPECTED_PROXY
            )
        return proxy

    @field_validator("token")
    @classmethod
    def _fits_into_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        # The HTTP client would refuse it too, with an error that holds the token.
        text = token.get_secret_value() if token else ""
        if not (text.isascii() and text.isprintable()):
            raise ValidationError(
                f"a token is not usable: expected {_EXPECTED_HEADER}", expected=_EXPECTED_HEADER
            )
        return token

    @model_validator(mode="after")
    def _has_whole_login(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValidationError(
                f"a login is not complete: expected {_EXPECTED_LOGIN}", expected=_EXPECTED_LOGIN
            )
        return self
