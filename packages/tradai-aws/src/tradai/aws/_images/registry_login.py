"""Login of an ECR registry: a token in memory, renewed at half of its life."""

import base64
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from tradai.aws._client.client import client_for
from tradai.aws._client.errors import AwsError, translated
from tradai.aws._client.settings import AwsSettings
from tradai.aws._images.transfers import Login
from tradai.core import register_secret

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient


_ECR_IMAGE: Final = re.compile(
    r"[0-9]{12}\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/.+"
)


def login_for(image: str, client: "ECRClient | None" = None) -> Login | None:
    """Return a login for the registry of `image`; None when it is not one of Amazon ECR.

    Raises:
        AwsError: AWS refused, or did not answer.
    """
    match = _ECR_IMAGE.fullmatch(image)
    if match is None:
        return None
    return RegistryLogin(client or client_for("ecr", AwsSettings(region=match["region"]))).get()


class _Token(NamedTuple):
    login: Login
    host: str
    renew_at_s: float


@final
class RegistryLogin:
    """The token of one account's registry; threads share it, and one of them asks AWS for it.

    It is never written to a file, and Docker's own ``config.json`` plays no part.
    """

    def __init__(self, client: "ECRClient", clock: Callable[[], float] = time.time) -> None:
        """Ask through `client`; `clock` gives the seconds since 1970."""
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def get(self) -> Login:
        """Return user and password.

        Raises:
            AwsError: AWS refused, or did not answer.
        """
        return self._current().login

    def host(self) -> str:
        """Return the host of the account's registry."""
        return self._current().host

    def renew(self) -> Login:
        """Return a new login: the registry did not take the one from `get`."""
        with self._lock:
            self._token = None
        return self.get()

    def _current(self) -> _Token:
        with self._lock:
            if self._token is None or self._clock() >= self._token.renew_at_s:
                self._token = self._ask()
            return self._token

    def _ask(self) -> _Token:
        now_s = self._clock()
        with translated("ecr", "get_authorization_token"):
            answer = self._client.get_authorization_token()
        data: Any = answer["authorizationData"][0]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        if not password:
            message = "ecr get_authorization_token gave no password; see AWS's documentation"
            raise AwsError(
                message, service="ecr", operation="get_authorization_token", reason="NoPassword"
            )
        register_secret(password)
        life_s = max(0.0, data["expiresAt"].astimezone(UTC).timestamp() - now_s)
        host = data["proxyEndpoint"].partition("://")[2]
        return _Token((user, password), host, now_s + life_s / 2)
