"""Launch of a job: its container runs the command once, whatever happens to this process.

A container is created under a name of its own and started; its shell then waits for the input that
launches the job. Next it is renamed to the name of the job, which the daemon gives to one container
only, and then the input is sent. When this process ends at any point, the connection closes, and
the shell ends without having run the command: no other process has to guess.
"""

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, final

from tradai.aws._docker.image import Image
from tradai.aws._docker.job_container import (
    LONGEST_PAUSE_S,
    JobContainer,
    container_name,
    job_labels,
)
from tradai.aws._docker.job_shell import entrypoint, launch_input
from tradai.aws._images.daemon import Daemon, DockerSettings
from tradai.core import JobSpec, LogDelivery, Pause, resolve_secret
from tradai.core.exceptions import (
    ConflictError,
    ExternalServiceError,
    NotFoundError,
    ValidationError,
)

_ONE_CORE: Final = 1024
_NANO: Final = 10**9
_MIB: Final = 1024 * 1024
# Longest wait for another process to send its input; it does so at once, unless it is suspended.
_LAUNCH_S: Final = 30.0
_TRIES: Final = 3
_LOG_MODES: Final = {
    LogDelivery.BLOCKING: {"mode": "blocking"},
    LogDelivery.NON_BLOCKING: {"mode": "non-blocking", "max-buffer-size": "25m"},
}


