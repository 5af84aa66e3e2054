"""The folder for caches of this user."""

import os
from collections.abc import Mapping
from pathlib import Path

from tradai.core.exceptions import ConfigurationError


def user_cache_folder(*, variable: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return ``tradai`` in the user's cache folder: ``XDG_CACHE_HOME``, or else ``~/.cache``.

    Args:
        variable: Variable that names another folder, for the message.
        environ: Environment of the process.

    Raises:
        ConfigurationError: This user has no home folder.
    """
    shared = environ.get("XDG_CACHE_HOME", "")
    if Path(shared).is_absolute():
        return Path(shared, "tradai")
    try:
        return Path.home() / ".cache" / "tradai"
    except RuntimeError:
        message = f"this user has no home folder for a cache: set {variable}"
        raise ConfigurationError(message, key=variable) from None
