"""Ownership of orders: each order of a strategy on an account begins its client id alike."""

import hashlib

from tradai.core import canonical_json
from tradai.core.live import TradingAccount


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
