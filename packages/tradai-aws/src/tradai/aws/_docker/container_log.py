"""Log of a container, read from the daemon in the pieces that it was written in."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final, Literal

from tradai.aws._images.daemon import Daemon
from tradai.core.exceptions import ConflictError, NotFoundError

_HEADER_BYTES: Final = 8
_LENGTH_AT: Final = 4


def read_log(
    daemon: Daemon,
    container_id: str,
    stream: Literal["stdout", "stderr"],
    *,
    follow: bool = False,
    has_times: bool = False,
) -> Generator[bytes, None, None]:
    """Yield the pieces of one stream of a container, from its start.

    A piece is a line, or 16 KiB of a longer one.

    Args:
        daemon: The daemon.
        container_id: The container.
        stream: The stream.
        follow: Whether to go on until the container has ended.
        has_times: Whether each piece begins with its time and a space.

    Raises:
        NotFoundError: The container is gone, or about to be.
        ExternalServiceError: The daemon refused, or does not answer.
    """
    with _removal_is_absence(container_id), daemon.translated("read the log of", container_id):
        api = daemon.api
        # The client's own method leaves its socket open when a reader ends early.
        response = api.get(
            f"{api.base_url}/v{api.api_version}/containers/{container_id}/logs",
            params={stream: 1, "follow": int(follow), "timestamps": int(has_times)},
            stream=True,
            # A job that is followed may be silent for hours.
            timeout=None if follow else api.timeout,
        )
        with closing(response):
            response.raise_for_status()
            yield from _frames(response.raw)


@contextmanager
def _removal_is_absence(container_id: str) -> Iterator[None]:
    """Call a container absent whose removal has begun, of which the daemon reads no log."""
    try:
        yield
    except ConflictError as exc:
        message = f"the container {container_id} was removed while its log was read"
        raise NotFoundError(message, kind="docker", key=container_id) from exc


# The body is of the HTTP library of the client (ANN401).
def _frames(body: Any) -> Iterator[bytes]:  # noqa: ANN401
    """Yield what the frames hold: each has a header with its length."""
    while len(header := body.read(_HEADER_BYTES)) == _HEADER_BYTES:
        yield body.read(int.from_bytes(header[_LENGTH_AT:], "big"))
