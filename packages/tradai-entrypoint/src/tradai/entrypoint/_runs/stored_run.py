"""Claim a run in its store, by policy, and have it sent there while it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.runs_folder import STORE_TIMEOUT_S, store_timeout_s
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.claim import (
    RunNotClaimedError,
    RunOwnedError,
    refuse_owned,
    started_facts,
    started_text,
)
from tradai.entrypoint._store.deadline import call_within
from tradai.entrypoint._store.names import STARTED_NAME
from tradai.entrypoint._store.owner import process_facts
from tradai.entrypoint._store.run_store import RunStore
from tradai.entrypoint._store.sender import RunSender
from tradai.entrypoint._store.upload import RunUpload


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StorePolicy:
    """Store of a run, and whether the run needs a claim there to start.

    A run whose id was given from outside is the attempt of a job: it may have been launched twice,
    so it starts only with a claim. An id that was drawn here is nowhere else.

    Attributes:
        store: Store that receives the run.
        needs_claim: Whether a run that cannot be claimed is refused.
        timeout_s: Seconds that one call of the store may take.
        interrupts: Signals that end the wait for the store.
        facts: Facts for the claim, about the job and this process.
    """

    store: RunStore
    needs_claim: bool
    timeout_s: float
    interrupts: Interrupts
    facts: Mapping[str, JsonValue] = field(default_factory=dict)

    @classmethod
    def of(
        cls, settings: EntrypointSettings, *, interrupts: Interrupts, environ: Mapping[str, str]
    ) -> Self | None:
        """Return the policy by `settings`; None when they name no store.

        Raises:
            ConfigurationError, ValidationError: The URI is not usable.
        """
        if settings.store is None:
            return None
        return cls(
            store=RunStore.at(settings.store),
            needs_claim=settings.id is not None,
            timeout_s=settings.store_timeout_s,
            interrupts=interrupts,
            facts={
                "job_id": settings.job_id,
                "attempt": settings.attempt,
                **process_facts(environ),
            },
        )

    @classmethod
    def for_refusal(
        cls, uri: str | None, *, interrupts: Interrupts, environ: Mapping[str, str]
    ) -> Self | None:
        """Return the policy of a run that is refused before its settings are known."""
        if uri is None:
            return None
        try:
            store = RunStore.at(uri)
        except TradAIError:
            return None
        facts = process_facts(environ)
        return cls(
            store=store,
            needs_claim=False,
            timeout_s=_timeout_s(environ),
            interrupts=interrupts,
            facts=facts,
        )

    def begin(self, folder: RunFolder, record: RunManifest) -> RunSender:
        """Claim the run in `folder`, and return what sends it.

        Raises:
            RunOwnedError: Another process owns the run.
            RunNotClaimedError: The claim is needed, and could not be made.
            RunInterruptedError: A signal arrived before there was an answer.
            StorageError: The folder cannot be written.
        """
        started = started_facts(record.model_dump(mode="json")) | dict(self.facts)
        folder.write(STARTED_NAME, started_text(started).decode())
        upload = RunUpload(self.store, folder.path, started, timeout_s=self.timeout_s)
        with self.interrupts.raising():
            self._claim(upload, record)
        return RunSender(upload, interrupts=self.interrupts)

    def refuse_owned(self, run_id: str) -> None:
        """Refuse a run that has a folder here and is in the store: this is its second start.

        Raises:
            RunOwnedError: Another process owns the run, or it ended.
        """
        try:
            call_within(self.timeout_s, lambda: refuse_owned(self.store, run_id))
        except RunOwnedError:
            raise
        except TradAIError:
            return

    def check(self, run_id: str | None) -> str:
        """Return a sentence that says that the store answers; nothing is written.

        Raises:
            ConfigurationError: A run of that id is in the store.
            ExternalServiceError: The store does not answer.
        """
        name = run_id or "no-such-run"
        if call_within(self.timeout_s, lambda: self.store.sizes(name)):
            raise ConfigurationError(
                f"there is a run {name!r} in {self.store.uri} already: choose another run id",
                key="TRADAI_RUN_ID",
            )
        return f"a run can be sent to {self.store.uri}"

    def _claim(self, upload: RunUpload, record: RunManifest) -> None:
        try:
            upload.claim()
        except (RunOwnedError, RunInterruptedError):
            raise
        except TradAIError as exc:
            if self.needs_claim:
                raise _not_claimed(record.run_id, upload.uri, exc) from exc
            notice = f"the run was started without its claim in {upload.uri}: {exc}"
            record.notices.append(notice)


def _timeout_s(environ: Mapping[str, str]) -> float:
    """Return the timeout of the store; the default when it is the setting that is refused."""
    try:
        return store_timeout_s(environ)
    except ConfigurationError:
        return STORE_TIMEOUT_S


def _not_claimed(run_id: str, uri: str, error: TradAIError) -> RunNotClaimedError:
    return RunNotClaimedError(
        f"run {run_id!r} was not started, because it could not be claimed in {uri}, and its id "
        f"came from outside (TRADAI_RUN_ID, --run-id): {error}; nothing was run: check that the "
        "machine or container of the run reaches the store (TRADAI_RUN_STORE, its credentials, "
        "TRADAI_RUN_STORE_TIMEOUT_S), then try again, a job under another id"
    )
