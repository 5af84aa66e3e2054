"""The engine's REST API on loopback: see that the bot trades, and have it stop in good order.

SIGTERM interrupts the engine wherever it is, also between an order and its row in the database.
When it is asked to stop trading first, it finishes what it is doing; only then is it sent SIGTERM.
"""

import base64
import http.client
import json
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from http import HTTPStatus
from typing import Final, Self, final
from urllib.parse import urlencode

from tradai.core import JsonValue, register_secret

_TIMEOUT_S: Final = 5.0
# For questions while the bot trades: its output is not read until they are answered.
_LOOK_TIMEOUT_S: Final = 2.0
# More than any series has: that many are left out of the answer from its beginning.
_NO_CANDLES: Final = -1_000_000
_HOST: Final = "127.0.0.1"
_USER: Final = "tradai"


@final
class EngineControl:
    """The engine's REST API on loopback, with a password of this run alone.

    Nothing is sent before `open`: each request has the password, and until the engine listens any
    other program may.
    """

    def __init__(self, *, port: int, password: str) -> None:
        """Address the engine on `port`, once it listens."""
        self._port = port
        self._is_open = False
        self._password = password
        self._token_key, self._socket_token = (secrets.token_urlsafe(32) for _ in range(2))
        for secret in (password, self._token_key, self._socket_token):
            register_secret(secret)

    @classmethod
    @contextmanager
    def reserved(cls) -> Iterator[Self]:
        """Choose a free port and a new password, which only the engine and this process have.

        On Linux no other program is given the port in the block, and none can take it by name
        unless it shares ports as the engine does. Other systems cannot keep it for the engine.
        """
        with socket.socket() as holder:
            if sys.platform == "linux":
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind((_HOST, 0))
            control = cls(port=holder.getsockname()[1], password=secrets.token_urlsafe(32))
            if sys.platform != "linux":
                holder.close()
            yield control

    def open(self) -> None:
        """Send requests from now on: the engine has said that it trades, so it has the port."""
        self._is_open = True

    @property
    def url(self) -> str:
        """Address of the API, and of FreqUI."""
        return f"http://{_HOST}:{self._port}"

    def sign_in_text(self) -> str:
        """Return address, user and password: for the terminal of a person, and nowhere else."""
        return f"{self.url}  user: {_USER}  password: {self._password}"

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
                "jwt_secret_key": self._token_key,
                "ws_token": self._socket_token,
            }
        }

    def pause_entries(self, *, timeout_s: float = _TIMEOUT_S) -> bool:
        """Ask the engine to open no more positions; return whether it agreed.

        An engine that has stopped trading begins again with this, to close positions.
        """
        return "status" in self._ask("pause", method="POST", timeout_s=timeout_s)

    def resume_entries(self, *, timeout_s: float = _TIMEOUT_S) -> bool:
        """Ask an engine that opens no more positions to do so again; return whether it agreed."""
        return "status" in self._ask("start", method="POST", timeout_s=timeout_s)

    def stop_trading(self, *, timeout_s: float = _TIMEOUT_S) -> bool:
        """Ask the engine to stop trading; return whether it agreed."""
        return "status" in self._ask("stop", method="POST", timeout_s=timeout_s)

    def last_loop_s(self) -> float | None:
        """Return when the bot's loop last came to its end, in epoch seconds; 0 is never.

        None means that the engine does not answer, here and below.
        """
        return _number(self._ask("health"), "last_process_ts")

    def total_profit(self) -> Decimal | None:
        """Return the profit of all trades of the database, in the stake currency.

        Open positions count at the price that the bot's loop saw last, which is at most five
        minutes old. None is also the answer while there is no price.
        """
        profit = self._ask("profit").get("profit_all_coin")
        return Decimal(str(profit)) if isinstance(profit, int | float) else None

    def newest_candle_s(self, pair: str, timeframe: str) -> float | None:
        """Return when the newest candle opened that the strategy has analysed, in epoch seconds.

        The engine calls the strategy's `plot_annotations`, where it has one.
        """
        opened_ms = _number(self._ask(_candles(pair, timeframe, limit=1)), "data_stop_ts")
        return None if opened_ms is None else opened_ms / 1_000

    def last_analysis_s(self, pair: str, timeframe: str) -> float | None:
        """Return when the strategy last analysed `pair`, in epoch seconds; it is not called."""
        # The engine calls the strategy for the candles in the answer, so there are none.
        path = _candles(pair, timeframe, limit=_NO_CANDLES)
        return _number(self._ask(path), "last_analyzed_ts")

    def profit(self) -> dict[str, JsonValue]:
        """Return the engine's figures of all trades of its database; empty without an answer."""
        return self._ask("profit")

    def open_trades(self) -> list[dict[str, JsonValue]] | None:
        """Return the open trades with their profit; None without an answer."""
        answer = self._read("status", method="GET", timeout_s=_LOOK_TIMEOUT_S)
        if not isinstance(answer, list):
            return None
        return [trade for trade in answer if isinstance(trade, dict)]

    def _ask(
        self, path: str, *, method: str = "GET", timeout_s: float = _LOOK_TIMEOUT_S
    ) -> dict[str, JsonValue]:
        """Return the engine's answer; empty when it does not give one."""
        answer = self._read(path, method=method, timeout_s=timeout_s)
        return answer if isinstance(answer, dict) else {}

    def _read(self, path: str, *, method: str, timeout_s: float) -> JsonValue:
        """Return the engine's answer; None when it does not give one, or does not listen yet."""
        if not self._is_open:
            return None
        # Not `urllib`, which hands the password to a proxy that the environment names.
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=timeout_s)
        token = base64.b64encode(f"{_USER}:{self._password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        with closing(connection):
            try:
                connection.request(method, f"/api/v1/{path}", headers=headers)
                answer = connection.getresponse()
                value: JsonValue = json.load(answer) if answer.status == HTTPStatus.OK else None
            # An engine that is ending hangs up at any point of its answer.
            except (OSError, http.client.HTTPException, ValueError):
                return None
        return value


def _candles(pair: str, timeframe: str, *, limit: int) -> str:
    query = {"pair": pair, "timeframe": timeframe, "limit": limit}
    return f"pair_candles?{urlencode(query)}"


def _number(answer: Mapping[str, JsonValue], name: str) -> float | None:
    """Return a number of the engine's answer, 0 for null; None without an answer."""
    if name not in answer:
        return None
    value = answer[name]
    return float(value) if isinstance(value, int | float) else 0.0
