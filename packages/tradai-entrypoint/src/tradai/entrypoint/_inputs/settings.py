"""Settings of the inputs that are fetched from a store."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, user_cache_folder


@final
class InputSettings(BaseSettings):
    """Inputs fetched by URI; each field is the variable ``TRADAI_INPUT_<FIELD>``.

    Attributes:
        cache: Folder of the cache of fetched content; unset means ``tradai`` in the user's cache
            folder (``XDG_CACHE_HOME``, or else ``~/.cache``).
        cache_bytes: Size that the cache is cut back to after a fetch; what was not used for
            longest goes first.
        reads: Largest number of objects that are read or written at once.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_INPUT_")

    cache: Path | None = None
    cache_bytes: Annotated[int, Field(ge=0)] = 20 * 1024**3
    reads: Annotated[int, Field(ge=1, le=64)] = 8

    def cache_folder(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the folder of the cache.

        Raises:
            ConfigurationError: None is set, and this user has no home folder.
        """
        return self.cache or user_cache_folder(variable="TRADAI_INPUT_CACHE", environ=environ)
