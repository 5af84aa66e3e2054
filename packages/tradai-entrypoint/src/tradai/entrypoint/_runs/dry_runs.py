"""Dry-runs that have ended, by the manifests in the folder and in the store of runs."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tradai.core import TradingMode
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._preflight.facts import DryRun
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.listing import run_documents
from tradai.entrypoint._store.run_store import RunStore


def ended_dry_runs(
    root: Path, store: RunStore | None = None, *, timeout_s: float
) -> tuple[DryRun, ...]:
    """Return the dry-runs below `root` and in `store` that have ended, each once.

    A run whose manifest cannot be read proves nothing, and is left out.

    Args:
        root: Folder of runs.
        store: Store of runs; None for none.
        timeout_s: Seconds that one call of the store may take.

    Raises:
        ExternalServiceError: The store refused the listing.
    """
    stored = _in_store(store, timeout_s) if store is not None else ()
    found = {run.run_id: run for run in (*stored, *_in_folder(root))}
    return tuple(found[run_id] for run_id in sorted(found))


def _in_folder(root: Path) -> Iterator[DryRun]:
    # A hidden folder is a run that is being pulled.
    for folder in sorted(root.glob("[!.]*")):
        try:
            manifest = RunManifest.read(folder)
        except (NotFoundError, StorageError):
            continue
        yield from _dry_run(manifest)


def _in_store(store: RunStore, timeout_s: float) -> Iterator[DryRun]:
    for run_id, document in run_documents(store, timeout_s=timeout_s):
        if isinstance(document, bytes):
            try:
                manifest = RunManifest.parse(document, place=store.uri_of(run_id))
            except StorageError:
                continue
            yield from _dry_run(manifest)


def _dry_run(manifest: RunManifest) -> Iterator[DryRun]:
    if manifest.mode is TradingMode.DRY_RUN and manifest.ended_at is not None:
        yield DryRun(
            run_id=manifest.run_id,
            config_digest=manifest.digests.get("config"),
            duration=max(timedelta(), manifest.ended_at - manifest.started_at),
            exit_code=manifest.exit_code,
            is_fallback=manifest.is_fallback,
        )
