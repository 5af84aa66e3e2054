"""MLflow settings, from the environment variables that MLflow's own tools read."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Final, Self, final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError

_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")
_EXPECTED: Final = (
    "http:// or https:// with a host, and without user or password (they have variables of their "
    "own), query and #, for example http://127.0.0.1:5000"
)
_PROXY: Final = re.compile(r"https?://[^\s/?#]+/?")
_EXPECTED_PROXY: Final = "http:// or https:// with a host, for example http://proxy.example:3128"
_HEADER_TEXT: Final = re.compile(r"[\x21-\x7e]+")
_EXPECTED_HEADER: Final = "ASCII characters without spaces and line ends"
_EXPECTED_LOGIN: Final = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, both or neither"


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
        experiment: Experiment of each run; unset means one with the name of the strategy.
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
    experiment: str | None = Field(default=None, validation_alias="MLFLOW_EXPERIMENT_NAME")

    @field_validator("uri")
    @classmethod
    def _is_web_address(cls, uri: str | None) -> str | None:
        if uri is not None and not (_WEB_ADDRESS.fullmatch(uri) and _has_usable_host(uri)):
            raise ValidationError(
                f"an address is not usable: expected {_EXPECTED}", expected=_EXPECTED
            )
        return uri

    @field_validator("token")
    @classmethod
    def _fits_header(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _HEADER_TEXT.fullmatch(token.get_secret_value()):
            raise ValidationError(
                f"a token is not usable: expected {_EXPECTED_HEADER}", expected=_EXPECTED_HEADER
            )
        return token

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None and not _PROXY.fullmatch(proxy.get_secret_value()):
            raise ValidationError(
                f"a proxy is not usable: expected {_EXPECTED_PROXY}", expected=_EXPECTED_PROXY
            )
        return proxy

    @model_validator(mode="after")
    def _has_whole_login(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValidationError(
                f"a login is not complete: expected {_EXPECTED_LOGIN}", expected=_EXPECTED_LOGIN
            )
        return self


def _has_usable_host(uri: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(uri)
        return bool(parts.hostname) and parts.port != 0
    return False
