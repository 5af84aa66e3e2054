"""A Docker daemon: its settings, its client, and its errors as ours."""

import threading
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, ErrorTable, redact
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
    ValidationError,
)

if TYPE_CHECKING:
    from docker import APIClient

_SERVICE: Final = "docker"
# A daemon that unpacks a large image beside us answers late.
_TIMEOUT_S: Final = 120
_FIRST_SERVER_FAULT: Final = 500
_ABSENT: Final = 404
_CONFLICT: Final = 409
_EXPECTED_MOUNT: Final = "SOURCE:TARGET or SOURCE:TARGET:ro, both absolute paths"


@final
class DockerSettings(BaseSettings):
    """Address of the Docker daemon, and limits of the containers of jobs.

    Attributes:
        host: Address of the daemon, as the tools of Docker read it. For ``tcp://`` the variables
            ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH`` count as well.
        network: Network of the containers: a name, ``host`` or ``none``; by default the daemon's.
        mounts: Folders of the daemon's machine that each job sees, as ``SOURCE:TARGET:ro``.
        max_processes: Largest number of processes and threads of a job.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_DOCKER_")

    host: str = Field(
        default="unix:///var/run/docker.sock", min_length=1, validation_alias="DOCKER_HOST"
    )
    network: str | None = None
    mounts: tuple[str, ...] = ()
    max_processes: int = Field(default=4096, ge=1)

    def sees(self, path: Path) -> bool:
        """Tell whether a job can write below `path`, which it knows by the same name."""
        pairs = (mount.split(":") for mount in self.mounts if not mount.endswith(":ro"))
        return any(source == target and path.is_relative_to(source) for source, target in pairs)

    @field_validator("mounts")
    @classmethod
    def _are_mounts(cls, mounts: tuple[str, ...]) -> tuple[str, ...]:
        for mount in mounts:
            source, _, rest = mount.removesuffix(":ro").partition(":")
            if not (source.startswith("/") and rest.startswith("/") and ":" not in rest):
                raise ValidationError(
                    f"a mount is not usable: expected {_EXPECTED_MOUNT}", expected=_EXPECTED_MOUNT
                )
        return mounts


@final
class Daemon:
    """A Docker daemon; its client is made at first use, and threads share it.

    Attributes:
        url: Address of the daemon.
    """

    def __init__(self, url: str) -> None:
        """Use the daemon at `url`."""
        self.url = url
        self._lock = threading.Lock()
        self._api: APIClient | None = None

    @property
    def api(self) -> "APIClient":
        """Client of the daemon.

        Raises:
            ConfigurationError: The client library is not installed.
            ExternalServiceError: The daemon does not answer.
        """
        with self._lock:
            if self._api is None:
                with self.translated("connect"):
                    self._api = _connect(self.url)
                # Its open connections end with this object, at the latest with the process.
                weakref.finalize(self, self._api.close)
            return self._api

    def translated(self, operation: str, subject: str = "") -> AbstractContextManager[None]:
        """Raise errors of the client inside as ours; `subject` names the image or container.

        Raises:
            NotFoundError: The daemon does not have the subject.
            ConflictError: A name is taken, or a container runs.
            ExternalServiceError: The daemon refused, or does not answer.
        """
        return _TABLE.translated(self.url, operation, subject)

    def create_container(self, config: Mapping[str, object], name: str) -> str:
        """Create a container from the daemon's own form of its configuration; return its id.

        Raises:
            ConflictError: The name is taken.
            ExternalServiceError: The daemon refused, or does not answer.
        """
        with self.translated("create", name):
            return str(self.api.create_container_from_config(dict(config), name)["Id"])


def _connect(url: str) -> "APIClient":
    try:
        from docker import APIClient
        from docker.utils import kwargs_from_env
    except ImportError as exc:
        message = f"the client of Docker cannot be loaded ({exc}); install tradai-aws[docker]"
        raise ConfigurationError(message, key="docker") from exc
    # Certificates, when the environment names some; the address is ours.
    tls = kwargs_from_env().get("tls", False)
    return APIClient(base_url=url, tls=tls, timeout=_TIMEOUT_S)


# An error of the client or of its HTTP library, both imported late (ANN401).
def _refused(error: Any, url: str, operation: str, subject: str) -> TradAIError:  # noqa: ANN401
    status = error.response.status_code if error.response is not None else 0
    detail = _words(error) or " ".join(redact(str(error)).split())
    message = f"the Docker daemon at {url} refused to {operation} {subject}".rstrip()
    if status == _ABSENT:
        # Without words of its own, as in the answer for a log that is streamed.
        return _absent(error, url, operation, subject)
    if status == _CONFLICT:
        return ConflictError(f"{message}: {detail}", service=_SERVICE, operation=operation)
    return ExternalServiceError(
        f"{message} ({status}): {detail}",
        service=_SERVICE,
        operation=operation,
        retryable=status >= _FIRST_SERVER_FAULT,
    )


def _absent(error: Exception, url: str, operation: str, subject: str) -> TradAIError:
    # What is absent need not be the subject: a container is not created without its image.
    detail = _words(error) or "it does not exist"
    message = f"the Docker daemon at {url} cannot {operation} {subject}: {detail}"
    return NotFoundError(message, kind="docker", key=subject)


def _words(error: Exception) -> str:
    """Return the daemon's own words about an error; empty without any."""
    return " ".join(redact(str(getattr(error, "explanation", None) or "")).split())


def _silent(error: Exception, url: str, operation: str, _: str) -> TradAIError:
    is_forbidden = "Permission denied" in str(error)
    advice = "this user may not use its socket" if is_forbidden else "start it, or set DOCKER_HOST"
    message = f"the Docker daemon at {url} does not answer ({type(error).__name__}): {advice}"
    return ExternalServiceError(message, service=_SERVICE, operation=operation, retryable=True)


# By name, so that the table imports nothing of the client.
_TABLE: Final = ErrorTable(
    {
        "docker.errors.NotFound": _absent,
        "docker.errors.APIError": _refused,
        "docker.errors.DockerException": _silent,
        "requests.exceptions.HTTPError": _refused,
        "requests.exceptions.RequestException": _silent,
        "urllib3.exceptions.HTTPError": _silent,
        OSError: _silent,
    }
)
