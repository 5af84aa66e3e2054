"""The loopback exchange answers as Binance does: ccxt, the engine's client, understands it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named


def test_ccxt_reads_orders_fills_balances_and_refusals_as_they_were_meant(
    exchange: str, engine_bin: Path, environ: Mapping[str, str]
) -> None:
    done = subprocess.run(
        [engine_bin / "python", "-m", "engine.ccxt_reading", exchange],
        cwd=Path(__file__).resolve().parents[1],
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "bought": ["closed", 0.01, 60_000.01, 600.0001],
        "stop": ["open", 59_000.0, 58_900.0, "sell"],
        "stopped": ["closed", 0.005, 58_949.99],
        "orders": ["closed", "closed"],
        "open": [],
        "trades": [
            ["buy", 60_000.01, 0.01, "BTC", 0.00001],
            ["sell", 58_949.99, 0.005, "USDT", 0.29474995],
        ],
        "ticker": [58_950.0, 58_949.99, 58_950.01],
        "balance": [0.00499, 0.0],
        "errors": {
            "unknown key": "AuthenticationError",
            "wrong secret": "AuthenticationError",
            "read-only key": "AuthenticationError",
            "no money": "InsufficientFunds",
            "unknown order": "OrderNotFound",
            "too many": "DDoSProtection",
            "lost reply": "NetworkError",
            "clock": "InvalidNonce",
        },
    }


# Not through the door: the settings of the engine's client are not public.
SIGN: Final = """
import ccxt, json, sys
client = ccxt.binance({"apiKey": "fake", "secret": "fake", **json.load(sys.stdin)})
signed = client.sign("order", ["private"], "POST", {"symbol": "BTCUSDT"})
print(signed["body"])
"""


def test_the_engine_signs_orders_that_are_refused_when_they_come_late(
    engine_bin: Path, environ: Mapping[str, str]
) -> None:
    binance = exchange_named("binance")
    done = subprocess.run(
        [engine_bin / "python", "-c", SIGN],
        input=json.dumps(binance.ccxt_config(None, order_prefix="x-0123456789ab")),
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    (window_ms,) = parse_qs(done.stdout.strip())["recvWindow"]
    assert int(window_ms) / 1_000 + 1 < binance.in_flight_s
