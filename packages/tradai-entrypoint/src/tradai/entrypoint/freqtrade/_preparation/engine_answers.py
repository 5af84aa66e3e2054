"""The engine's own answers about a configuration, in a process of its Python.

It sends nothing: the schema is that of the installed engine, and the id of an order is made by the
engine's client for an order that is not placed.
"""

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

# The strategy class may set them, so a configuration may be without.
_OF_THE_STRATEGY: Final = frozenset({"max_open_trades", "minimal_roi", "stoploss"})
# Answers of the exchange that the client needs, and a spot market does not have.
_NO_MARGIN_PAIRS: Final[dict[str, list[str]]] = {
    "crossMarginPairsData": [],
    "isolatedMarginPairsData": [],
}


def main() -> int:
    """Read a configuration and a market from standard input, and print the answers as JSON."""
    given = json.load(sys.stdin)
    answers = {
        "schema_problems": _schema_problems(given["config"]),
        "client_order_id": _client_order_id(given["config"]["exchange"], given["symbol"]),
    }
    sys.stdout.write(json.dumps(answers))
    return 0


def _schema_problems(config: Mapping[str, Any]) -> list[str]:
    schemas = importlib.import_module("freqtrade.config_schema.config_schema")
    validation = importlib.import_module("freqtrade.configuration.config_validation")
    schema = deepcopy(schemas.CONF_SCHEMA)
    required = (name for name in schemas.SCHEMA_TRADE_REQUIRED if name not in _OF_THE_STRATEGY)
    schema["required"] = list(required)
    # Its validator fills in defaults.
    errors = validation.FreqtradeValidator(schema).iter_errors(deepcopy(dict(config)))
    return [_sentence(error.absolute_path, error.message) for error in errors]


def _sentence(path: Sequence[object], message: str) -> str:
    place = ".".join(map(str, path))
    return f"{place}: {message}" if place else message


def _client_order_id(exchange: Mapping[str, Any], symbol: Mapping[str, Any]) -> str:
    ccxt = importlib.import_module("ccxt")
    client = getattr(ccxt, exchange["name"])(exchange["ccxt_config"])
    client.options.update(_NO_MARGIN_PAIRS)
    market = client.parse_market(symbol)
    client.set_markets([market])
    order = client.create_order_request(market["symbol"], "limit", "buy", 1, 1)
    return str(order["newClientOrderId"])
