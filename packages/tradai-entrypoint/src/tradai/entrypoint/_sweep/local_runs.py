"""Runs of a sweep in a folder on this machine, which its digests find again."""

from functools import cached_property
from pathlib import Path
from typing import final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._history.summaries import list_runs
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs._bias.bias_checks import add_bias_notices, counted_checks
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._sweep.run_place import PlannedJob


@final
class LocalRuns:
    """A `RunPlace` in a folder of runs, those of earlier commands too."""

    def __init__(self, root: Path) -> None:
        """Look through the manifests below `root` once."""
        self._root = root
        self._by_config: dict[str, list[Path]] = {}
        for run in list_runs(root):
            if run.exit_code == ExitCode.DONE and run.config_id:
                self._by_config.setdefault(run.config_id, []).append(run.folder)

    def find(self, planned: PlannedJob) -> RunManifest | None:
        """Return the newest run with the same configuration, inputs and engine; None without."""
        known = self._by_config.get(planned.config_id, ())
        # Another sweep may have made it since the look.
        for folder in (*known, self._root / planned.job_id):
            try:
                manifest = RunManifest.read(folder)
            except TradAIError:
                continue
            is_same = planned.digests.items() <= manifest.digests.items()
            if is_same and manifest.exit_code == ExitCode.DONE:
                return self._noted(manifest)
        return None

    def has_run(self, run_id: str) -> bool:
        """Tell whether there is a folder of this run."""
        return (self._root / run_id).exists()

    def manifest(self, job_id: str) -> RunManifest:
        """Return the manifest of the run of a job; see `RunManifest.read`."""
        return self._noted(RunManifest.read(self._root / job_id))

    def _noted(self, manifest: RunManifest) -> RunManifest:
        add_bias_notices(self._root, manifest, checks=self._checks)
        return manifest

    @cached_property
    def _checks(self) -> tuple[RunManifest, ...]:
        # Read once: a folder may have many, and a sweep has many runs.
        return counted_checks(self._root)
