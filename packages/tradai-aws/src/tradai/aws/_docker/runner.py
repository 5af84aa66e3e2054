"""Job runner of a Docker daemon: one container for each job."""

import time
from collections.abc import Iterator
from typing import Final, Self, final

from tradai.aws._docker.job_container import (
    DIGEST,
    JOB,
    LONGEST_PAUSE_S,
    JobContainer,
    container_name,
)
from tradai.aws._docker.launch import Launcher
from tradai.aws._docker.output_lines import numbered_lines
from tradai.aws._images.daemon import Daemon, DockerSettings
from tradai.core import (
    JobHandle,
    JobInfo,
    JobLine,
    JobLog,
    JobSpec,
    LogSummary,
    Pause,
    check_stop_reason,
    file_path,
    is_file_uri,
)
from tradai.core.exceptions import ExternalServiceError, NotFoundError

_SCHEME: Final = "docker:"
_IN_MEMORY: Final = "memory:"


@final
class DockerRunner:
    """A `JobRunner` that runs each job in a container of a Docker daemon.

    The daemon keeps all that is known about a job, so any process that reaches the daemon finds it
    again. The container stays until it is removed. The image needs a POSIX shell and ``sleep``: a
    few lines of shell stand before the command. They take the secrets from standard input, so
    that no description of the container has them, and enforce the time limit when no other
    process is left. The daemon keeps the output, unmasked; `logs` masks secrets.

    Attributes:
        uri: URI of the runner, which handles have.
    """

    def __init__(self, settings: DockerSettings | None = None) -> None:
        """Use the daemon of `settings`, by default of the environment; it is not asked yet."""
        self._settings = settings = settings or DockerSettings()
        self._daemon = Daemon(settings.host)
        self._launcher = Launcher(self._daemon, settings)
        self.uri = _SCHEME + settings.host
        self._summaries: dict[str, LogSummary] = {}

    @classmethod
    def for_uri(cls, uri: str) -> Self:
        """Return the runner of ``docker:ADDRESS``, by default the address in ``DOCKER_HOST``.

        >>> DockerRunner.for_uri("docker:tcp://127.0.0.1:2375").uri
        'docker:tcp://127.0.0.1:2375'
        """
        address = uri.removeprefix(_SCHEME)
        return cls(DockerSettings(host=address) if address else None)

    def submit(self, spec: JobSpec) -> JobHandle:
        """Launch a job, or adopt it; see `JobRunner.submit`.

        Raises:
            JobConflictError: The id was used with another specification.
            NotFoundError: The image exists neither on the daemon nor in its registry.
            NotFoundError, ConfigurationError: A secret cannot be resolved; nothing was launched.
            ValidationError: The job has no image, or one of another platform.
            ExternalServiceError: The daemon refused, or does not answer.
        """
        return self._handle(self._launcher.launch(spec))

    def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now; see `JobRunner.status`."""
        return self._find(handle).info()

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended; see `JobRunner.wait`.

        Raises:
            ExternalServiceError: The job was never launched, because the process that submitted it
                was killed; submit it again.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        pause = Pause(longest_s=LONGEST_PAUSE_S)
        while True:
            container = self._find(handle)
            info = container.info()
            if info.status.is_terminal:
                return info
            if deadline is not None and time.monotonic() >= deadline:
                return info
            _check_not_abandoned(container, handle)
            pause.sleep(deadline)

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of a job's output in order; see `JobRunner.logs`.

        Raises:
            ExternalServiceError: As for `wait`, when the job is followed.
        """
        return self._lines(self._find(handle), handle, after, follow=follow)

    def log_summary(self, handle: JobHandle) -> LogSummary | None:
        """Return how much of a job's log the last `logs` has read; None when there was none.

        Only a log that ``tradai-entrypoint contain`` wrote is ever proven to be complete.
        """
        return self._summaries.get(handle.job_id)

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job and return the facts about its end; see `JobRunner.stop`."""
        check_stop_reason(reason)
        container = self._find(handle)
        if not container.info().status.is_terminal:
            container.request_stop(reason)
        return self.wait(handle)

    def jobs(self) -> Iterator[JobHandle]:
        """Yield the jobs that the daemon has containers of, sorted by id."""
        with self._daemon.translated("list containers"):
            rows = self._daemon.api.containers(all=True, filters={"label": JOB})
        named = ((row["Labels"][JOB], row) for row in rows)
        for job_id, row in sorted(named, key=lambda pair: pair[0]):
            if f"/{container_name(job_id)}" in row["Names"]:
                yield self._new_handle(job_id, row["Labels"][DIGEST], row["Id"])

    def can_reach(self, uri: str) -> bool:
        """Tell whether jobs can reach the store at `uri`: a folder has to be a mount of theirs."""
        if is_file_uri(uri):
            return self._settings.sees(file_path(uri).absolute())
        return not uri.startswith(_IN_MEMORY)

    def _handle(self, container: JobContainer) -> JobHandle:
        labels = container.labels
        return self._new_handle(labels[JOB], labels[DIGEST], container.id)

    def _new_handle(self, job_id: str, digest: str, native_id: str) -> JobHandle:
        return JobHandle(runner=self.uri, job_id=job_id, spec_digest=digest, native_id=native_id)

    def _find(self, handle: JobHandle) -> JobContainer:
        handle.check_runner(self.uri)
        try:
            container = JobContainer.find(self._daemon, container_name(handle.job_id))
        except NotFoundError as exc:
            message = f"there is no job {handle.job_id} in {self.uri}; check the id"
            raise NotFoundError(message, kind="job", key=handle.job_id) from exc
        container.check_digest(handle.spec_digest)
        return container

    def _lines(
        self, container: JobContainer, handle: JobHandle, after: int, *, follow: bool
    ) -> Iterator[JobLine]:
        pause = Pause(longest_s=LONGEST_PAUSE_S)
        while True:
            # In this order: the log of a job that has ended is whole.
            has_ended = container.info().status.is_terminal
            pieces = container.output(follow=follow and not has_ended)
            log = JobLog()
            for line in numbered_lines(pieces, is_whole=has_ended, log=log):
                if line.number > after:
                    after = line.number
                    yield line
            self._summaries[handle.job_id] = log.summary()
            if has_ended or not follow:
                return
            # A stream also ends when the daemon does.
            _check_not_abandoned(container, handle)
            pause.sleep()
            container = self._find(handle)


def _check_not_abandoned(container: JobContainer, handle: JobHandle) -> None:
    if container.is_abandoned():
        message = (
            f"the job {handle.job_id} was never launched: the process that submitted it was "
            "killed; submit it again, or stop it"
        )
        raise ExternalServiceError(message, service="docker", operation="wait", retryable=True)
