"""Images on their way from and to a registry, with logins that are given to each transfer."""

from typing import TypeAlias

from tradai.aws._images.daemon import Daemon
from tradai.aws._images.stream import Show, failure, read_stream, show_nothing
from tradai.core.exceptions import ExternalServiceError, NotFoundError

# User and password of a registry.
Login: TypeAlias = tuple[str, str]


def pull_image(daemon: Daemon, name: str, *, login: Login | None = None) -> None:
    """Pull an image by name and tag or digest.

    Raises:
        NotFoundError: The registry cannot be found, does not have the image, or does not show it.
        ExternalServiceError: The daemon does not answer.
    """
    try:
        with daemon.translated("pull", name):
            auth_config = _auth_config(login) if login else None
            events = daemon.api.pull(name, stream=True, decode=True, auth_config=auth_config)
            read_stream(events, "pull", name)
    except (ExternalServiceError, NotFoundError) as exc:
        message = (
            f"the image {name} is neither on the Docker daemon nor can it be pulled ({exc}); "
            "build it, or check its name and the login of its registry"
        )
        raise NotFoundError(message, kind="image", key=name) from exc


def push_image(
    daemon: Daemon, repository: str, tag: str, login: Login, *, show: Show = show_nothing
) -> str:
    """Push the image of this name and tag, and return the digest that the registry gave it.

    Raises:
        ExternalServiceError: The push failed, also inside a stream that began well.
    """
    name = f"{repository}:{tag}"
    with daemon.translated("push", name):
        events = daemon.api.push(
            repository, tag, stream=True, decode=True, auth_config=_auth_config(login)
        )
        result = read_stream(events, "push", name, show=show)
    if not result.get("Digest"):
        raise failure("push", name, "the stream ended without a digest")
    return str(result["Digest"])


def _auth_config(login: Login) -> dict[str, str]:
    user, password = login
    return {"username": user, "password": password}
