"""Binance's own description of its spot markets: fetched, or made in the same form."""

import ipaddress
import json
import urllib.request
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit

from tradai.core import JsonValue
from tradai.core.exceptions import ExternalServiceError, ValidationError

__all__ = ["fetch_symbols", "made_symbol"]

_VENUE: Final = "https://api.binance.com"
_TIMEOUT_S: Final = 30.0
# Ten times what the exchange sends today.
_LARGEST_BYTES: Final = 256 * 1024 * 1024
# "Too many requests", and the ban that follows it.
_SLOW_DOWN: Final = (418, 429)
_SERVER_ERRORS: Final = 500


def fetch_symbols(base_url: str | None = None) -> tuple[dict[str, JsonValue], ...]:
    """Return the exchange's symbol objects as it sends them.

    Args:
        base_url: Another address of the exchange: https, or http on a loopback address.

    Raises:
        ExternalServiceError: The exchange was not reachable or did not answer as it should.
        ValidationError: `base_url` is neither https nor on a loopback address.
    """
    url = f"{(base_url or _VENUE).rstrip('/')}/api/v3/exchangeInfo"
    opener = _opener(url)
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            return tuple(json.loads(answer.read(_LARGEST_BYTES))["symbols"])
    except HTTPError as exc:
        with exc:
            may_pass = exc.code in _SLOW_DOWN or exc.code >= _SERVER_ERRORS
            raise _not_fetched(url, str(exc), retryable=may_pass) from exc
    except (OSError, HTTPException) as exc:
        raise _not_fetched(url, str(exc) or type(exc).__name__, retryable=True) from exc
    except (ValueError, LookupError, TypeError) as exc:
        raise _not_fetched(url, "the answer is not an exchange's", retryable=False) from exc


def made_symbol(pair: str, *, tick: str, step: str, min_notional: str) -> dict[str, JsonValue]:
    """Return a symbol object like the exchange's, with what the engine reads of it."""
    base, _, quote = pair.partition("/")
    return {
        "symbol": f"{base}{quote}",
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000",
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": step,
                "maxQty": "9000000",
                "stepSize": step,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": min_notional,
                "applyMinToMarket": True,
                "maxNotional": "9000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return what opens `url`: past any proxy when it is on this machine."""
    parts = urlsplit(url)
    if _is_loopback(parts.hostname or ""):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    if parts.scheme != "https":
        raise ValidationError(
            f"the exchange's address {url} is not usable: expected https, or http on a loopback "
            "address",
            field="base_url",
            expected="https://... or http://127.0.0.1:...",
        )
    return urllib.request.build_opener()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _not_fetched(url: str, why: str, *, retryable: bool) -> ExternalServiceError:
    return ExternalServiceError(
        f"the market rules could not be fetched from {url}: {why}; try again later",
        service="binance",
        operation="exchangeInfo",
        retryable=retryable,
    )
