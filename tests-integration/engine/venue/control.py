"""A test's way to the loopback exchange: run it, script faults, read what it saw."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.venue.faults import Fault

_FOLDER: Final = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def running_exchange() -> Iterator[str]:
    """Run a loopback exchange as a child process, and yield its address."""
    command = [sys.executable, "-m", "engine.loopback_exchange"]
    with subprocess.Popen(command, cwd=_FOLDER, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@dataclass(frozen=True)
class Venue:
    """The loopback exchange at `url`, through paths that Binance does not have."""

    url: str

    def reset(self) -> None:
        """Begin again, with an account that has never traded."""
        self._send("reset", {})

    def signed(self) -> dict[str, int]:
        """Return the number of requests with a key or a signature, by endpoint."""
        return self._requests()["signed"]

    def public(self) -> dict[str, int]:
        """Return the number of the other requests, by endpoint."""
        return self._requests()["public"]

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders of all clients; this question is not counted."""
        rows: list[dict[str, Any]] = self._send("orders", None)
        return rows

    def script(self, on: str, fault: Fault, **more: int) -> None:
        """Let `fault` happen to requests to the endpoint `on`; it replaces earlier scripts."""
        self._send("faults", [{"on": on, "fault": fault, **more}])

    def set(self, **settings: Any) -> None:
        """Change settings of the exchange.

        Settings: `clock_offset_ms`, `fill_share`, `weight_limit`, `prices` (pinned, by symbol),
        `closed` (symbols that are not traded), `without_candles` (symbols), `deleted_keys`,
        `is_down` (no request is counted or answered).
        """
        self._send("settings", settings)

    def _requests(self) -> Mapping[str, dict[str, int]]:
        counts: Mapping[str, dict[str, int]] = self._send("requests", None)
        return counts

    def _send(self, what: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/loopback/{what}", data=data, timeout=60) as answer:
            return json.load(answer)
