"""Runs of a sweep in a run store, which their ids find again."""

from typing import final

from tradai.entrypoint._history.attempts import Attempts
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.deadline import call_within
from tradai.entrypoint._store.run_store import RunStore
from tradai.entrypoint._sweep.run_place import PlannedJob


@final
class StoredRuns:
    """A `RunPlace` in a run store."""

    def __init__(self, store: RunStore, *, timeout_s: float) -> None:
        """Look in `store`, of which one call may take `timeout_s`."""
        self._store = store
        self._timeout_s = timeout_s

    def find(self, planned: PlannedJob) -> RunManifest | None:
        """Return the newest successful run of the job or of a later try; None without."""
        for run, _ in self._attempts(planned.job_id).newest_first():
            manifest = run.manifest()
            if manifest.exit_code == ExitCode.DONE:
                return manifest
        return None

    def has_run(self, run_id: str) -> bool:
        """Tell whether the store has a file of this run."""
        return bool(call_within(self._timeout_s, lambda: self._store.sizes(run_id)))

    def manifest(self, job_id: str) -> RunManifest:
        """Return the manifest of the last attempt of a job; see `StoredRun.manifest`."""
        run, _ = self._attempts(job_id).last()
        return run.manifest()

    def _attempts(self, job_id: str) -> Attempts:
        return Attempts.of(self._store, job_id, timeout_s=self._timeout_s)
