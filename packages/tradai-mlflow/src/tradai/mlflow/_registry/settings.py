"""Settings of the registry of models."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, Lease, Timeframe, digest, lease_for, user_cache_folder

_NOT_PLAIN: Final = re.compile("[^A-Za-z0-9]+")
_READABLE: Final = 40


@final
class ModelSettings(BaseSettings):
    """Models from a registry; each field is the variable ``TRADAI_MODEL_<FIELD>``.

    Attributes:
        cache: Folder of the models that were resolved on this machine; unset means
            ``tradai/models`` in the user's cache folder.
        cache_bytes: Size that the cache is cut back to after files were fetched; versions that
            were not used for longest go first, and none that was used within a day.
        max_stale: Longest age, such as ``12h``, of an answer that may be used while the server
            cannot be reached; unset means that none may.
        deadline_s: Seconds for finding the version that an alias points at.
        files_deadline_s: Seconds for all files of a version together.
        leases: URI below which each model has the lease that its promotions hold, such as
            ``redis://host:6379/0``; unset means that two promotions at once are noticed and not
            prevented.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_MODEL_")

    cache: Path | None = None
    cache_bytes: int = Field(default=20 * 1024**3, ge=0)
    max_stale: Timeframe | None = None
    deadline_s: float = Field(default=5.0, gt=0, le=300, allow_inf_nan=False)
    files_deadline_s: float = Field(default=60.0, gt=0, le=3_600, allow_inf_nan=False)
    leases: str | None = None

    def lease_of(self, name: str) -> Lease | None:
        """Return the lease of the promotions of the model `name`; None when none is configured.

        Raises:
            ConfigurationError: No installed distribution serves the URI.
            ValidationError: The URI is not usable.
        """
        if self.leases is None:
            return None
        # Places of leases differ in the characters that they take.
        readable = _NOT_PLAIN.sub("-", name)[:_READABLE]
        return lease_for(f"{self.leases.rstrip('/')}/model-{readable}-{digest(name)[:8]}")

    def cache_folder(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the folder of the cache.

        Raises:
            ConfigurationError: None is set, and this user has no home folder.
        """
        if self.cache is not None:
            return self.cache
        return user_cache_folder(variable="TRADAI_MODEL_CACHE", environ=environ) / "models"
