"""Facts about an image that the daemon has."""

from collections.abc import Mapping
from typing import Any

from tradai.aws._images.daemon import Daemon


def image_facts(daemon: Daemon, name: str) -> Mapping[str, Any]:
    """Return an image as the daemon describes it.

    Raises:
        NotFoundError: The daemon does not have it.
        ExternalServiceError: The daemon does not answer.
    """
    with daemon.translated("find the image", name):
        facts: Mapping[str, Any] = daemon.api.inspect_image(name)
        return facts


def platform_of(facts: Mapping[str, Any]) -> str:
    """Return the system and the processor that an image is for, such as ``linux/amd64``."""
    return f"{facts['Os']}/{facts['Architecture']}"
