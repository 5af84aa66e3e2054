"""Forms in which text may contain a secret: plain, escaped, percent-encoded, in base64."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

# Shorter ones would be found in words.
_SHORTEST_ENCODED: Final = 6
_PERCENT: Final = re.compile("%[0-9A-F]{2}")


def encoded_forms(text: str) -> frozenset[str]:
    """Return `text` in every form that JSON, Python, URLs and base64 give it.

    In base64 it is recognised anywhere in a longer text, such as after a user name: the returned
    part is the one that its neighbours do not change.
    """
    raw = text.encode("utf-8", "surrogatepass")
    escaped = {json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text)}
    quoted = {quote(raw), quote(raw, safe=""), quote_plus(raw)}
    return frozenset(
        {
            text,
            *(form[1:-1] for form in escaped),
            repr(raw)[2:-1],
            *quoted,
            *(_PERCENT.sub(lambda match: match[0].lower(), form) for form in quoted),
            *(form for form in _in_base64(raw) if len(form) >= _SHORTEST_ENCODED),
        }
    )


def _in_base64(raw: bytes) -> Iterator[str]:
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        padded = bytes(before) + raw
        yield base64.b64encode(padded).decode()[first:end]
        yield base64.urlsafe_b64encode(padded).decode()[first:end]
