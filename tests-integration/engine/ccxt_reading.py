"""Read the loopback exchange with ccxt, the engine's own client; print what it understood.

Runs in the engine's Python, in the integration tests' folder:
``python -m engine.ccxt_reading URL``.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import ccxt
from engine.venue.control import Venue
from engine.venue.faults import Fault
from engine.venue.keys import READER, STRANGER, TRADER, ApiKey

from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

PAIR = "BTC/USDT"


def client_at(url: str, key: ApiKey = TRADER) -> Any:
    """Return ccxt's client, with the settings that the engine gets."""
    settings = exchange_named("binance").ccxt_config(url)
    return ccxt.binance({**settings, "apiKey": key.key, "secret": key.secret})


def understood(url: str) -> dict[str, Any]:
    """Trade, and return ccxt's reading of the answers."""
    venue, client = Venue(url), client_at(url)
    venue.set(prices={"BTCUSDT": 60_000})
    bought = client.create_order(PAIR, "limit", "buy", 0.01, 60_100)
    stop = client.create_order(
        PAIR, "STOP_LOSS_LIMIT", "sell", 0.005, 58_900, {"stopPrice": 59_000}
    )
    waiting = client.fetch_order(stop["id"], PAIR)
    venue.set(prices={"BTCUSDT": 58_950})
    return {
        "bought": of(bought, "status", "filled", "average", "cost"),
        "stop": of(waiting, "status", "triggerPrice", "price", "side"),
        "stopped": of(client.fetch_order(stop["id"], PAIR), "status", "filled", "average"),
        "orders": [row["status"] for row in client.fetch_orders(PAIR)],
        "open": client.fetch_open_orders(PAIR),
        "trades": [
            [row["side"], row["price"], row["amount"], row["fee"]["currency"], row["fee"]["cost"]]
            for row in client.fetch_my_trades(PAIR)
        ],
        "ticker": of(client.fetch_ticker(PAIR), "last", "bid", "ask"),
        "balance": of(client.fetch_balance()["BTC"], "free", "used"),
        "errors": errors(venue),
    }


def errors(venue: Venue) -> dict[str, str]:
    """Return ccxt's name of each refusal."""
    client = client_at(venue.url)
    wrong_secret = ApiKey(key=TRADER.key, secret="x", rights={})  # noqa: S106 - no secret at all
    seen = {
        "unknown key": name_of(client_at(venue.url, STRANGER).fetch_balance),
        "wrong secret": name_of(client_at(venue.url, wrong_secret).fetch_balance),
        "read-only key": name_of(buy(client_at(venue.url, READER), 0.001)),
        "no money": name_of(buy(client, 1)),
        "unknown order": name_of(lambda: client.cancel_order("99", PAIR)),
    }
    venue.script("POST /api/v3/order", Fault.TOO_MANY)
    seen["too many"] = name_of(buy(client, 0.001))
    venue.script("POST /api/v3/order", Fault.LOST_REPLY)
    seen["lost reply"] = name_of(buy(client, 0.001))
    venue.set(clock_offset_ms=600_000)
    seen["clock"] = name_of(client.fetch_balance)
    return seen


def buy(client: Any, amount: float) -> Callable[[], Any]:
    """Return a call that buys."""
    return lambda: client.create_order(PAIR, "limit", "buy", amount, 50_000)


def name_of(call: Callable[[], Any]) -> str:
    """Return the name of the error that `call` raises."""
    try:
        call()
    except ccxt.BaseError as error:
        return type(error).__name__
    return "none"


def of(row: dict[str, Any], *names: str) -> list[Any]:
    """Return some values of `row`."""
    return [row[name] for name in names]


if __name__ == "__main__":
    print(json.dumps(understood(sys.argv[1])))
