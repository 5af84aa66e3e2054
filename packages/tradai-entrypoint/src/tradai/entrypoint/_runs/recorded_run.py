"""A recorded run, which ends with a verdict, a report and a manifest whatever happens in it."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, final

from tradai.core import Clock, FileJournal, redact, run_context
from tradai.core.exceptions import ConfigurationError, StorageError, TradAIError, ValidationError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._runs.folder import RunFolder, new_run_id
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.report_file import write_report
from tradai.entrypoint._runs.stored_run import StorePolicy
from tradai.entrypoint._runs.tracked_facts import RunPart
from tradai.entrypoint._runs.tracking import RecordTracking
from tradai.entrypoint._store.claim import RunOwnedError
from tradai.entrypoint._store.sender import RunSender

_log: Final = logging.getLogger(__name__)


@final
class RecordedRun:
    """Folder, journal and record of one run."""

    def __init__(
        self,
        folder: RunFolder,
        record: RunManifest,
        *,
        clock: Clock,
        policy: StorePolicy | None = None,
        tracking: RecordTracking | None = None,
    ) -> None:
        """Open the journal and leave a manifest that says ``running``.

        Raises:
            TradAIError: As `StorePolicy.begin`; the folder is removed.
        """
        self.folder = folder
        self.record = record
        self.journal = FileJournal(folder.journal)
        self.report_parts: RunReportParts | None = None
        self.parts: tuple[RunPart, ...] = ()
        self._tracking = tracking
        self._clock = clock
        record.begin()
        # Its lock is held to the end: who finds the manifest finds it taken.
        self.journal.append("run started", mode=record.mode.value if record.mode else None)
        try:
            self._sender = self._claim(policy) if policy else None
            folder.write_manifest(record)
        except BaseException:
            self.journal.close()
            raise

    @classmethod
    def open(
        cls,
        root: Path,
        record: RunManifest,
        *,
        clock: Clock,
        policy: StorePolicy | None = None,
        tracking: RecordTracking | None = None,
    ) -> "RecordedRun":
        """Create a new run folder below `root`, and claim the run in its store if it has one.

        Without a store, a run that was refused before its work began gives its id away.

        Raises:
            ConfigurationError: A run of that id exists.
            RunOwnedError: Another process has it.
            ValidationError: The id cannot name a folder.
            StorageError: The folder cannot be created.
            TradAIError: As `StorePolicy.begin`; no folder is left.
        """
        try:
            folder = RunFolder.create(root, record.run_id, replaces_refusal=policy is None)
        except ConfigurationError:
            if policy:
                policy.refuse_owned(record.run_id)
            raise
        return cls(folder, record, clock=clock, policy=policy, tracking=tracking)

    def _claim(self, policy: StorePolicy) -> RunSender:
        try:
            return policy.begin(self.folder, self.record)
        except TradAIError:
            self.folder.remove()
            raise

    def execute(self, work: Callable[[], Verdict]) -> Verdict:
        """Do `work` and record its verdict; only exceptions that end the process are raised."""
        with run_context(run_id=self.record.run_id, trace_id=self.record.trace_id):
            try:
                return self._executed(work)
            finally:
                # The manifest is written once more when it has been sent.
                self.journal.close()

    def _executed(self, work: Callable[[], Verdict]) -> Verdict:
        if self._sender:
            self._sender.start()
        verdict = self._with_usable_facts(_verdict_of(work))
        verdict = self._close(replace(verdict, sentence=redact(verdict.sentence)))
        self._report_end(verdict)
        return self._send_end(verdict, self._sender) if self._sender else verdict

    def track(self) -> None:
        """Report the run to its tracker from now on; its configuration is in the record."""
        if self._tracking:
            self._tracking.begin(self.folder)

    def _report_end(self, verdict: Verdict) -> None:
        """Report the end to the tracker; a manifest that has a new notice is written again."""
        if self._tracking is None:
            return
        if self.record.state == "running":
            self.record.end(verdict, at=self._clock.now())
        before = len(self.record.notices)
        self._tracking.end(self.folder, self.report_parts, self.parts)
        if len(self.record.notices) > before:
            with suppress(StorageError):
                self.folder.write_manifest(self.record)

    def _with_usable_facts(self, verdict: Verdict) -> Verdict:
        """Return the verdict of a run whose facts can be stored; those that cannot become text."""
        try:
            self.record.as_json()
        except TypeError as exc:
            self.record.repair()
            self.record.notices.append(str(exc))
            if verdict.is_success:
                return Verdict(exit_code=ExitCode.CRASHED, sentence=f"the handler failed: {exc}")
        return verdict

    def _close(self, verdict: Verdict) -> Verdict:
        try:
            return self._write_end(verdict)
        except StorageError as exc:
            _log.exception("the end of the run could not be recorded")
            return Verdict(exit_code=ExitCode.RESULT, sentence=str(exc))

    def _write_end(self, verdict: Verdict) -> Verdict:
        """Write report, journal and manifest; the manifest last, into the space reserved for it."""
        ended_at = self._clock.now()
        self._drop_scratch()
        verdict = self._write_report(verdict, ended_at)
        self.folder.release_reserve()
        self.journal.append(
            "run ended", exit_code=int(verdict.exit_code), sentence=verdict.sentence
        )
        self.record.end(verdict, at=ended_at)
        self.folder.write_manifest(self.record)
        return verdict

    def _send_end(self, verdict: Verdict, sender: RunSender) -> Verdict:
        """Send the rest of the run to its store; the verdict says so when that failed."""
        if self.record.state == "running":
            self.record.end(verdict, at=self._clock.now())
        manifest = self.record.as_json().encode()
        problem = sender.finish(manifest)
        if problem is None:
            return verdict
        notice = redact(f"{problem}; `tradai-entrypoint runs push {self.record.run_id}` sends it")
        _log.warning("the run store has not the whole run", extra={"reason": notice})
        self.record.notices.append(notice)
        verdict = replace(verdict, sentence=f"{verdict.sentence}; {notice}")
        self.record.verdict = verdict.sentence
        with suppress(StorageError):
            self.folder.write_manifest(self.record)
        return verdict

    def _drop_scratch(self) -> None:
        self.folder.drop_scratch()
        if self.folder.needs_scratch:
            notice = f"{self.folder.scratch} was left in place: it holds what is nowhere else"
            self.record.notices.append(notice)

    def _write_report(self, verdict: Verdict, ended_at: datetime) -> Verdict:
        parts = self.report_parts
        try:
            write_report(self.folder, self.record, verdict, ended_at=ended_at, parts=parts)
        except TradAIError as exc:
            # A disk that refuses is no crash of ours, so a traceback would explain nothing.
            self.record.notices.append(f"there is no report: {exc}")
            if verdict.is_success:
                return Verdict(exit_code=ExitCode.RESULT, sentence=f"there is no report: {exc}")
            return replace(verdict, sentence=f"{verdict.sentence}; there is no report")
        return verdict


def _verdict_of(work: Callable[[], Verdict]) -> Verdict:
    """Return what `work` returns, or the verdict for the error it raises."""
    try:
        return work()
    except TradAIError as exc:
        return Verdict(exit_code=ExitCode.of_error(exc), sentence=str(exc))
    # The process boundary: a handler may be third-party code, and its crash is a verdict too.
    except Exception as exc:  # noqa: BLE001
        _log.exception("the run crashed")
        return Verdict(
            exit_code=ExitCode.CRASHED,
            sentence=f"the run crashed with {type(exc).__name__}: {exc}; the log has the traceback",
        )


def record_refusal(
    root: Path,
    record: RunManifest,
    error: TradAIError,
    *,
    clock: Clock,
    policy: StorePolicy | None = None,
    tracking: RecordTracking | None = None,
) -> Verdict:
    """Record a run that was refused before it began, and return its verdict.

    The run gets a new id when that of `record` is taken or cannot name a folder. Where no folder
    can be created, it is recorded in its store alone, or not at all without one.
    """
    try:
        return _record_refusal(root, record, error, clock=clock, policy=policy, tracking=tracking)
    except StorageError as exc:
        verdict = Verdict(exit_code=ExitCode.RESULT, sentence=str(exc))
        if policy is None:
            return verdict
        with TemporaryDirectory(prefix="tradai-run-") as folder:
            return _record_refusal(Path(folder), record, exc, clock=clock, policy=policy)


def _record_refusal(
    root: Path,
    record: RunManifest,
    error: TradAIError,
    *,
    clock: Clock,
    policy: StorePolicy | None,
    tracking: RecordTracking | None = None,
) -> Verdict:
    def refuse() -> Verdict:
        raise error

    # A refused run trades nothing, so it may be recorded without a claim.
    policy = replace(policy, needs_claim=False) if policy else None
    try:
        run = _open_with_usable_id(root, record, clock=clock, policy=policy, tracking=tracking)
    except RunOwnedError as exc:
        return Verdict(exit_code=ExitCode.of(exc.exit_code), sentence=str(exc))
    return run.execute(refuse)


def _open_with_usable_id(
    root: Path,
    record: RunManifest,
    *,
    clock: Clock,
    policy: StorePolicy | None,
    tracking: RecordTracking | None,
) -> RecordedRun:
    try:
        return RecordedRun.open(root, record, clock=clock, policy=policy, tracking=tracking)
    except (ConfigurationError, ValidationError):
        record.run_id = new_run_id(record.mode, now=clock.now())
        return RecordedRun.open(root, record, clock=clock, policy=policy, tracking=tracking)
