"""Record of a job's launch: one object in the job store, which is the truth about the job."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self, final

from tradai.aws._ecs.costs import Cost, PriceTable, actual_cost
from tradai.core import JobHandle, JobInfo, ObjectStore, Utc
from tradai.core.exceptions import (
    ConflictError,
    JobConflictError,
    NotFoundError,
    StorageError,
    ValidationError,
)

_SCHEMA: Final = 1
_SUFFIX: Final = ".json"
# Longer than a RunTask lasts with all of its attempts, by the timeouts of AwsSettings.
LEASE: Final = timedelta(seconds=300)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequest:
    """A request to stop a job.

    Attributes:
        reason: Words for people.
        is_limit: Whether the job's time limit is the reason.
    """

    reason: str
    is_limit: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PastTask:
    """A task of the job that was left behind after a proven stop.

    Attributes:
        attempt: Its attempt.
        rung: Its rung.
        task_arn: The task.
        reason: Why it stopped.
        has_run: Whether its command was started, so that it may have lines.
    """

    attempt: int
    rung: int
    task_arn: str
    reason: str
    has_run: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRecord:
    """All that any process must know about a job.

    Attributes:
        job_id: Id of the job.
        spec_digest: Digest of its specification.
        request: Parameters of RunTask, apart from token and placement.
        placements: Parameters of RunTask for each rung of the ladder.
        container: Name of the container that runs the command.
        log_group: Log group of its lines.
        run_store: URI of the store in which the run records itself; empty without one.
        time_limit_s: Seconds that the job may run.
        attempts: Number of attempts that the caller allows.
        attempt: Current attempt, from 1.
        rung: Current rung, from 0.
        tried_at: When the first RunTask of this attempt and rung was about to be sent.
        is_untried: Whether it is proven that no request has launched a task of this rung, and that
            none is under way.
        launchers: Each process that may have a RunTask under way -> until when.
        task_arn: The task; empty before it is known.
        found_at: When `task_arn` was written down.
        past: Tasks of earlier rungs and attempts.
        usage: Facts by which AWS bills each task that has stopped.
        started_at: When the command of the first attempt was started.
        stop: The first request to stop the job.
        end: Its end.
    """

    job_id: str
    spec_digest: str
    request: Mapping[str, Any]
    placements: tuple[Mapping[str, Any], ...]
    container: str
    log_group: str
    run_store: str
    time_limit_s: int | None
    attempts: int
    tried_at: Utc
    attempt: int = 1
    rung: int = 0
    is_untried: bool = False
    launchers: Mapping[str, Utc] = field(default_factory=dict)
    task_arn: str = ""
    found_at: Utc | None = None
    past: tuple[PastTask, ...] = ()
    usage: tuple[Mapping[str, Any], ...] = ()
    started_at: Utc | None = None
    stop: StopRequest | None = None
    end: JobInfo | None = None

    @property
    def run_id(self) -> str:
        """Id under which the current attempt records its run."""
        return self.job_id if self.attempt == 1 else f"{self.job_id}.{self.attempt}"

    @property
    def cluster(self) -> str:
        """Cluster of the job, by name or ARN."""
        return str(self.request["cluster"])

    def check_digest(self, digest: str) -> None:
        """Raise `JobConflictError` unless the specification of the job has this digest."""
        if self.spec_digest != digest:
            message = f"the job {self.job_id} has another specification; choose another id"
            raise JobConflictError(message, job_id=self.job_id)

    def check_account(self, handle: JobHandle) -> None:
        """Raise `ValidationError` for a handle of a job in another account or region."""
        places = [arn.rpartition("/")[0] for arn in (self.task_arn, handle.native_id) if arn]
        if len(set(places)) > 1:
            message = (
                f"the job {self.job_id} of this handle runs in {places[1]}, not in {places[0]}"
            )
            raise ValidationError(message, field="handle", expected=f"a job in {places[0]}")

    def costs(self, prices: PriceTable | None) -> list[Cost]:
        """Return the cost of each task that was seen to stop, in order."""
        found = (actual_cost(_with_instants(usage), prices) for usage in self.usage)
        return [cost for cost in found if cost is not None]

    def live_launchers(self, now: Utc, *, besides: str) -> list[str]:
        """Return the processes that may have a RunTask under way, apart from `besides`."""
        return [name for name, until in self.launchers.items() if name != besides and until > now]

    def leave(self, past: PastTask, *, rung: int, attempt: int, now: Utc) -> Self:
        """Return the record for the next rung or attempt, after the current task's proven end."""
        return replace(
            self,
            attempt=attempt,
            rung=rung,
            task_arn="",
            found_at=None,
            is_untried=True,
            launchers={},
            tried_at=now,
            past=(*self.past, past),
        )

    def to_json(self) -> bytes:
        """Return the record as JSON."""
        values = asdict(replace(self, end=None))
        values |= {"schema": _SCHEMA, "end": self.end.to_json() if self.end else None}
        return json.dumps(values, default=datetime.isoformat, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return the record that `to_json` returned; unknown keys are left out.

        Raises:
            ValueError, KeyError, TypeError: It is not such a record.
        """
        values: dict[str, Any] = json.loads(data)
        if values["schema"] != _SCHEMA:
            raise ValueError(f"schema {values['schema']!r}")
        given = {item.name: values[item.name] for item in fields(cls)}
        ends = {name: datetime.fromisoformat(at) for name, at in given["launchers"].items()}
        stop, end = given["stop"], given["end"]
        return cls(
            **given
            | {
                "placements": tuple(given["placements"]),
                "usage": tuple(given["usage"]),
                "tried_at": datetime.fromisoformat(given["tried_at"]),
                "launchers": ends,
                "past": tuple(PastTask(**one) for one in given["past"]),
                "found_at": _instant(given["found_at"]),
                "started_at": _instant(given["started_at"]),
                "stop": stop and StopRequest(**stop),
                "end": end and JobInfo.from_json(end),
            }
        )


def _with_instants(usage: Mapping[str, Any]) -> dict[str, Any]:
    instants = {name: _instant(at) for name, at in usage.items() if name.endswith("At")}
    return {**usage, **instants}


def _instant(text: str | None) -> Utc | None:
    return None if text is None else datetime.fromisoformat(text)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record as it was read or written, and the tag of exactly this content."""

    record: LaunchRecord
    etag: str


@final
class LaunchRecords:
    """The records of one cluster's jobs in a store; of several writers, each sees the others."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        """Keep the records below the URI `prefix`."""
        self._store = store
        self._prefix = prefix.rstrip("/") + "/"

    def create(self, record: LaunchRecord) -> StoredRecord:
        """Write the record of a new job, or return that of a job which has one."""
        uri = self._uri(record.job_id)
        try:
            etag = self._store.write(uri, record.to_json(), if_absent=True)
        except ConflictError:
            return self.read(record.job_id)
        return StoredRecord(record=record, etag=etag)

    def read(self, job_id: str) -> StoredRecord:
        """Return the record of a job.

        Raises:
            NotFoundError: There is none.
            StorageError: It cannot be read.
        """
        uri = self._uri(job_id)
        found = self._store.read(uri)
        try:
            record = LaunchRecord.from_json(found.data)
        except (ValueError, KeyError, TypeError) as exc:
            message = f"cannot read {uri}: it is not a record of this version; update tradai-aws"
            raise StorageError(message, operation="read") from exc
        return StoredRecord(record=record, etag=found.etag)

    def find(self, job_id: str) -> StoredRecord | None:
        """Return the record of a job, if there is one."""
        try:
            return self.read(job_id)
        except NotFoundError:
            return None

    def update(
        self, stored: StoredRecord, change: Callable[[LaunchRecord], LaunchRecord]
    ) -> StoredRecord:
        """Write `change` of the newest record; it is asked again when another writer was first."""
        while (wanted := change(stored.record)) != stored.record:
            try:
                uri = self._uri(wanted.job_id)
                etag = self._store.write(uri, wanted.to_json(), if_match=stored.etag)
            except ConflictError:
                stored = self.read(wanted.job_id)
            else:
                return StoredRecord(record=wanted, etag=etag)
        return stored

    def job_ids(self) -> Iterator[str]:
        """Yield the ids of the jobs, sorted."""
        names = [one.uri.removeprefix(self._prefix) for one in self._store.list(self._prefix)]
        yield from sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))

    def _uri(self, job_id: str) -> str:
        return f"{self._prefix}{job_id}{_SUFFIX}"
