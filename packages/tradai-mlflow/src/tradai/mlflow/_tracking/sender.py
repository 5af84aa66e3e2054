"""Sends a spool to the server: every record once, in order."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, final

from tradai.core import from_epoch_ms
from tradai.core.exceptions import StorageError, ValidationError
from tradai.mlflow._client.artifact_roots import UnreachableRootError
from tradai.mlflow._client.entities import RunStatus
from tradai.mlflow._client.limits import TAG_LENGTH
from tradai.mlflow._tracking.batch import Batch, Row
from tradai.mlflow._tracking.run_client import RunClient
from tradai.mlflow._tracking.server_run import SEQUENCE, ServerRun, ServerRuns
from tradai.mlflow._tracking.spool import Spool, SpoolRecord

_log: Final = logging.getLogger(__name__)

# Tag of a run with files that were gone when they were to be sent, or that no call can send.
MISSING: Final = "tradai.missing_artifacts"
# The same file is refused for ever; to wait for it would keep the rest of the run from the server.
_FOR_EVER: Final = (ValidationError, UnreachableRootError)


@final
class SpoolSender:
    """Sends the records of one spool; after an error, `send` goes on where the server is.

    The server keeps the number of the last record of each run in a tag of the run, in the same call
    as the facts. So a process that takes over, also on another machine, knows what is there. Points
    that may or may not have arrived are compared with the history on the server.

    Attributes:
        sent: Number of facts that the server has confirmed.
        is_stopped: Whether to make no further call; any thread may set it.
    """

    def __init__(self, spool: Spool, client: RunClient, *, address: str, is_new: bool) -> None:
        """Send `spool` to the server at `address`; see `ServerRuns` for `is_new`."""
        self.sent = 0
        self.is_stopped = False
        self._spool = spool
        self._client = client
        self._address = address
        self._server_runs = ServerRuns(client, is_new=is_new)
        self._runs: dict[int, ServerRun] = {}
        self._missing: dict[int, list[str]] = {}
        self._offset = 0
        self._has_end = False

    @property
    def is_done(self) -> bool:
        """Whether the server has the end of the run, and everything else."""
        return self._has_end and self.sent == self._spool.weight

    @property
    def place(self) -> str | None:
        """Address of the run on the server's page; None before it was reached."""
        if 0 not in self._runs:
            return None
        run = self._runs[0].run
        return f"{self._address}/#/experiments/{run.experiment_id}/runs/{run.run_id}"

    def send(self) -> None:
        """Send the records that are there.

        Raises:
            TradAIError: The server or the disk refused.
        """
        batch = Batch()
        for record, offset in self._spool.records(self._offset):
            if self.is_stopped:
                return
            if not batch.takes(record):
                self._send_batch(batch)
                batch = Batch(record.run)
            if batch.takes(record):
                batch.add(record, offset)
            else:
                self._send_record(record)
                self._confirm(record.weight, offset)
        self._send_batch(batch)

    def _send_batch(self, batch: Batch) -> None:
        if not batch.weight or self.is_stopped:
            return
        run = self._run(batch.run)
        if not run.has(batch.number):
            if run.is_in_doubt:
                self._drop_known(batch, run)
            run.is_in_doubt = True
            self._client.log_batch(
                run.run_id,
                metrics=list(batch.metrics()),
                params=batch.params,
                tags={**batch.tags, SEQUENCE: str(batch.number)},
            )
            run.is_in_doubt = False
        self._confirm(batch.weight, batch.offset)

    def _send_record(self, record: SpoolRecord) -> None:
        if record.kind == "start":
            parent = self._runs.get(record.value["parent"])
            self._runs[record.run] = self._server_runs.start(record.value, parent)
        elif record.kind == "artifact":
            self._send_artifact(record)
        elif record.kind == "end":
            self._send_end(record)

    def _send_artifact(self, record: SpoolRecord) -> None:
        run = self._run(record.run)
        missing = self._missing.setdefault(record.run, [])
        files = list(artifact_files(self._spool.folder, record.value))
        refused = [name for file, name in files if not self._sends_file(run, file, name)]
        for name in refused if files else [record.value]:
            if name not in missing:
                missing.append(name)
                self._client.log_batch(run.run_id, tags={MISSING: ", ".join(missing)[:TAG_LENGTH]})

    def _sends_file(self, run: ServerRun, file: Path, name: str) -> bool:
        try:
            self._client.upload_artifact(run.run, file, name)
        except _FOR_EVER as exc:
            _log.warning("an artifact is not tracked", extra={"reason": str(exc)})
            return False
        return True

    def _send_end(self, record: SpoolRecord) -> None:
        run_id, end = self._run(record.run).run_id, record.value
        self._client.end_run(run_id, RunStatus(end["status"]), from_epoch_ms(end["at"]))
        self._has_end = self._has_end or record.run == 0

    def _run(self, number: int) -> ServerRun:
        if number not in self._runs:
            message = (
                f"{self._spool.path} is damaged: it has facts of a run, and its start is missing; "
                "move it away, and the rest of the folder stays as it is"
            )
            raise StorageError(message, operation="read")
        return self._runs[number]

    def _drop_known(self, batch: Batch, run: ServerRun) -> None:
        """Take the points out of `batch` that the server has already."""
        known: set[tuple[Any, ...]] = set()
        for key in {row[0] for row in batch.points}:
            history = self._client.metric_history(run.run_id, key)
            known.update((point.key, point.value, point.step, point.at) for point in history)
        batch.points = [row for row in batch.points if _point(row) not in known]

    def _confirm(self, weight: int, offset: int) -> None:
        self.sent += weight
        self._offset = offset


def _point(row: Row) -> tuple[Any, ...]:
    key, value, step, at_ms = row
    return key, value, step, from_epoch_ms(at_ms)


def artifact_files(folder: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Yield the files of an artifact, with their names on the server."""
    path = folder / name
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file, file.relative_to(folder).as_posix()
