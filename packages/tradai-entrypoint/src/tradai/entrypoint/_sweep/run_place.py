"""Places where the runs of a sweep are made: this machine, or a run store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, final

from tradai.core import JobSpec
from tradai.entrypoint._runs.record import RunManifest


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A run that is planned and not started.

    Attributes:
        job_id: Id of its job, the same for the same work; a later try has a number after it.
        make_spec: Makes the job under an id.
        digests: Digests that the manifest of the run will have, as far as they are known.
        config_id: Short id of the configuration; empty where digests are not known.
    """

    job_id: str
    make_spec: Callable[[str], JobSpec]
    digests: Mapping[str, str] = field(default_factory=dict)
    config_id: str = ""


class RunPlace(Protocol):
    """Runs that were made, found by what was planned."""

    def find(self, planned: PlannedJob) -> RunManifest | None:
        """Return the newest successful run of the same work; None without.

        Raises:
            ExternalServiceError: The place cannot be read.
        """
        ...

    def has_run(self, run_id: str) -> bool:
        """Tell whether there is a run of this id, in any state."""
        ...

    def manifest(self, job_id: str) -> RunManifest:
        """Return the manifest of the run of a job.

        Raises:
            TradAIError: There is none, or it cannot be read.
        """
        ...
