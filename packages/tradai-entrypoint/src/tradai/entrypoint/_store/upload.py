"""Upload of one run: claim, journal in segments, files, and the manifest when all else is there."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final, TypeVar, final

from tradai.core import FileKind, JsonValue, file_errors, read_regular_file
from tradai.core.exceptions import ConflictError, ExternalServiceError
from tradai.entrypoint._store.claim import claim_run, resume_claim, started_text
from tradai.entrypoint._store.deadline import SERVICE, call_within, transfer_s
from tradai.entrypoint._store.file_segments import FileSegments
from tradai.entrypoint._store.names import (
    JOURNAL_NAME,
    MANIFEST_NAME,
    STARTED_NAME,
    TRACKING_NAME,
    result_files,
)
from tradai.entrypoint._store.run_store import RunStore

T = TypeVar("T")

# Facts of the manifest that identify the work, and are known only after the start.
_LATER_FACTS: Final = ("config_uri", "config_id", "digests")
# So many calls may take as long as they may before the upload of the rest is given up.
_CALLS: Final = 3
# Files that grow while the run goes on.
_IN_SEGMENTS: Final = (JOURNAL_NAME, TRACKING_NAME)
_SHOWN: Final = 5


@final
class RunUpload:
    """Sends one run folder to a store, step by step; a step that failed can be made again.

    Not for several threads at once. Every call of the store ends at a deadline.

    Attributes:
        is_claimed: Whether the run is known to be claimed.
        missing: Names of the files that the store is not known to have, in the order of sending.
    """

    def __init__(
        self, store: RunStore, folder: Path, started: dict[str, JsonValue], *, timeout_s: float
    ) -> None:
        """Send the run in `folder`, which `started` describes; nothing is sent yet."""
        self.is_claimed = False
        self.missing: tuple[str, ...] = (STARTED_NAME, MANIFEST_NAME)
        self._store = store
        self._folder = folder
        self._started = started
        self._run_id = str(started["run_id"])
        self._timeout_s = timeout_s
        self._stored_start = started_text(started)
        self._segments = {name: FileSegments(folder / name) for name in _IN_SEGMENTS}
        self._is_given_up = Event()

    @property
    def uri(self) -> str:
        """URI of the run in the store."""
        return self._store.uri_of(self._run_id)

    @property
    def lacks(self) -> str:
        """The missing files, as a phrase."""
        shown = ", ".join(self.missing[:_SHOWN])
        more = len(self.missing) - _SHOWN
        return f"{shown} and {more} more" if more > 0 else shown

    @property
    def limit_s(self) -> float:
        """Seconds that sending all files may take: a few calls, and more for many bytes."""
        size = 0
        # A file that is gone meanwhile is named by the step that reads it.
        with suppress(OSError):
            for name in result_files(self._folder):
                size += (self._folder / name).stat().st_size
        return transfer_s(_CALLS * self._timeout_s, size)

    @property
    def timeout_s(self) -> float:
        """Seconds that one call may take."""
        return self._timeout_s

    def give_up(self) -> None:
        """Make no further call; any thread may say so."""
        self._is_given_up.set()

    def claim(self) -> None:
        """Claim the run in the store, once.

        Raises:
            RunOwnedError: Another process owns the run, or it ended.
            ExternalServiceError: The store refused.
        """
        if not self.is_claimed:
            self._call(lambda: claim_run(self._store, self._started))
            self.is_claimed = True

    def resume(self) -> None:
        """Claim a run that ended on this machine, so that what the store lacks can be sent.

        Raises:
            ConflictError: The store has another run of that id.
            ExternalServiceError: The store refused.
        """
        self._call(lambda: resume_claim(self._store, self._started))
        self.is_claimed = True

    def send_progress(self) -> None:
        """Send the facts, journal entries and tracked facts that came since the last call.

        Raises:
            TradAIError: As `claim`.
        """
        self.claim()
        self._send_started()
        self._send_segments()

    def send_rest(self, manifest: bytes) -> None:
        """Send what the store lacks of a run that ended, and the manifest last.

        Raises:
            TradAIError: As `claim`; the manifest is not there then.
        """
        files = result_files(self._folder)
        growing = (name for name in _IN_SEGMENTS if (self._folder / name).exists())
        self.missing = (STARTED_NAME, *growing, *files, MANIFEST_NAME)
        self.claim()
        self._send_started()
        self._forget(STARTED_NAME)
        stored = self._call(lambda: self._store.sizes(self._run_id))
        for segments in self._segments.values():
            for name in segments.resume(stored):
                self._delete(name)
        self._send_segments()
        for name in self.missing[:-1]:
            self._send_file(name, stored)
        self._send_manifest(manifest)
        self._forget(MANIFEST_NAME)

    def _send_started(self) -> None:
        text = started_text(self._started | dict(_later_facts(self._folder)))
        if text != self._stored_start:
            self._call(lambda: self._store.write(self._run_id, STARTED_NAME, text))
            self._stored_start = text

    def _send_segments(self) -> None:
        for file, segments in self._segments.items():
            while segment := segments.offer():
                self._write(*segment)
                segments.confirm()
            self._forget(file)

    def _send_file(self, name: str, stored: dict[str, int]) -> None:
        path = self._folder / name
        with file_errors("read", path):
            data = read_regular_file(path, FileKind.OBJECT)
        # Of the same size, only its content says that it is the same file.
        if stored.get(name) != len(data) or self._read(name, len(data)) != data:
            self._write(name, data)
        self._forget(name)

    def _send_manifest(self, manifest: bytes) -> None:
        try:
            self._call(lambda: self._store.create(self._run_id, MANIFEST_NAME, manifest))
        except ConflictError:
            # Ours, since only the owner writes it: an answer was lost, or the run was verified.
            if self._call(lambda: self._store.read(self._run_id, MANIFEST_NAME)) != manifest:
                self._write(MANIFEST_NAME, manifest)

    def _delete(self, name: str) -> None:
        self._call(lambda: self._store.delete(self._run_id, name))

    def _read(self, name: str, size: int) -> bytes:
        return self._call(lambda: self._store.read(self._run_id, name), size=size)

    def _write(self, name: str, data: bytes) -> None:
        self._call(lambda: self._store.write(self._run_id, name, data), size=len(data))

    def _call(self, call: Callable[[], T], *, size: int = 0) -> T:
        if self._is_given_up.is_set():
            raise ExternalServiceError("the upload was stopped", service=SERVICE, operation="send")
        return call_within(transfer_s(self._timeout_s, size), call)

    def _forget(self, name: str) -> None:
        self.missing = tuple(other for other in self.missing if other != name)


def _later_facts(folder: Path) -> Iterator[tuple[str, JsonValue]]:
    """Yield the facts that the manifest in `folder` adds to those of the start."""
    try:
        manifest = json.loads(read_regular_file(folder / MANIFEST_NAME, FileKind.MANIFEST))
    except (OSError, ValueError):
        return
    for name in _LATER_FACTS:
        if manifest.get(name):
            yield name, manifest[name]
