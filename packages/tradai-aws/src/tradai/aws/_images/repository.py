"""A repository of Amazon ECR: the images in it, and pushes whose result is checked."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tradai.aws._client.client import client_for
from tradai.aws._client.errors import translated
from tradai.aws._images.builder import ImageBuilder
from tradai.aws._images.daemon import Daemon, DockerSettings
from tradai.aws._images.image_facts import image_facts
from tradai.aws._images.registry_login import RegistryLogin
from tradai.aws._images.source import ImageSource
from tradai.aws._images.stream import Show, show_nothing
from tradai.aws._images.transfers import push_image
from tradai.core import BaseSettings, JobPlatform
from tradai.core.exceptions import ConflictError, ExternalServiceError

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient

# Words of registries for a login that has expired or is not valid.
_LOGIN_REFUSED: Final = (
    "reauthenticate",
    "no basic auth credentials",
    "unauthorized",
    "authentication required",
)
_TAG_TAKEN: Final = ("immutable",)
_MANIFESTS: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)


@final
class EcrSettings(BaseSettings):
    """Settings of Amazon ECR.

    Attributes:
        registry: Host and port to reach the registry at, in place of its host at Amazon.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_ECR_")

    registry: str | None = Field(default=None, min_length=1)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedImage:
    """An image in a repository.

    Attributes:
        reference: Name with digest, as a job specification takes it.
        digest: Digest that the registry gave it.
        tag: Its tag.
        platform: System and processor it is for.
        was_built: Whether it had to be built.
        was_pushed: Whether it had to be pushed.
    """

    reference: str
    digest: str
    tag: str
    platform: JobPlatform
    was_built: bool
    was_pushed: bool


@final
class EcrRepository:
    """Publishes images in one repository of Amazon ECR.

    An image that is there already, by the tag of its content, is neither built nor pushed.

    Attributes:
        name: Name of the repository.
        login: Login of the registry.
    """

    def __init__(
        self,
        name: str,
        *,
        client: "ECRClient | None" = None,
        daemon: DockerSettings | None = None,
        settings: EcrSettings | None = None,
        network: str | None = None,
    ) -> None:
        """Use the repository `name`; by default with the settings of the environment.

        Args:
            name: Name of the repository, which exists.
            client: boto3's client of ECR.
            daemon: The Docker daemon that builds and pushes.
            settings: Settings of ECR.
            network: Network of the build's own steps, such as ``none``.
        """
        self.name = name
        self._client = client or client_for("ecr")
        self._daemon = Daemon((daemon or DockerSettings()).host)
        self._builder = ImageBuilder(self._daemon, network=network)
        self._registry = (settings or EcrSettings()).registry
        self.login = RegistryLogin(self._client)

    def find(self, tag: str) -> str | None:
        """Return the digest of the image with this tag; None when there is none.

        Raises:
            NotFoundError: The repository does not exist.
            AwsError: AWS refused, or did not answer.
        """
        with translated("ecr", "describe_images", f"{self.name}:{tag}"):
            try:
                answer = self._client.describe_images(
                    repositoryName=self.name, imageIds=[{"imageTag": tag}]
                )
            except self._client.exceptions.ImageNotFoundException:
                return None
        # One of the stand-ins for ECR answers without an image instead.
        return next((image["imageDigest"] for image in answer["imageDetails"]), None)

    def publish(self, source: ImageSource, *, show: Show = show_nothing) -> PublishedImage:
        """Return the image of `source` in the repository; build and push only what is missing.

        Raises:
            NotFoundError: A file, the base image or the repository does not exist.
            ValidationError: The Dockerfile is not usable.
            ConflictError: The tag belongs to another image, and may not be moved.
            ExternalServiceError: A build step or the push failed, or a service does not answer.
        """
        tag, host, was_built = source.tag(), self._host(), False
        digest = self.find(tag)
        was_pushed = digest is None
        if digest is None:
            repository = f"{host}/{self.name}"
            is_ours = source.base.startswith(f"{host}/")
            login = self.login.get() if is_ours else None
            tag, was_built = self._builder.build(source, repository, login=login, show=show)
            digest = self._push(repository, tag, show)
        return PublishedImage(
            reference=f"{host}/{self.name}@{digest}",
            digest=digest,
            tag=tag,
            platform=source.platform,
            was_built=was_built,
            was_pushed=was_pushed,
        )

    def _host(self) -> str:
        return self._registry or self.login.host()

    def _push(self, repository: str, tag: str, show: Show) -> str:
        """Push the image, and return the digest that ECR itself gives."""
        try:
            digest = self._pushed(repository, tag, show)
        except ExternalServiceError as exc:
            if not _says(exc, _TAG_TAKEN):
                raise
            return self._digest_of_same_image(repository, tag, exc)
        found = self.find(tag)
        if found != digest:
            message = (
                f"ecr has {found or 'no image'} as {self.name}:{tag}, and the push gave {digest}: "
                "push again, and look for another process that moves this tag"
            )
            raise ConflictError(message, service="ecr", operation="push")
        return digest

    def _pushed(self, repository: str, tag: str, show: Show) -> str:
        try:
            return push_image(self._daemon, repository, tag, self.login.get(), show=show)
        except ExternalServiceError as exc:
            if not _says(exc, _LOGIN_REFUSED):
                raise
        return push_image(self._daemon, repository, tag, self.login.renew(), show=show)

    def _digest_of_same_image(self, repository: str, tag: str, refusal: Exception) -> str:
        """Return the digest of the image that has the tag, when it is the one that was pushed.

        Raises:
            ConflictError: It is another image.
        """
        with translated("ecr", "batch_get_image", f"{self.name}:{tag}"):
            images = self._client.batch_get_image(
                repositoryName=self.name,
                imageIds=[{"imageTag": tag}],
                acceptedMediaTypes=list(_MANIFESTS),
            )["images"]
        here = image_facts(self._daemon, f"{repository}:{tag}")["Id"]
        for image in images:
            config = json.loads(image["imageManifest"]).get("config", {}).get("digest")
            # An image is known by its configuration, or by its manifest in newer daemons.
            if here in {config, image["imageId"]["imageDigest"]}:
                return image["imageId"]["imageDigest"]
        message = (
            f"the tag {self.name}:{tag} belongs to another image and cannot be moved: when that "
            "was built from the same content elsewhere, push again to use it; else delete it there"
        )
        raise ConflictError(message, service="ecr", operation="push") from refusal


def _says(error: Exception, words: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(word in text for word in words)
