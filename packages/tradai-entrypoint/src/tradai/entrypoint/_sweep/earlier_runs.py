"""Earlier runs that stand for runs of a sweep, because they have the same digests."""

from pathlib import Path
from typing import final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._history.summaries import list_runs
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade import PlannedRun


@final
class EarlierRuns:
    """Successful runs of a folder, found by the digests of their inputs."""

    def __init__(self, root: Path) -> None:
        """Look through the manifests below `root` once."""
        self._root = root
        self._by_config: dict[str, list[Path]] = {}
        for run in list_runs(root):
            if run.exit_code == ExitCode.DONE and run.config_id:
                self._by_config.setdefault(run.config_id, []).append(run.folder)

    def find(self, planned: PlannedRun, *, also: str) -> RunManifest | None:
        """Return the newest run with the same configuration, inputs and engine; None without.

        Args:
            planned: The run to make.
            also: Id of a run that may have been made since the look.
        """
        known = self._by_config.get(planned.config_id, ())
        for folder in (*known, self._root / also):
            try:
                manifest = RunManifest.read(folder)
            except TradAIError:
                continue
            digests = manifest.digests
            wanted = planned.config_digest, planned.run_digest, ExitCode.DONE
            if (digests.get("config"), digests.get("run"), manifest.exit_code) == wanted:
                return manifest
        return None
