"""Mask secrets in text that leaves the process.

A secret is known by value once it is registered; every `Secret` registers itself. Text that was
never registered is masked when its shape gives it away: access key ids of AWS, bearer tokens,
JWTs, the user part of a URL, signed query strings, private keys, also those of a wallet, bot tokens
of Telegram, webhooks of Slack and Discord, tokens that their issuers mark, API keys of Binance.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from tradai.core._documents.json_values import JsonValue
from tradai.core._secrets.registry import SecretRegistry
from tradai.core._secrets.sensitive_keys import is_sensitive_key, signs_url

MASK: Final = "***"

# Every text with one of the shapes below but two has one of these in it: parts of
# "-----BEGIN", "AKIA", "Authorization" and the like that begin with a rare character, so that most
# of a text is skipped.
_HINT: Final = re.compile(
    r"&|://|:AA|\?|ASIA|BEARER|Bearer|GIN|KIA|Signature=|ZATION|bearer|yJ|zation"
    r"|_(?:(?<=gh[opsur]_)|(?<=_pat_)|(?<=hf_)|(?<=k_live_)|(?<=k_test_))"
    r"|-(?:(?<=glpat-)|(?<=sk-)|(?<=xox[a-z]-))"
)
# And every text with the key of a wallet or of Binance has this in each fourth of its characters.
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9]{16}")
# The match of the first group is kept.
_SHAPES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        (
            r"(?s)()-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
        ),
        r"()(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])",
        r"()(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){1,3}",
        (
            r"((?:[Aa]uthorization|AUTHORIZATION)\W{1,6}(?:b['\"])?"
            r"(?i:basic|bearer|token)\s+)[\w.~+/=:-]+"
        ),
        # Words follow "bearer" too: a token is longer than they are, or has a digit.
        (
            r"((?:[Bb]earer|BEARER)\s+)"
            r"(?=[\w.~+/=-]{20}|[A-Za-z.~+/=_-]{0,19}\d)[\w.~+/=-]{8,}"
        ),
        r"(Signature=)[0-9A-Fa-f]{64}",
        r"(://)[^\s/?#\"'<>]+(?=@)",
        r"()(?<!\d)\d{8,12}:AA[\w-]{30,}",
        # The address of a webhook is enough to write to it.
        (
            r"(://(?:hooks\.slack\.com/(?:services|triggers|workflows)"
            r"|(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks)/)[^\s\"'<>]+"
        ),
        # The private key of a wallet. Transactions have such ids too, but no configuration does.
        r"()(?<![A-Za-z0-9])0[xX][0-9A-Fa-f]{64}(?![A-Za-z0-9])",
        # GitHub, GitLab, Slack, Hugging Face, OpenAI and its like, Stripe.
        (
            r"()(?<![\w-])(?:gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
            r"|xox[a-z]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{30,}|[rs]k_(?:live|test)_\w{16,}"
            r"|sk-(?:(?:ant|admin|proj|svcacct)-[\w-]{20,}|[A-Za-z0-9]{20,}))"
        ),
        # A digest in hex is as long as a key of Binance, but has only small letters and digits.
        (
            r"()(?<![A-Za-z0-9])(?![0-9a-f]{64}(?![A-Za-z0-9]))"
            r"[A-Za-z0-9]{64}(?![A-Za-z0-9])"
        ),
    )
)
_PARAMETER: Final = re.compile(r"(?<=[?&])([\w.-]{1,64})=[^&\s\"'<>]+")


_REGISTRY: Final = SecretRegistry()


def register_secret(value: str) -> None:
    """Have `redact` mask `value` from now on, however it is quoted, escaped or encoded.

    Lines of a longer text are masked one by one too. A value of fewer than four characters is
    not masked: it would blot out half of every log. A value that need not be masked for good is
    better held in a `Secret`.
    """
    _REGISTRY.hold(value)


def release_secret(value: str) -> None:
    """Have `redact` forget `value` in time, when all that registered it have released it."""
    _REGISTRY.release(value)


def redact(text: str) -> str:
    """Return `text` with registered secrets and everything shaped like a secret masked.

    >>> redact("GET https://me:hunter2@example.org/?signature=abc")
    'GET https://***@example.org/?signature=***'
    """
    if not may_hold_secret(text, (text,)):
        return text
    clean = _REGISTRY.replace(text, MASK)
    for shape in _SHAPES:
        clean = shape.sub(rf"\g<1>{MASK}", clean)
    return _PARAMETER.sub(_masked_parameter, clean)


def may_hold_secret(joined: str, texts: Sequence[str]) -> bool:
    """Tell quickly whether `redact` may have to change any of `texts`; a yes may be a false alarm.

    Args:
        joined: All of them, with white space between.
        texts: Each alone.
    """
    has_shape = _HINT.search(joined) or _LONG_WORD.search(joined[::4])
    return has_shape is not None or _REGISTRY.finds(texts)


def redact_value(value: JsonValue) -> JsonValue:
    """Return a JSON value redacted all the way down; values of sensitive keys are masked whole."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(key): _redact_item(key, item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [redact_value(item) for item in value]
    return value


def _masked_parameter(match: re.Match[str]) -> str:
    name = match[1]
    return f"{name}={MASK}" if is_sensitive_key(name) or signs_url(name) else match[0]


def _redact_item(key: str, item: JsonValue) -> JsonValue:
    return MASK if item is not None and is_sensitive_key(key) else redact_value(item)
