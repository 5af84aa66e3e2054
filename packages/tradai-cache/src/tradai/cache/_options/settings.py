"""`CacheSettings`: address, user, password, certificates and signing key from the environment."""

from pathlib import Path
from typing import final

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from tradai.cache._options.address import parse_address
from tradai.core import BaseSettings, SecretReference


@final
class CacheSettings(BaseSettings):
    """Address of the cache, and the credentials to use there.

    Attributes:
        url: ``memory:``, or unset, keeps values inside the process; ``redis://`` and
            ``rediss://`` (TLS) name a server to share them through.
        username: ACL user of the server; unset means its default user.
        password: Reference of the password of that user. Resolved again when the server
            refuses the one in use, so that it may be rotated.
        ca_file: PEM file of the certificate authorities to trust; unset means those of the
            system.
        key: Reference of the key that signs values: a writer to the server without the key
            cannot plant values.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_CACHE_")

    url: str | None = None
    username: str | None = None
    password: SecretReference | None = None
    ca_file: Path | None = None
    key: SecretReference | None = None

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url is not None:
            parse_address(url)
        return url
