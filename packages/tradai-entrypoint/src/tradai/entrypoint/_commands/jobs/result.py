"""Result of a run that was a job, read from its manifest."""

from dataclasses import dataclass
from typing import Self, final

from tradai.core import JobInfo, JobStatus, JsonValue
from tradai.core.exceptions import ExternalServiceError, TradAIError
from tradai.entrypoint._commands.console import print_failure, print_result
from tradai.entrypoint._history.attempts import Attempts
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.run_store import RunStore


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """The manifest of the run of a job.

    Attributes:
        place: Folder or URI of the run.
        manifest: The manifest; None where it cannot be read.
        problem: Reason for that.
        report: Folder or URI of the report, where there is one.
    """

    place: str
    manifest: RunManifest | None = None
    problem: str = ""
    report: str | None = None

    @classmethod
    def in_folder(cls, settings: EntrypointSettings, job_id: str) -> Self:
        """Return the result in the folder of runs on this machine."""
        folder = settings.folder / job_id
        report = folder / REPORT_NAME
        try:
            manifest = RunManifest.read(folder)
        except TradAIError as exc:
            return cls(place=str(folder), problem=str(exc))
        shown = str(report) if report.exists() else None
        return cls(place=str(folder), manifest=manifest, report=shown)

    @classmethod
    def in_store(cls, store: RunStore, job_id: str, *, timeout_s: float) -> Self:
        """Return the last attempt's result in the run store; a call may take `timeout_s`."""
        try:
            run, files = Attempts.of(store, job_id, timeout_s=timeout_s).last()
            manifest = run.manifest()
        except TradAIError as exc:
            return cls(place=store.uri_of(job_id), problem=_problem(exc, store, job_id))
        report = store.uri_of(run.run_id, REPORT_NAME) if REPORT_NAME in files else None
        return cls(place=run.uri, manifest=manifest, report=report)

    def exit_code(self, info: JobInfo) -> int:
        """Return the run's own exit code; an end that is not known is never a success.

        The run's record counts more than that of the runner, unless only the latter is a failure.
        """
        recorded = self.manifest.exit_code if self.manifest else None
        known = [code for code in (recorded, info.exit_code) if code is not None]
        code = next(filter(None, known), 0)
        is_contradiction = code == 0 and info.status is JobStatus.FAILED
        return code if known and not is_contradiction else int(ExitCode.CRASHED)

    def print(self) -> None:
        """Print figures, notices, places and the verdict."""
        record = self.manifest
        if record is None:
            print_failure(f"there is no result of the run: {self.problem}")
        elif record.exit_code is None:
            print_failure(f"the run at {self.place} has no verdict: it did not end in good order")
        else:
            verdict = Verdict(
                exit_code=ExitCode.of(record.exit_code), sentence=record.verdict or "no verdict"
            )
            print_result(record, verdict, place=self.place, report=self.report)

    def to_json(self) -> JsonValue:
        """Return place, verdict and figures as JSON; None where there is no manifest."""
        if self.manifest is None:
            return None
        manifest = self.manifest.model_dump(
            mode="json", include={"run_id", "exit_code", "verdict", "results", "digests"}
        )
        return {"place": self.place, "report": self.report, **manifest}


def _problem(error: TradAIError, store: RunStore, job_id: str) -> str:
    """Return why there is no result, and the command that reads it once the store answers."""
    is_away = isinstance(error, ExternalServiceError)
    later = (
        f"; later: `tradai-entrypoint runs show {job_id} --store {store.uri}`" if is_away else ""
    )
    return f"{error}{later}"
