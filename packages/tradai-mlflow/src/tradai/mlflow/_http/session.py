"""The session of requests: address, login, certificates and proxy, from our settings alone."""

import base64
import json
import os
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Final, final
from urllib.parse import quote, unquote, urlencode, urlsplit

import requests

from tradai.core import ForkLock, Secret
from tradai.core.exceptions import ConfigurationError
from tradai.mlflow._http.adapter import DeadlineAdapter
from tradai.mlflow._http.attempt import Attempt
from tradai.mlflow._http.request import Request
from tradai.mlflow._settings import MLflowSettings

_JSON: Final = {"Content-Type": "application/json"}
# Names of models and paths of artifacts may have any character.
_KEPT_IN_PATHS: Final = "/:"


@final
class Connections:
    """Connections to one server, shared by the threads of a process, and never by two processes.

    Attributes:
        uri: Address of the server, without a slash at its end.
    """

    def __init__(self, settings: MLflowSettings) -> None:
        """Take address, login, certificates and proxy from `settings`.

        Raises:
            ConfigurationError: They name no server, or a file that does not exist.
        """
        if settings.uri is None:
            message = (
                "no MLflow server is configured: set MLFLOW_TRACKING_URI to its address, for "
                "example http://127.0.0.1:5000"
            )
            raise ConfigurationError(message, key="MLFLOW_TRACKING_URI")
        _check_file(settings.server_cert_path, "MLFLOW_TRACKING_SERVER_CERT_PATH")
        _check_file(settings.client_cert_path, "MLFLOW_TRACKING_CLIENT_CERT_PATH")
        self.uri = settings.uri.rstrip("/")
        self._settings = settings
        self._login = _login(settings)
        self._proxy = None if settings.proxy is None else Secret(settings.proxy)
        # Held so that they are masked wherever a server or a proxy repeats them.
        self._held = tuple(map(Secret, _secret_parts(settings)))
        self._lock = ForkLock()
        self._session: requests.Session | None = None
        self._process = os.getpid()

    def send(self, request: Request, attempt: Attempt) -> requests.Response:
        """Send `request` once, and return the answer, whatever its status, with its body unread."""
        wait = attempt.wait_s()
        session = self._own_session()
        prepared = session.prepare_request(_prepared(request, self.uri))
        # The session itself would read a redirect, however long, and look where it leads.
        return session.get_adapter(self.uri).send(
            prepared,
            stream=True,
            timeout=(wait, wait),
            verify=session.verify is None or session.verify,
            cert=session.cert,
            proxies=session.proxies,
        )

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None and self._process == os.getpid():
            session.close()

    def _own_session(self) -> requests.Session:
        """Return the session of this process: a forked child must not write to its parent's."""
        with self._lock:
            if self._session is None or self._process != os.getpid():
                self._session = self._new_session()
                self._process = os.getpid()
            return self._session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Otherwise a .netrc replaces the login, and variables choose the proxy.
        session.trust_env = False
        session.mount("http://", DeadlineAdapter())
        session.mount("https://", DeadlineAdapter())
        # The server keeps no state for us, and threads would share the cookies.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["Accept-Encoding"] = "identity"
        session.headers["User-Agent"] = "tradai-mlflow"
        if self._login is not None:
            session.headers["Authorization"] = self._login.reveal()
        if self._proxy is not None:
            session.proxies = dict.fromkeys(("http", "https"), self._proxy.reveal())
        settings = self._settings
        session.verify = str(settings.server_cert_path) if settings.server_cert_path else True
        session.cert = str(settings.client_cert_path) if settings.client_cert_path else None
        return session


def _check_file(path: Path | None, variable: str) -> None:
    if path is not None and not path.is_file():
        message = f"{variable} is {path}, a file that does not exist; correct the path"
        raise ConfigurationError(message, key=variable)


def _login(settings: MLflowSettings) -> Secret | None:
    """Return the header that logs in; MLflow's own tools prefer the user name as well."""
    if settings.username is not None and settings.password is not None:
        pair = f"{settings.username}:{settings.password.get_secret_value()}"
        return Secret(f"Basic {base64.b64encode(pair.encode()).decode()}")
    if settings.token is not None:
        return Secret(f"Bearer {settings.token.get_secret_value()}")
    return None


def _secret_parts(settings: MLflowSettings) -> Iterator[str]:
    """Yield the texts that a server or a proxy could repeat."""
    for secret in (settings.password, settings.token):
        if secret is not None:
            yield secret.get_secret_value()
    if settings.proxy is not None:
        password = urlsplit(settings.proxy.get_secret_value()).password
        if password:
            yield unquote(password)


def _prepared(request: Request, uri: str) -> requests.Request:
    query = f"?{urlencode(request.query, doseq=True)}" if request.query else ""
    url = f"{uri}{quote(request.path, safe=_KEPT_IN_PATHS)}{query}"
    if request.file is not None:
        request.file.seek(0)
        return requests.Request(request.method, url, data=request.file)
    if request.body is None:
        return requests.Request(request.method, url)
    body = json.dumps(request.body, separators=(",", ":"), allow_nan=False)
    return requests.Request(request.method, url, data=body.encode(), headers=_JSON)
