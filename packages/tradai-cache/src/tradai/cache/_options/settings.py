"""Settings of the cache slice."""

from pathlib import Path
from typing import final

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from tradai.cache._options.address import parse_address
from tradai.core import BaseSettings, SecretReference

__all__ = ["CacheSettings"]


@final
class CacheSettings(BaseSettings):
    """Where the cache is, and as whom.

    Attributes:
        url: ``memory:``, or unset, keeps values inside the process; ``redis://`` and
            ``rediss://`` (TLS) name a server to share them through.
        username: ACL user of the server; unset means its default user.
        password: Where the password of that user is kept. Asked again when the server
            refuses the one in use, so that it may be rotated.
        ca_file: Certificates that vouch for the server, PEM; unset means those of the system.
        key: Where the key is kept with which values are signed: whoever can write to the
            server but does not know it cannot plant any.
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
