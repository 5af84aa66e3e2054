"""Hosts that a client may talk to: its service's own at Amazon, or those of a custom endpoint."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, final
from urllib.parse import urlsplit

from tradai.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

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


def require_own_endpoint(service: str, prefix: str, endpoint_url: str) -> None:
    """Check that the endpoint that boto3 chose for `service` is one of that service, over TLS.

    Args:
        service: Name of the service for the error.
        prefix: Endpoint prefix of the service, such as ``monitoring`` for CloudWatch.
        endpoint_url: The endpoint.

    Raises:
        ConfigurationError: AWS's own configuration names another endpoint for one service only,
            so that its requests and credentials would reach another server than expected.
    """
    scheme, host = urlsplit(endpoint_url)[:2]
    if scheme != "https" or not _own_hosts(prefix).fullmatch(host.lower().removesuffix(":443")):
        message = (
            f"AWS_ENDPOINT_URL_<SERVICE> or a profile gives {service} a server that is not its "
            "own at Amazon, over TLS; put it into AWS_ENDPOINT_URL, which applies to every service"
        )
        raise ConfigurationError(message, key="AWS_ENDPOINT_URL")


def is_loopback(url: str) -> bool:
    """Return whether the host of `url` is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@lru_cache(maxsize=64)
def _own_hosts(prefix: str) -> re.Pattern[str]:
    """Return the pattern of the hosts of a service, from the endpoint data of botocore."""
    return re.compile("|".join({host for one in _partitions() for host in _patterns(one, prefix)}))


@lru_cache(maxsize=1)
def _partitions() -> list[dict[str, Any]]:
    from botocore.loaders import create_loader

    found: list[dict[str, Any]] = create_loader().load_data("endpoints")["partitions"]
    return found


def _patterns(partition: dict[str, Any], prefix: str) -> Iterator[str]:
    """Yield the patterns of the hosts of a service in one partition of AWS, such as China."""
    service = partition["services"].get(prefix, {})
    entries = [partition["defaults"], service.get("defaults", {})]
    entries += service.get("endpoints", {}).values()
    names = {
        "service": re.escape(prefix),
        # botocore has names such as aws-global for the region of a service without regions.
        "region": f"(?:{partition['regionRegex'].strip('^$')}|aws[a-z-]*-global)",
    }
    for entry in (one for each in entries for one in (each, *each.get("variants", ()))):
        names["dnsSuffix"] = re.escape(entry.get("dnsSuffix", partition["dnsSuffix"]))
        if "hostname" in entry:
            # Names are words in braces, which need no escape in a template.
            host = entry["hostname"].replace(".", r"\.")
            yield host.format_map(names)
        # An endpoint in a private network; for S3, of buckets or access points.
        yield r"(?:[a-z0-9-]+\.){{1,2}}{service}\.{region}\.vpce\.{dnsSuffix}".format_map(names)


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
