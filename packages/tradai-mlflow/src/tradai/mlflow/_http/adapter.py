"""Connections of requests and urllib3 that obey the deadline of the attempt."""

import socket
from typing import Any, Final, final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from tradai.mlflow._http.attempt import CURRENT
from tradai.mlflow._http.sockets import DeadlineSocket, open_socket

# Connections that are kept for later calls; more threads than that open theirs anew.
_KEPT: Final = 16


def _connected(connection: HTTPConnection) -> socket.socket:
    """Return a connected socket; errors are those that urllib3 expects."""
    try:
        return open_socket(connection.host, connection.port)
    except socket.gaierror as exc:
        raise NameResolutionError(connection.host, connection, exc) from exc
    except TimeoutError as exc:
        raise ConnectTimeoutError(connection, str(exc)) from exc
    except OSError as exc:
        raise NewConnectionError(connection, str(exc)) from exc


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def connect(self) -> None:
        super().connect()
        self.sock = DeadlineSocket(self.sock)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def _tunnel(self) -> None:
        """Ask the proxy for a way to the server; nothing is sent to the server itself."""
        wire, attempt = self.sock, CURRENT.get()
        self.sock = DeadlineSocket(wire)
        try:
            super()._tunnel()
        finally:
            attempt.was_sent = False
        self.sock = wire
        attempt.bound(wire)

    def connect(self) -> None:
        super().connect()
        self.sock = DeadlineSocket(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS: Final = {"http": _Pool, "https": _TlsPool}


@final
class DeadlineAdapter(HTTPAdapter):
    """Adapter of requests whose connections obey the deadline; it never tries again by itself."""

    def __init__(self) -> None:
        """Keep a few connections for later calls."""
        super().__init__(pool_maxsize=_KEPT, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as in requests
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        _use_own_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:  # noqa: ANN401 - as in requests
        """Return the pools of connections through `proxy`."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        _use_own_pools(manager)
        return manager


def _use_own_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = _POOLS
