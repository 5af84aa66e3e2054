"""Hosts that a client may talk to: those of Amazon, or those of its custom endpoint."""

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn, final
from urllib.parse import urlsplit

from tradai.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

# Hosts of the public, the Chinese, the US government and the European sovereign regions:
# https://docs.aws.amazon.com/general/latest/gr/rande.html
_AMAZON: Final = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
    ".api.amazonwebservices.eu",
)

# Methods that boto3 adds to the S3 API. On some machines they use the AWS Common Runtime, which
# ignores the endpoint and our event handlers.
_TRANSFERS: Final = ("copy", "download_file", "download_fileobj", "upload_file", "upload_fileobj")


@final
class HostGuard:
    """Reject every request that would leave an endpoint's host; a handler of ``before-send``."""

    def __init__(self, endpoint_url: str) -> None:
        """Allow requests to the host of `endpoint_url` and to names below it."""
        self._host = _host(endpoint_url)

    def __call__(self, *, request: "AWSPreparedRequest", **_: object) -> None:
        """Check the host of `request`.

        Raises:
            ConfigurationError: It is another host. Nothing was sent.
        """
        host = _host(request.url)
        if host != self._host and not host.endswith(f".{self._host}"):
            message = (
                f"a request to {host} was stopped: this client is for {self._host} only; set "
                "AWS_REGION to the bucket's region, or AWS_ENDPOINT_URL to the right server"
            )
            raise ConfigurationError(message, key="AWS_ENDPOINT_URL")


def require_amazon_host(service: str, endpoint_url: str) -> None:
    """Check that the endpoint that boto3 chose for `service` belongs to Amazon.

    Raises:
        ConfigurationError: AWS's own configuration names a custom endpoint for one service only,
            so that requests to the others would reach AWS.
    """
    if not _host(endpoint_url).endswith(_AMAZON):
        message = (
            f"AWS_ENDPOINT_URL_<SERVICE> or a profile gives {service} a server that is not "
            "Amazon's; put it into AWS_ENDPOINT_URL, which applies to every service"
        )
        raise ConfigurationError(message, key="AWS_ENDPOINT_URL")


def is_loopback(url: str) -> bool:
    """Return whether the host of `url` is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def disable_transfers(*, class_attributes: dict[str, object], **_: object) -> None:
    """Replace boto3's transfer methods by an error; a handler of ``creating-client-class.s3``."""
    for name in _TRANSFERS:
        class_attributes[name] = _disabled(name)


def _disabled(name: str) -> Callable[..., NoReturn]:
    def disabled(*_: object, **__: object) -> NoReturn:
        message = (
            f"{name} of boto3 is off while AWS_ENDPOINT_URL is set: it may use a transfer client "
            "that ignores the endpoint; use S3Store instead"
        )
        raise ConfigurationError(message, key="AWS_ENDPOINT_URL")

    return disabled


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
