"""Channels of alerts that need no other distribution: the log, and a web address."""

import ipaddress
import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, final
from urllib.parse import SplitResult, urlsplit

from tradai.core import SecretReference, resolve_secret
from tradai.core.exceptions import ConfigurationError, ExternalServiceError, ValidationError
from tradai.core.live import Alert

_log: Final = logging.getLogger("tradai.alerts")
_DEADLINE_S: Final = 10.0
_EXPECTED: Final = "webhook: and the reference of a secret that is a URL, such as webhook:env:NAME"


@final
class LogChannel:
    """Alerts in the log of the process, as warnings."""

    @classmethod
    def for_uri(cls, uri: str) -> "LogChannel":
        """Return the channel for ``log:``.

        Raises:
            ValidationError: `uri` is another.
        """
        if uri != "log:":
            message = "an address of alerts is not usable: expected log: and nothing after it"
            raise ValidationError(message, field="uri", expected="log:")
        return cls()

    def send(self, alert: Alert) -> None:
        """Log `alert`."""
        _log.warning(alert.text, extra={"alert": alert.kind, **_prefixed(alert)})


@final
class WebhookChannel:
    """Alerts as JSON, posted to a URL that is a secret: chat services put the right to post in it.

    The URL is https, or http on a loopback address, and is resolved for each alert, so it may be
    rotated. Redirects are not followed, and no proxy of the environment is used.
    """

    def __init__(self, reference: SecretReference, *, deadline_s: float = _DEADLINE_S) -> None:
        """Post to the URL that `reference` names, each time within `deadline_s`."""
        self._reference = reference
        self._deadline_s = deadline_s

    @classmethod
    def for_uri(cls, uri: str) -> "WebhookChannel":
        """Return the channel for ``webhook:`` and the reference of the URL.

        Raises:
            ValidationError: `uri` has no reference. It is not quoted: it may be the secret.
        """
        try:
            return cls(SecretReference(uri.partition(":")[2]))
        except ValidationError:
            pass
        # A traceback may show what this frame holds.
        del uri
        message = f"an address of alerts is not usable: expected {_EXPECTED}"
        raise ValidationError(message, field="uri", expected=_EXPECTED)

    def check(self) -> None:
        """Check that there is an address now, without a request.

        Raises:
            ConfigurationError: The secret is not a URL of https, or of http on loopback.
            NotFoundError: The secret does not exist.
            ExternalServiceError: The source of the secret refused or did not answer.
        """
        self._parts()

    def send(self, alert: Alert) -> None:
        """Post `alert`.

        Raises:
            ConfigurationError: The secret is not a URL of https, or of http on loopback.
            NotFoundError: The secret does not exist.
            ExternalServiceError: The server did not take it, or did not answer in time.
        """
        parts = self._parts()
        body = json.dumps(alert.to_json(), ensure_ascii=False).encode()
        status, problem = 0, ""
        try:
            status = self._post(parts, body)
        # The text of the latter may have the URL.
        except (OSError, HTTPException, ValueError) as exc:
            problem = type(exc).__name__
        if problem or not 200 <= status < 300:  # noqa: PLR2004 - the class of success of HTTP
            answer = f"did not answer ({problem})" if problem else f"answered {status}"
            message = f"the webhook of {self._reference} {answer}: look at the service"
            raise ExternalServiceError(message, service="webhook", operation="post", retryable=True)

    def _parts(self) -> SplitResult:
        url = resolve_secret(self._reference).reveal()
        with suppress(ValueError):
            parts = urlsplit(url)
            # Reading the port checks it.
            is_secure = parts.scheme == "https" and parts.port != 0
            if parts.hostname and (is_secure or _is_loopback(parts)):
                return parts
        # A traceback may show what this frame holds.
        del url
        message = f"{self._reference} is not usable: expected https, or http on a loopback address"
        raise ConfigurationError(message, key=str(self._reference))

    def _post(self, parts: SplitResult, body: bytes) -> int:
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        with closing(self._connection(parts)) as connection:
            connection.connect()
            with _deadline(connection.sock, self._deadline_s):
                headers = {"Content-Type": "application/json; charset=utf-8"}
                connection.request("POST", target, body, headers)
                return connection.getresponse().status

    def _connection(self, parts: SplitResult) -> HTTPConnection:
        host, port, limit_s = parts.hostname or "", parts.port, self._deadline_s
        if parts.scheme == "http":
            return HTTPConnection(host, port, timeout=limit_s)
        return HTTPSConnection(host, port, timeout=limit_s, context=ssl.create_default_context())


def _is_loopback(parts: SplitResult) -> bool:
    # A name may become another address: only a literal one counts, and no port of 0.
    address = ipaddress.ip_address(parts.hostname or "")
    return parts.scheme == "http" and address.is_loopback and parts.port != 0


@contextmanager
def _deadline(line: socket.socket, seconds: float) -> Iterator[None]:
    """Cut the connection after `seconds`: its own time limit starts again with every byte.

    Raises:
        TimeoutError: It was cut; half an answer may look like a whole one.
    """
    is_cut = threading.Event()

    def cut() -> None:
        is_cut.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
        if is_cut.is_set():
            raise TimeoutError


def _prefixed(alert: Alert) -> dict[str, object]:
    """Return the facts under names that no field of a log record has."""
    return {f"fact_{name}": fact for name, fact in alert.facts.items()}
