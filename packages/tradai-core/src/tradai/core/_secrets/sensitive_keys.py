"""Sensitive keys, whose values are secret: the one list, for logs, journals and settings."""

import re
from functools import lru_cache
from typing import Final

_SECRET: Final = re.compile(
    r"(?i)(?:pass(?:word|wd|[_-]?phrase)|secret|token|credential|mnemonic|cookie|authorization"
    r"|(?:access|api|encryption|exchange|hmac|listen|master|priv(?:ate)?|secret|signing|ssh|wallet"
    r"|binance|bingx|bitfinex|bitget|bitmex|bybit|coinbase|gate(?:io)?|htx|hyperliquid|kraken"
    r"|kucoin|mexc|okx)[_-]?key"
    r"|(?:recovery|seed)[_-]?phrase"
    # A filter has a low pass, too.
    r"|(?:admin|api|database|db|email|login|mail|mongo|mysql|pg|postgres|proxy|redis|rpc|smtp|user)"
    r"[_-]?pass"
    r"|(?<![^\W_])(?:cred|jwt|pwd?)|(?-i:(?<=[a-z])Pwd?))s?[\d_-]*\Z"
)
# In trading a token is also a coin, and elsewhere something to be counted or turned over.
_INNOCENT: Final = re.compile(
    r"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))"
    r"(?i:base|bridge|collateral|fee|gas|governance|input|lp|native|output|pool|quote|reward"
    r"|settle|stake|swap|underlying|wrapped|continuation|max|min|next|num|page|total)"
    r"[_-]?(?i:tokens?)[\d_-]*\Z"
)
_SIGNATURE: Final = re.compile(r"(?i)(?:^|[._-])(?:key|sig|signature)\Z")
# The end of a name says what it is; a longer name may be any text.
_LONGEST: Final = 64


@lru_cache(1024)
def is_sensitive_key(name: str) -> bool:
    """Tell whether a key such as ``api_key`` or ``dbPassword`` says that its value is secret.

    >>> [name for name in ("bot_token", "stake_token", "token_count") if is_sensitive_key(name)]
    ['bot_token']
    """
    ending = name[-_LONGEST:]
    return bool(_SECRET.search(ending)) and not _INNOCENT.search(ending)


def signs_url(name: str) -> bool:
    """Tell whether a parameter such as ``X-Amz-Signature`` makes its URL a secret."""
    return _SIGNATURE.search(name) is not None
