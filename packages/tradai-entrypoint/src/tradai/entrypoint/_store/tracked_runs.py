"""Tracked runs in a store whose facts may wait for the tracking server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from tradai.entrypoint._store.deadline import call_within
from tradai.entrypoint._store.names import MANIFEST_NAME, TRACKING_NAME, segment_of
from tradai.entrypoint._store.pull import copy_files
from tradai.entrypoint._store.run_store import RunStore

# The tracking server has the run whole.
_DELIVERED: Final = "tracking/delivered"
_LISTING_S: Final = 120.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedCopy:
    """A tracked run in a store.

    Attributes:
        has_ended: Whether the run has ended; the store has all its files then.
    """

    store: RunStore
    run_id: str
    has_ended: bool
    timeout_s: float

    def bring(self, folder: Path) -> None:
        """Copy the files of the run into `folder`.

        Raises:
            TradAIError: As `copy_files`.
        """
        sizes = call_within(self.timeout_s, lambda: self.store.sizes(self.run_id))
        copy_files(self.store, self.run_id, sizes, folder, timeout_s=self.timeout_s)

    def mark_delivered(self) -> None:
        """Note in the store that the tracking server has the run whole.

        Raises:
            ExternalServiceError: The store refused.
        """
        call_within(self.timeout_s, lambda: self.store.write(self.run_id, _DELIVERED, b""))


def tracked_copies(store: RunStore, *, timeout_s: float) -> Iterator[TrackedCopy]:
    """Yield the tracked runs that are not known to be delivered; the store is listed once.

    Raises:
        ExternalServiceError: The store refused.
    """
    found: dict[str, set[str]] = {}
    for run_id, name in call_within(_LISTING_S, lambda: list(store.files())):
        found.setdefault(run_id, set()).add(name)
    for run_id, names in found.items():
        if _DELIVERED not in names and any(map(_is_fact, names)):
            yield TrackedCopy(
                store=store,
                run_id=run_id,
                has_ended=MANIFEST_NAME in names,
                timeout_s=timeout_s,
            )


def _is_fact(name: str) -> bool:
    segment = segment_of(name)
    return segment is not None and segment[0] == TRACKING_NAME
