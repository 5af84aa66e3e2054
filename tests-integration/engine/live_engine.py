"""The bare engine in live mode, without tradai, which refuses the mode.

Its orders are real to the engine, and no money moves: it trades on the loopback exchange.
"""

import contextlib
import json
import os
import select
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.venue.keys import ApiKey

# Not through the door: the address of the engine's client and its stop are not public.
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

STRATEGIES: Final = Path(__file__).resolve().parent / "demo" / "strategies"
# Begins the id of every order, so that ours are known.
PREFIX: Final = "x-0123456789ab"
_PATIENCE_S: Final = 300
COMMAND: Final = (
    *("trade", "--config", "-", "--userdir", ".", "--strategy-path", str(STRATEGIES)),
    *("--db-url", "sqlite:///trades.sqlite", "--strategy"),
)


@dataclass(frozen=True, kw_only=True)
class LiveEngine:
    """An engine that trades, or has ended."""

    process: "subprocess.Popen[bytes]"
    control: EngineControl
    folder: Path

    @property
    def log(self) -> str:
        """Its log so far."""
        return (self.folder / "engine.log").read_text()

    def wait_for(self, condition: Callable[[], bool], *, event: str, poll_s: float = 0.05) -> None:
        """Poll until `condition` holds; fail when the engine ends or time runs out before."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            assert self.process.poll() is None, f"it ended before {event}: {self.log}"
            assert time.monotonic() < deadline, f"it never came to {event}: {self.log}"
            select.select([], [], [], poll_s)

    def stop(self) -> int:
        """Let it finish its work, end it, and return its exit code."""
        assert self.control.stop_trading(), self.log
        self.wait_for(lambda: "to: STOPPED" in self.log, event="the stop of trading")
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE_S)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return rows of its database."""
        with closing(sqlite3.connect(self.folder / "trades.sqlite")) as database:
            return database.execute(query).fetchall()


@contextlib.contextmanager
def live_engine(
    url: str,
    key: ApiKey,
    *,
    strategy: str,
    engine_bin: Path,
    environ: Mapping[str, str],
    folder: Path,
) -> Iterator[LiveEngine]:
    """Start the engine with `key` on the exchange at `url`; it is killed at the end."""
    # No other test is given the port while the engine runs.
    with EngineControl.reserved() as control:
        control.open()
        with (folder / "engine.log").open("wb") as log:
            process = subprocess.Popen(
                [engine_bin / "freqtrade", *COMMAND, strategy],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The engine wraps its log at the width of the terminal, and colours it.
                env={**environ, "COLUMNS": "1000", "NO_COLOR": "1"},
                cwd=folder,
                start_new_session=True,
            )
        try:
            assert process.stdin is not None
            with process.stdin as configuration:
                configuration.write(json.dumps(live_config(url, key) | control.config()).encode())
            yield LiveEngine(process=process, control=control, folder=folder)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def live_config(url: str, key: ApiKey) -> dict[str, Any]:
    """Return the engine's configuration without the section that starts its API."""
    ccxt = exchange_named("binance").ccxt_config(url)
    assert isinstance(ccxt["options"], dict)
    options = {**ccxt["options"], "broker": {"spot": PREFIX}}
    pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "dry_run": False,
        "stake_currency": "USDT",
        "stake_amount": 100,
        "max_open_trades": 2,
        "initial_state": "running",
        "internals": {"process_throttle_secs": 1},
        "unfilledtimeout": {"entry": 3, "exit": 30, "unit": "seconds"},
        "exchange": {
            "name": "binance",
            "key": key.key,
            "secret": key.secret,
            "enable_ws": False,
            "pair_whitelist": ["BTC/USDT", "ETH/USDT"],
            "ccxt_config": {**ccxt, "options": options},
        },
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "pairlists": [{"method": "StaticPairList"}],
    }
