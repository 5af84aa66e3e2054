"""API keys that the loopback exchange knows, and the signatures it accepts."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from engine.venue.refusals import (
    BAD_SIGNATURE,
    EARLY,
    LATE,
    RefusedError,
    bad_key,
    bad_key_format,
    missing,
)

_FORMAT: Final = re.compile(r"[A-Za-z0-9]{64}", re.ASCII)
_DEFAULT_WINDOW_MS: Final = 5_000.0
_LARGEST_WINDOW_MS: Final = 60_000.0
_AHEAD_MS: Final = 1_000
_TRADER: Final = {
    "ipRestrict": True,
    "createTime": 1_700_000_000_000,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableSpotAndMarginTrading": True,
    "enablePortfolioMarginTrading": False,
}


def _fake(text: str) -> str:
    """Repeat `text` until it is as long as a key of Binance."""
    return (text * 64)[:64]


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key, its secret, and its rights as the exchange would show them."""

    key: str
    secret: str = field(default=_fake("NotASecret"), repr=False)
    rights: Mapping[str, Any]

    @property
    def may_trade(self) -> bool:
        """Whether it may place and cancel orders."""
        return bool(self.rights["enableSpotAndMarginTrading"])


TRADER: Final = ApiKey(key=_fake("FakeTrader"), rights=_TRADER)
READER: Final = ApiKey(
    key=_fake("FakeReader"), rights=_TRADER | {"enableSpotAndMarginTrading": False}
)
WITHDRAWER: Final = ApiKey(
    key=_fake("FakeWithdrawer"), rights=_TRADER | {"enableWithdrawals": True}
)
# The exchange does not say whether it may withdraw.
UNCLEAR: Final = ApiKey(
    key=_fake("FakeUnclear"),
    rights={name: value for name, value in _TRADER.items() if name != "enableWithdrawals"},
)
# A second key of the same account, with a secret of its own.
SECOND: Final = ApiKey(key=_fake("FakeSecond"), secret=_fake("NotASecondSecret"), rights=_TRADER)
# Some exchanges hand out secrets of digits only, which the engine's environment takes for a number.
DIGITS: Final = ApiKey(key=_fake("FakeDigits"), secret="1234567890" * 4, rights=_TRADER)
# Not known to the exchange.
STRANGER: Final = ApiKey(key=_fake("FakeStranger"), rights=_TRADER)
_KNOWN: Final = {each.key: each for each in (TRADER, SECOND, READER, WITHDRAWER, UNCLEAR, DIGITS)}


def signer_of(key: str | None, parts: Sequence[str], *, now_ms: int, trades: bool) -> ApiKey:
    """Return the key that signed a request.

    Args:
        key: Header of the request that names the key.
        parts: Query string and body, as they came.
        now_ms: Time of the exchange.
        trades: The request places or cancels an order.

    Raises:
        RefusedError: Key, time or signature are not right.
    """
    if key is None or not _FORMAT.fullmatch(key):
        raise bad_key_format()
    signer = _KNOWN.get(key)
    if signer is None or (trades and not signer.may_trade):
        raise bad_key()
    values = dict(parse_qsl("&".join(parts), keep_blank_values=True))
    for name in ("timestamp", "signature"):
        if not values.get(name):
            raise missing(name)
    _check_time(values, now_ms)
    payload = "".join(_unsigned(part) for part in parts).encode()
    expected = hmac.new(signer.secret.encode(), payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, values["signature"].lower()):
        raise RefusedError(*BAD_SIGNATURE)
    return signer


def _unsigned(part: str) -> str:
    return "&".join(pair for pair in part.split("&") if not pair.startswith("signature="))


def _check_time(values: Mapping[str, str], now_ms: int) -> None:
    if not values["timestamp"].isascii() or not values["timestamp"].isdigit():
        raise missing("timestamp")
    sent_ms = int(values["timestamp"])
    window_ms = float(values.get("recvWindow", _DEFAULT_WINDOW_MS))
    if window_ms > _LARGEST_WINDOW_MS:
        raise RefusedError(-1131, "recvWindow must be less than 60000.")
    if sent_ms >= now_ms + _AHEAD_MS:
        raise RefusedError(*EARLY)
    if now_ms - sent_ms > window_ms:
        raise RefusedError(*LATE)
