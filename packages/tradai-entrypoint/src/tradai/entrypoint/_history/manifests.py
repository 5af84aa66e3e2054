"""Manifests of listed runs, from a folder or from the documents read from a store."""

from collections.abc import Iterator, Mapping
from typing import Any

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._history.run_listing import RunListing, RunSummary
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.listing import run_documents
from tradai.entrypoint._store.names import KILLED, RUNNING
from tradai.entrypoint._store.run_store import RunStore

Documents = Mapping[str, bytes | TradAIError]


def read_store(uri: str, *, timeout_s: float) -> tuple[str, Documents]:
    """Return the whole URI of a store, and the manifest or claim of each run in it.

    Args:
        uri: URI of the store.
        timeout_s: Seconds that one call of the store may take.

    Raises:
        ConfigurationError, ValidationError: The URI is not usable.
        ExternalServiceError: The store refused the listing.
    """
    store = RunStore.at(uri)
    return store.uri, dict(run_documents(store, timeout_s=timeout_s))


def listed_manifests(listing: RunListing, documents: Documents) -> Iterator[dict[str, Any]]:
    """Yield each run of `listing` as JSON: its manifest, or the reason why it cannot be read."""
    for run in listing.runs:
        try:
            yield _facts(run, _manifest(run, documents))
        except TradAIError as exc:
            place = run.uri or str(run.folder)
            yield {"run_id": run.run_id, "place": place, "unreadable": str(exc)}
    for each in listing.unreadable:
        yield {"run_id": each.run_id, "place": each.place, "unreadable": each.reason}


def _facts(run: RunSummary, manifest: RunManifest) -> dict[str, Any]:
    facts = manifest.model_dump(mode="json")
    if run.biased_by:
        facts["biased_by"] = run.biased_by
    # Of a run whose process was killed, the manifest says forever that it goes on. One that has
    # ended since it was listed says so itself.
    if run.state == KILLED and manifest.state == RUNNING:
        facts["state"] = KILLED
    return facts


def _manifest(run: RunSummary, documents: Documents) -> RunManifest:
    if run.uri is None:
        return RunManifest.read(run.folder)
    document = documents[run.folder.name]
    if isinstance(document, TradAIError):
        raise document
    return RunManifest.parse(document, place=run.uri)
