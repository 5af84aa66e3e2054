"""Detection of secrets in a configuration, by the keys on the path or the shape of the value."""

import re
from collections.abc import Sequence
from typing import Final

from tradai.core._documents.json_values import JsonValue
from tradai.core._secrets.named_values import is_plain_key
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.schemes import BUILT_IN, is_scheme, reference_grammar
from tradai.core._secrets.sensitive_keys import is_sensitive_key

_REFERENCE: Final = re.compile(r"([a-z][a-z0-9+.-]*):(\S+)")
# The address of a receiver is enough to write to it, whatever the address looks like.
_RECEIVERS: Final = frozenset(
    {("discord", "webhook_url"), ("telegram", "chat_id"), ("webhook", "url")}
)

_WALLET_BITS: Final = 256


def looks_like_secret(path: Sequence[str | int], value: JsonValue) -> bool:
    """Tell whether the leaf `value` at `path` should not be in a configuration.

    A reference such as ``env:NAME`` may be: it names a secret and does not hold it.

    >>> looks_like_secret(["exchange", "apiKey"], "not-a-real-key")
    True
    """
    if isinstance(value, str):
        # Most values look harmless, and a search among the installed plugins takes milliseconds.
        is_suspect = bool(value) and (
            redact(value) != value or _is_sensitive(path) or _is_plain_key(path, value)
        )
        return is_suspect and not _is_reference(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (_is_sensitive(path) or _is_wallet_key(value))


def _is_sensitive(path: Sequence[str | int]) -> bool:
    keys = (step for step in path if isinstance(step, str))
    return tuple(path[-2:]) in _RECEIVERS or any(map(is_sensitive_key, keys))


def _is_wallet_key(value: JsonValue) -> bool:
    """Tell whether a number has 64 digits in hex: YAML reads ``0x...`` without quotes as one."""
    return isinstance(value, int) and _WALLET_BITS - 32 < value.bit_length() <= _WALLET_BITS


def _is_plain_key(path: Sequence[str | int], value: str) -> bool:
    return bool(path) and is_plain_key(str(path[-1]), value)


def _is_reference(text: str) -> bool:
    match = _REFERENCE.fullmatch(text)
    if match is None or not is_scheme(match[1]):
        return False
    scheme, name = match.groups()
    # The grammar of a plugin's names is wide: a name must not have the shape of a secret itself.
    is_name = reference_grammar(scheme).fullmatch(name) is not None and redact(name) == name
    return scheme in BUILT_IN or is_name