@final
class Launcher:
    """Launches jobs on one daemon."""

    def __init__(self, daemon: Daemon, settings: DockerSettings) -> None:
        """Use `daemon`, and the limits of `settings`."""
        self._daemon = daemon
        self._settings = settings

    def launch(self, spec: JobSpec) -> JobContainer:
        """Return the container of the job, which is launched unless it was launched before.

        Raises:
            JobConflictError: The job has another specification.
            NotFoundError, ConfigurationError: The image or a secret does not exist.
            ValidationError: The image is of another platform.
            ExternalServiceError: The daemon refused; the launch may be repeated.
        """
        pause = Pause(longest_s=LONGEST_PAUSE_S)
        while True:
            container = self._adopted(spec) or self._launched(spec)
            if container is not None:
                return container
            pause.sleep()

    def _adopted(self, spec: JobSpec) -> JobContainer | None:
        """Return the container of a job that was launched before."""
        # Another process may be removing the container of a launch that was given up.
        with suppress(ConflictError, NotFoundError):
            name = container_name(spec.job_id)
            JobContainer.find(self._daemon, name).check_digest(spec.digest)
            # The daemon may notice late that the process that launched it is gone.
            container = self._awaited(name, deadline=time.monotonic() + _LAUNCH_S)
            container.check_digest(spec.digest)
            if not container.is_abandoned():
                return container
            container.remove()
        return None

    def _awaited(self, name: str, *, deadline: float | None = None) -> JobContainer:
        """Return a container that no longer waits for its input, or as it is at `deadline`."""
        pause = Pause(longest_s=LONGEST_PAUSE_S)
        while True:
            container = JobContainer.find(self._daemon, name)
            is_late = deadline is not None and time.monotonic() >= deadline
            if is_late or not container.is_waiting():
                return container
            pause.sleep(deadline)

    def _launched(self, spec: JobSpec) -> JobContainer | None:
        """Launch the job; return None when another process was first."""
        # Before there is a container: a job whose secrets are missing leaves no trace.
        data = launch_input(spec.digest, _revealed(spec))
        for tries_left in reversed(range(_TRIES)):
            image = Image.find(self._daemon, spec)
            try:
                return self._begun(spec, image, data)
            except NotFoundError:
                # Another process may have removed the image or the new container: one that prunes.
                if not tries_left:
                    raise
        raise AssertionError  # the last try returns or raises

    def _begun(self, spec: JobSpec, image: Image, data: bytes) -> JobContainer | None:
        name = f"tradai-launch-{uuid.uuid4().hex}"
        try:
            container_id = self._daemon.create_container(self._config(spec, image), name)
            with self._connected(container_id) as connection:
                with self._daemon.translated("start", name):
                    self._daemon.api.start(container_id)
                with suppress(ConflictError):
                    self._claim(container_id, spec)
                    # A container that was stopped in the meantime reads nothing; its end says so.
                    with suppress(OSError):
                        connection.sendall(data)
                    return self._await_start(container_id, spec)
        finally:
            # A container that was renamed is not found under this name.
            with suppress(ConflictError, NotFoundError), self._daemon.translated("remove", name):
                self._daemon.api.remove_container(name, v=True, force=True)
        return None

    def _claim(self, container_id: str, spec: JobSpec) -> None:
        with self._daemon.translated("rename", container_id):
            self._daemon.api.rename(container_id, container_name(spec.job_id))

    @contextmanager
    def _connected(self, container_id: str) -> Iterator[socket.socket]:
        """Lend a connection to the standard input of a container."""
        with self._daemon.translated("attach", container_id):
            raw = self._daemon.api.attach_socket(container_id, params={"stdin": 1, "stream": 1})
        # The client keeps the response beside its socket: closing the response closes both.
        with closing(vars(raw)["_response"]):
            if isinstance(raw, socket.socket):
                yield raw
                return
            # Without TLS the client hands out a file for reading.
            with socket.socket(fileno=os.dup(raw.fileno())) as connection:
                yield connection

    def _await_start(self, container_id: str, spec: JobSpec) -> JobContainer:
        try:
            container = self._awaited(container_id)
            is_abandoned = container.is_abandoned()
        except NotFoundError as exc:
            message = (
                f"the container of the job {spec.job_id} was removed while it started: look at "
                "its results, then submit it again"
            )
            raise ExternalServiceError(message, service="docker", operation="submit") from exc
        if is_abandoned:
            message = f"the job in the container {container_id} was not launched; submit it again"
            raise ExternalServiceError(
                message, service="docker", operation="submit", retryable=True
            )
        return container

    def _config(self, spec: JobSpec, image: Image) -> dict[str, Any]:
        """Return the container's configuration, in the daemon's own form."""
        plain = {"TRADAI_RUN_TRACE_ID": spec.trace_id, **spec.environment}
        shell = entrypoint(
            spec.digest, time_limit_s=spec.time_limit_s, stop_grace_s=spec.stop_grace_s
        )
        return {
            "Image": image.id,
            "Entrypoint": shell,
            "Cmd": [*image.entrypoint, *spec.command],
            "Env": [f"{name}={text}" for name, text in plain.items()],
            "Labels": job_labels(spec),
            "OpenStdin": True,
            "StdinOnce": True,
            "StopSignal": "SIGTERM",
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": self._host_config(spec),
        }

    def _host_config(self, spec: JobSpec) -> dict[str, Any]:
        memory = (spec.memory_mib or 0) * _MIB
        return {
            # Signals reach the job as on any machine: it is not the first process.
            "Init": True,
            "NanoCpus": (spec.cpu_units or 0) * _NANO // _ONE_CORE,
            "Memory": memory,
            "MemorySwap": memory,
            "PidsLimit": self._settings.max_processes,
            "NetworkMode": self._settings.network or "default",
            "Binds": list(self._settings.mounts),
            "SecurityOpt": ["no-new-privileges"],
            "LogConfig": {"Type": "json-file", "Config": _LOG_MODES[spec.log_delivery]},
        }


def _revealed(spec: JobSpec) -> dict[str, str]:
    values = {name: resolve_secret(ref).reveal() for name, ref in spec.secrets.items()}
    for name, value in values.items():
        if "\0" in value:
            del value, values
            expected = "no null characters"
            message = f"the secret for {name} cannot be a variable: expected {expected}"
            raise ValidationError(message, field="secrets", expected=expected)
    return values
