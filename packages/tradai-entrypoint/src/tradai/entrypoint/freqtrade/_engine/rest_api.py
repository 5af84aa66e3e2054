"""The engine's REST API on loopback: pause trading before the engine is stopped.

SIGTERM interrupts the engine wherever it is, also between an order and its row in the database.
When it is asked to pause first, it finishes what it is doing; only then is it sent SIGTERM.
"""

import base64
import http.client
import json
import secrets
import socket
from contextlib import closing
from http import HTTPStatus
from typing import Final, Self, final

from tradai.core import JsonValue, register_secret

_TIMEOUT_S: Final = 5.0
_HOST: Final = "127.0.0.1"
_USER: Final = "tradai"


@final
class EngineControl:
    """The engine's REST API on loopback, with a password of this run alone."""

    def __init__(self, *, port: int, password: str) -> None:
        """Address the engine on `port`."""
        self._port = port
        self._password = password

    @classmethod
    def new(cls) -> Self:
        """Choose a free port and a new password, which only the engine and this process have."""
        password = secrets.token_urlsafe(32)
        register_secret(password)
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            port: int = probe.getsockname()[1]
        return cls(port=port, password=password)

    def config(self) -> dict[str, JsonValue]:
        """Return the section of the engine's configuration that starts the API."""
        return {
            "api_server": {
                "enabled": True,
                "listen_ip_address": _HOST,
                "listen_port": self._port,
                "verbosity": "error",
                "enable_openapi": False,
                "username": _USER,
                "password": self._password,
                "jwt_secret_key": self._password,
                "ws_token": self._password,
            }
        }

    def pause(self) -> bool:
        """Ask the engine to stop trading; return whether it agreed."""
        # Not `urllib`, which hands the password to a proxy that the environment names.
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=_TIMEOUT_S)
        token = base64.b64encode(f"{_USER}:{self._password}".encode()).decode()
        with closing(connection):
            try:
                connection.request(
                    "POST", "/api/v1/stop", headers={"Authorization": f"Basic {token}"}
                )
                answer = connection.getresponse()
                status = json.load(answer) if answer.status == HTTPStatus.OK else None
            # An engine that is ending hangs up at any point of its answer.
            except (OSError, http.client.HTTPException, ValueError):
                return False
        return isinstance(status, dict) and "status" in status
