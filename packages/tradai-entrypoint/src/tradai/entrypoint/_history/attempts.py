"""Runs that a job left in a store: that of its first attempt has its id, later ones a number."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, final

from tradai.core.exceptions import NotFoundError
from tradai.entrypoint._history.run_source import StoredRun
from tradai.entrypoint._store.deadline import call_within
from tradai.entrypoint._store.names import STARTED_NAME
from tradai.entrypoint._store.run_store import RunStore

_NUMBER: Final = re.compile(r"\.([2-9]|[1-9][0-9]+)", re.ASCII)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Runs with the id of a job, alone or with a number after it such as ``.2``.

    Attributes:
        first: The run with the id of the job, whether it is there or not.
        files: Names of the files of each run that is there, by the number of the attempt.
    """

    first: StoredRun
    files: Mapping[int, Collection[str]]

    @classmethod
    def of(cls, store: RunStore, job_id: str, *, timeout_s: float) -> Self:
        """List the runs of a job in `store`, of which one call may take `timeout_s`.

        Raises:
            ExternalServiceError: The store refused.
        """
        files: dict[int, set[str]] = defaultdict(set)
        for run_id, name in call_within(timeout_s, lambda: list(store.files(job_id))):
            if number := _number(run_id.removeprefix(job_id)):
                files[number].add(name)
        return cls(first=StoredRun(store=store, run_id=job_id, timeout_s=timeout_s), files=files)

    def newest_first(self) -> Iterator[tuple[StoredRun, Collection[str]]]:
        """Yield the runs that are there, each with the names of its files."""
        for number in sorted(self.files, reverse=True):
            yield self._run(number), self.files[number]

    def last(self) -> tuple[StoredRun, Collection[str]]:
        """Return the run of the last attempt, and the names of its files; without any, the first.

        A run with a number may also be that of another job of that id, as its claim says.

        Raises:
            ExternalServiceError: The store refused.
        """
        for run, files in self.newest_first():
            if run == self.first or self._is_attempt(run):
                return run, files
        return self.first, ()

    def _run(self, number: int) -> StoredRun:
        job_id = self.first.run_id
        run_id = job_id if number == 1 else f"{job_id}.{number}"
        return StoredRun(store=self.first.store, run_id=run_id, timeout_s=self.first.timeout_s)

    def _is_attempt(self, run: StoredRun) -> bool:
        try:
            claim = call_within(run.timeout_s, lambda: run.store.read(run.run_id, STARTED_NAME))
            facts = json.loads(claim)
        except (NotFoundError, ValueError):
            return False
        return isinstance(facts, dict) and facts.get("job_id") == self.first.run_id


def _number(rest: str) -> int | None:
    """Return the number of the attempt whose run id ends with `rest` after that of the job."""
    if not rest:
        return 1
    match = _NUMBER.fullmatch(rest)
    return int(match[1]) if match else None
