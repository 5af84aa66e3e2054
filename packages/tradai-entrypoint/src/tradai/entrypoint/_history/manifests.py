"""Manifests of listed runs, from a folder or from the documents read from a store."""

from collections.abc import Iterator, Mapping
from typing import Any

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._history.summaries import RunListing, RunSummary
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.listing import run_documents
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
            manifest = _manifest(run, documents).model_dump(mode="json")
            # Of a run whose process was killed, the manifest still says that it goes on.
            yield {**manifest, "state": run.state, "biased_by": run.biased_by}
        except TradAIError as exc:
            place = run.uri or str(run.folder)
            yield {"run_id": run.run_id, "place": place, "unreadable": str(exc)}
    for each in listing.unreadable:
        yield {"run_id": each.run_id, "place": each.place, "unreadable": each.reason}


def _manifest(run: RunSummary, documents: Documents) -> RunManifest:
    if run.uri is None:
        return RunManifest.read(run.folder)
    document = documents[run.folder.name]
    if isinstance(document, TradAIError):
        raise document
    return RunManifest.parse(document, place=run.uri)
