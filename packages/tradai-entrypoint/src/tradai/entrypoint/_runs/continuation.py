"""The earlier dry-run that a new one continues."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from tradai.core import TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.record import RunManifest


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """An earlier dry-run, whose trade database and balance a new one takes over.

    Attributes:
        folder: Folder of the earlier run.
        manifest: Its manifest.
        accepts_changes: Whether the new run may have another configuration or source.
    """

    folder: Path
    manifest: RunManifest
    accepts_changes: bool = False

    def require_mode(self, mode: TradingMode | None) -> None:
        """Raise unless the earlier run and the new one, of `mode`, are dry-runs.

        Raises:
            ConfigurationError: One of them is not.
        """
        run_id = self.manifest.run_id
        if self.manifest.mode is not TradingMode.DRY_RUN or self.manifest.is_fallback:
            kind = "the built-in fallback" if self.manifest.is_fallback else "no dry-run"
            message = f"run {run_id!r} is {kind}: --continue takes a dry-run that could trade"
            raise ConfigurationError(message, key="--continue")
        if mode not in {None, TradingMode.DRY_RUN}:
            message = f"--continue goes on with the dry-run {run_id!r}: give --mode dry-run"
            raise ConfigurationError(message, key="--continue")
