"""Images on their way from and to a registry, with the daemon's stream read line by line."""

from tradai.aws._images.daemon import Daemon
from tradai.aws._images.stream import read_stream
from tradai.core.exceptions import ExternalServiceError, NotFoundError


def pull_image(daemon: Daemon, name: str) -> None:
    """Pull an image by name and tag or digest.

    Raises:
        NotFoundError: The registry cannot be found, does not have the image, or does not show it.
        ExternalServiceError: The daemon does not answer.
    """
    try:
        with daemon.translated("pull", name):
            for _ in read_stream(daemon.api.pull(name, stream=True, decode=True), "pull", name):
                pass
    except (ExternalServiceError, NotFoundError) as exc:
        message = (
            f"the image {name} is neither on the Docker daemon nor can it be pulled ({exc}); "
            "build it, or check its name and the login of its registry"
        )
        raise NotFoundError(message, kind="image", key=name) from exc
