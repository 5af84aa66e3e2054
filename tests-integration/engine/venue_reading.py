"""Load the markets of exchanges with the installed engine; print what it understood.

Runs in the engine's Python, in the integration tests' folder; reads the settings of the clients by
exchange from standard input: ``python -m engine.venue_reading``.
"""

import json
import sys
from typing import Any

import ccxt
from freqtrade.enums import RunMode
from freqtrade.exchange.common import SUPPORTED_EXCHANGES
from freqtrade.resolvers import ExchangeResolver

from tradai.entrypoint.freqtrade._exchange._recorded.known import RECORDED_EXCHANGES


def markets_of(name: str, client: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the rules by pair, as the engine loads them with the settings `client`."""
    exchange = ExchangeResolver.load_exchange(
        {
            "exchange": {"name": name, "enable_ws": False, "ccxt_config": client},
            "stake_currency": "USDT",
            "dry_run": True,
            "runmode": RunMode.OTHER,
            "trading_mode": "spot",
        },
        validate=False,
    )
    exchange.reload_markets(force=True)
    rules = {
        pair: [
            market["precision"]["price"],
            market["precision"]["amount"],
            market["limits"]["amount"]["min"],
            market["limits"]["cost"]["min"],
            market["taker"],
        ]
        for pair, market in exchange.markets.items()
    }
    exchange.close()
    return rules


def parts_of(name: str) -> dict[str, str]:
    """Return the address of each part of an exchange's REST API in ccxt; a dot leads inside."""
    client = getattr(ccxt, name)()
    hosts = client.urls.get("hostnames", {})

    def flat(part: str, value: Any) -> dict[str, str]:
        if isinstance(value, dict):
            inner = (flat(f"{part}.{key}" if part else key, each) for key, each in value.items())
            return {key: address for each in inner for key, address in each.items()}
        return {part: value.replace("{hostname}", hosts.get(part, client.hostname or ""))}

    return flat("", client.urls["api"])


def known_parts() -> dict[str, dict[str, str]]:
    """Return the addresses that tradai redirects, in the same form."""
    return {
        exchange.name: {
            part: address for address, parts in exchange.addresses.items() for part in parts.split()
        }
        for exchange in RECORDED_EXCHANGES
    }


if __name__ == "__main__":
    given = json.load(sys.stdin)
    known = known_parts()
    read = {
        "markets": {name: markets_of(name, client) for name, client in given.items()},
        "supported": sorted(SUPPORTED_EXCHANGES),
        "wrong addresses": [name for name, parts in known.items() if parts != parts_of(name)],
    }
    print(json.dumps(read))
