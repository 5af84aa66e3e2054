"""Folder and store of runs, for commands that need no other setting: they start twice as fast."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tradai.core.exceptions import ConfigurationError

DEFAULT_RUNS_FOLDER: Final = Path(".tradai/runs")
# Folders of sweeps, and of runs that a notebook tracks.
OTHER_TRACKED_FOLDERS: Final = (Path(".tradai/sweeps"), Path(".tradai/tracking"))
STORE_TIMEOUT_S: Final = 20.0
LONGEST_STORE_TIMEOUT_S: Final = 3_600.0
_TIMEOUT: Final = "TRADAI_RUN_STORE_TIMEOUT_S"


def runs_folder(flag: str | None, environ: Mapping[str, str]) -> Path:
    """Return the folder of runs: `flag`, or else ``TRADAI_RUN_FOLDER``, or else the default."""
    return Path(flag or environ.get("TRADAI_RUN_FOLDER") or DEFAULT_RUNS_FOLDER)


def runs_store(flag: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the URI of the run store: `flag`, or else ``TRADAI_RUN_STORE``, or else None."""
    return flag or environ.get("TRADAI_RUN_STORE") or None


def store_timeout_s(environ: Mapping[str, str]) -> float:
    """Return the seconds that a call of the run store may take: ``TRADAI_RUN_STORE_TIMEOUT_S``.

    Raises:
        ConfigurationError: It is not a number of seconds up to an hour.
    """
    text = environ.get(_TIMEOUT) or str(STORE_TIMEOUT_S)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST_STORE_TIMEOUT_S:
        message = f"{_TIMEOUT} is not usable: expected a number of seconds above 0, up to 3600"
        raise ConfigurationError(message, key=_TIMEOUT)
    return seconds
