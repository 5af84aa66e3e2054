"""Ownership of orders: each order of a strategy on an account begins its client id alike."""

import hashlib
import secrets
from typing import Final

from tradai.core import canonical_json
from tradai.core.live import TradingAccount

# The engine's client appends 22 characters of 0 to 9 and a to f, and Binance takes 36 in all.
_CLOSING: Final = "-"
_CLOSING_BYTES: Final = 10


def order_prefix(account: TradingAccount, strategy: str) -> str:
    """Return the beginning of every client order id of `strategy` on `account`.

    >>> order_prefix(TradingAccount(venue="binance", uid="1234567"), "Trend")[:2]
    'x-'
    """
    named = canonical_json({"account": str(account), "strategy": strategy})
    return f"x-{hashlib.sha256(named).hexdigest()[:12]}"


def is_ours(client_order_id: str, prefix: str) -> bool:
    """Return whether the order was placed under `prefix`; without a prefix none is ours."""
    return bool(prefix) and client_order_id.startswith(prefix)


def new_closing_id(prefix: str) -> str:
    """Return a client id for an order that closes a position without the engine."""
    return f"{prefix}{_CLOSING}{secrets.token_hex(_CLOSING_BYTES)}"


def is_closing(client_order_id: str, prefix: str) -> bool:
    """Return whether a stop placed the order to close a position: the engine books it later."""
    return is_ours(client_order_id, f"{prefix}{_CLOSING}" if prefix else "")
