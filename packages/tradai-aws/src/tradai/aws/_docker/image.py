"""Image of a job: found on the daemon or pulled, and checked against the job."""

from collections.abc import Mapping
from typing import Any, final

from tradai.aws._images.daemon import Daemon
from tradai.aws._images.image_facts import image_facts, platform_of
from tradai.aws._images.registry_login import login_for
from tradai.aws._images.transfers import pull_image
from tradai.core import JobSpec
from tradai.core.exceptions import NotFoundError, ValidationError


@final
class Image:
    """An image as the daemon describes it."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        """Take the description `facts`."""
        self.id: str = facts["Id"]
        self.platform = platform_of(facts)
        self.entrypoint: list[str] = (facts["Config"] or {}).get("Entrypoint") or []

    @classmethod
    def find(cls, daemon: Daemon, spec: JobSpec) -> "Image":
        """Return the image of a job, which is pulled when the daemon does not have it.

        Raises:
            NotFoundError: Neither the daemon nor its registry has it.
            ValidationError: The job has no image, or one of another platform.
            ExternalServiceError: The daemon does not answer.
        """
        if spec.image is None:
            expected = "an image"
            message = (
                f"the job {spec.job_id} has no image, which docker: needs: expected {expected}"
            )
            raise ValidationError(message, field="image", expected=expected)
        image = cls(_facts(daemon, spec.image))
        if spec.platform not in {None, image.platform}:
            message = (
                f"the image {spec.image} is for {image.platform}, and the job {spec.job_id} is for "
                f"{spec.platform}: build it for {spec.platform}"
            )
            raise ValidationError(message, field="platform", expected=str(spec.platform))
        return image


def _facts(daemon: Daemon, name: str) -> Mapping[str, Any]:
    try:
        return image_facts(daemon, name)
    except NotFoundError:
        pull_image(daemon, name, login=login_for(name))
    return image_facts(daemon, name)
