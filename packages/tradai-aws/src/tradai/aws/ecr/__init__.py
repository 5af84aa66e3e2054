"""Container images, built by a Docker daemon and published in Amazon ECR.

An image is named by the content that it is built from, so that nothing is built or pushed twice.
Needs the extra `docker`.
"""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws._images.builder import ImageBuilder as ImageBuilder
    from tradai.aws._images.command import image_command as image_command
    from tradai.aws._images.daemon import Daemon as Daemon
    from tradai.aws._images.registry_login import RegistryLogin as RegistryLogin
    from tradai.aws._images.repository import (
        EcrRepository as EcrRepository,
        EcrSettings as EcrSettings,
        PublishedImage as PublishedImage,
    )
    from tradai.aws._images.source import ImageSource as ImageSource

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_images.builder": "ImageBuilder",
            "_images.command": "image_command",
            "_images.daemon": "Daemon",
            "_images.registry_login": "RegistryLogin",
            "_images.repository": "EcrRepository EcrSettings PublishedImage",
            "_images.source": "ImageSource",
        },
        home="tradai.aws",
    )
