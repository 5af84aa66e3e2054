"""Settings of the cache slice."""

import re
from typing import Final, final

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError

__all__ = ["CacheSettings"]

# No user and no password: an address is logged and shown, a password must not be.
_ADDRESS: Final = re.compile(
    r"memory:|rediss?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?(?:/[0-9]{1,4})?",
    re.ASCII,
)
_EXPECTED: Final = (
    "memory: or redis[s]://HOST[:PORT][/DATABASE], without user or password, "
    "for example redis://127.0.0.1:6379/0"
)


@final
class CacheSettings(BaseSettings):
    """Where the cache is.

    Attributes:
        url: ``memory:`` keeps values inside the process, ``redis://`` and
            ``rediss://`` (TLS) name a server; unset means that there is no cache.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_CACHE_")

    url: str | None = None

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url is not None and not _ADDRESS.fullmatch(url):
            raise ValidationError(
                f"an address is not usable: expected {_EXPECTED}", expected=_EXPECTED
            )
        return url
