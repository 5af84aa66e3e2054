"""Runs in a store, each by its manifest, or by its claim while it has none."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._store.deadline import call_within
from tradai.entrypoint._store.names import MANIFEST_NAME, STARTED_NAME
from tradai.entrypoint._store.run_store import RunStore

_READERS: Final = 16
_LISTING_S: Final = 120.0


def run_documents(
    store: RunStore, *, timeout_s: float
) -> Iterator[tuple[str, bytes | TradAIError]]:
    """Yield the id of each run, with its manifest or claim, or with the error of reading it.

    One listing is made, and one read per run.

    Raises:
        ExternalServiceError: The store refused the listing.
    """
    names = call_within(_LISTING_S, lambda: _documents(store))

    def read(item: tuple[str, str]) -> tuple[str, bytes | TradAIError]:
        try:
            return item[0], call_within(timeout_s, lambda: store.read(*item))
        except TradAIError as exc:
            return item[0], exc

    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(read, names.items())


def ended_runs(store: RunStore) -> frozenset[str]:
    """Return the ids of the runs that are in the store whole.

    Raises:
        ExternalServiceError: The store refused the listing.
    """
    names = call_within(_LISTING_S, lambda: _documents(store))
    return frozenset(run_id for run_id, name in names.items() if name == MANIFEST_NAME)


def _documents(store: RunStore) -> dict[str, str]:
    found: dict[str, str] = {}
    for run_id, name in store.files():
        if name == MANIFEST_NAME or (name == STARTED_NAME and run_id not in found):
            found[run_id] = name
    return found
