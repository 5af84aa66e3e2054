"""Build of an image on the daemon, by buildx where there is one."""

import json
import tempfile
from contextlib import closing, suppress
from typing import IO, final

from tradai.aws._images.buildx import Buildx
from tradai.aws._images.daemon import Daemon
from tradai.aws._images.image_facts import image_facts, platform_of
from tradai.aws._images.registry_login import login_for
from tradai.aws._images.source import DOCKERFILE, ImageSource
from tradai.aws._images.stream import Show, failure, read_stream, show_nothing
from tradai.aws._images.transfers import Login, pull_image
from tradai.core.exceptions import NotFoundError


@final
class ImageBuilder:
    """Builds images on one daemon; an image that is there already is not built again."""

    def __init__(self, daemon: Daemon, *, network: str | None = None) -> None:
        """Use `daemon`; `network` is that of the build's own steps, such as ``none``."""
        self._daemon = daemon
        self._network = network

    def build(
        self,
        source: ImageSource,
        name: str,
        *,
        login: Login | None = None,
        show: Show = show_nothing,
    ) -> tuple[str, bool]:
        """Return the image's tag, and whether it had to be built.

        Args:
            source: Sources of the image.
            name: Name of the image, to which the tag of its content is added.
            login: Login for the registry of the base image.
            show: Called with each line of progress.

        Raises:
            NotFoundError: A file or the base image does not exist.
            ValidationError: The Dockerfile is not usable.
            ExternalServiceError: A step failed, the image is for another platform, or the daemon
                does not answer.
        """
        with tempfile.TemporaryFile() as archive:
            tag = source.pack(archive)
            if self.has_image(f"{name}:{tag}"):
                return tag, False
            archive.seek(0)
            self._build(source, f"{name}:{tag}", archive, login=login, show=show)
        return tag, True

    def has_image(self, name: str) -> bool:
        """Tell whether the daemon has an image."""
        with suppress(NotFoundError):
            return bool(image_facts(self._daemon, name))
        return False

    def _build(
        self,
        source: ImageSource,
        name: str,
        archive: IO[bytes],
        *,
        login: Login | None,
        show: Show,
    ) -> None:
        if not self.has_image(source.base):
            pull_image(self._daemon, source.base, login=login or login_for(source.base))
        buildx = Buildx.find(self._daemon.url)
        if buildx is not None:
            buildx.build(source, name, archive, network=self._network, show=show)
        else:
            self._build_by_daemon(source, name, archive, show)
        self._check_platform(source, name)

    def _build_by_daemon(
        self, source: ImageSource, name: str, archive: IO[bytes], show: Show
    ) -> None:
        api = self._daemon.api
        parameters = {
            "t": name,
            "dockerfile": DOCKERFILE,
            "buildargs": json.dumps(source.build_arguments),
            "platform": source.platform.value,
            "networkmode": self._network or "default",
            "rm": "1",
            "forcerm": "1",
        }
        with self._daemon.translated("build", name):
            # The client's own method would send every login of the user's config.json along.
            response = api.post(
                f"{api.base_url}/v{api.api_version}/build",
                params=parameters,
                data=archive,
                headers={"Content-Type": "application/x-tar"},
                stream=True,
            )
            with closing(response):
                response.raise_for_status()
                result = read_stream(
                    map(json.loads, response.iter_lines()), "build", name, show=show
                )
        if not result.get("ID"):
            raise failure("build", name, "the stream ended without an image")

    def _check_platform(self, source: ImageSource, name: str) -> None:
        platform = platform_of(image_facts(self._daemon, name))
        if platform != source.platform:
            with self._daemon.translated("remove", name):
                self._daemon.api.remove_image(name)
            detail = f"it is for {platform}, as its base image is: expected {source.platform}"
            raise failure("build", name, detail)
