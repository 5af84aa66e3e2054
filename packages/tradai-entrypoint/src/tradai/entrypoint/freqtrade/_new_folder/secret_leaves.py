"""Find the secrets of a configuration, at any depth; a value in doubt is one."""

import json
import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from tradai.core import JsonValue, looks_like_secret, mask_named_values

_Path: TypeAlias = tuple[str | int, ...]

MASK: Final = "***"
# Names of secrets when they have a text: elsewhere they are those of switches and counts.
_OF_TEXTS: Final = re.compile(
    r"(?i)(?:\A|[\W_])(?:auth|bearer|hmac|jwt|pass|pin|pwd|seed_phrase)\Z"
)
# Those of a text or a number, wherever they are in a name.
_OF_VALUES: Final = re.compile(
    r"(?i)api[_-]?key|credential|login|passphrase|passw(?:or)?d|webhook[_-]?url"
)
# A body of a message has no other keys than those of its receiver.
_BODIES: Final = frozenset({"discord", "webhook"})
_BODY_KEY: Final = "key"
# The value of an authorization alone. Words follow "basic" too, which have no digit.
_AUTHORIZATION: Final = re.compile(
    r"(?i)\s*(?:basic|bearer|token)\s+(?=[\w.~+/=:-]{20}|[a-z.~+/=:_-]*\d)[\w.~+/=:-]{8,}\s*"
)
# The address of a hook is enough to write to it.
_HOOK: Final = re.compile(r"(?i)://(?:web)?hooks?\.[^\s/]+/\S|://\S*/(?:web)?hooks?/\S")
# A timeframe, or a pair of coins with ordinary names.
_PLAIN: Final = re.compile(r"\d{1,3}[mhdwM]|[A-Z0-9]{2,10}/[A-Z]{3,5}(?::[A-Z]{3,5})?", re.ASCII)
# Keys of a pair that is an object.
_NAMES: Final = ("field", "header", "key", "name")
_VALUE: Final = "value"
_PAIR: Final = 2


def secret_leaves(key: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield each leaf of `value` that looks like a secret, with its path, which begins with `key`.

    A name of a key is a leaf, too, and so is the value of a pair such as ``["X-Api-Key", "..."]``.

    >>> list(secret_leaves("feed", {"window": 5, "logins": [{"api_token": "not-a-token"}]}))
    [('feed.logins.0.api_token', 'not-a-token')]
    """
    for path, leaf, is_named in _leaves(tuple(key.split(".")), value):
        if (
            looks_like_secret((*path, "secret") if is_named else path, leaf)
            or (leaf and not isinstance(leaf, bool) and _OF_VALUES.search(str(path[-1])))
            or (isinstance(leaf, str) and (is_secret_text(leaf) or _is_secret_name(path, leaf)))
        ):
            yield ".".join(MASK if is_secret_text(str(step)) else str(step) for step in path), leaf


def texts(value: JsonValue) -> Iterator[str]:
    """Yield the path of each text in `value`, which any secret may be; empty for `value` itself.

    A timeframe and a pair are none.

    >>> list(texts({"window": 5, "users": ["bob", 7, ""], "slow": "4h", "lead": "BTC/USDT"}))
    ['users.0']
    """
    for path, leaf, _ in _leaves((), value):
        if isinstance(leaf, str) and leaf and path[-1:] != (MASK,) and not _PLAIN.fullmatch(leaf):
            yield ".".join(map(str, path))


def is_secret_text(text: str) -> bool:
    """Tell whether `text` looks like a secret, or has one inside, whatever its key.

    >>> [is_secret_text(text) for text in ("user=me password=not-one", "user=me")]
    [True, False]
    """
    return (
        looks_like_secret((), text)
        or any(mask_named_values(line) != line for line in text.splitlines())
        or _AUTHORIZATION.fullmatch(text) is not None
        or _HOOK.search(text) is not None
        or _is_secret_json(text)
    )


def _is_secret_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        return next(secret_leaves("", json.loads(text)), None) is not None
    # No JSON, or nested too deeply.
    except (ValueError, RecursionError):
        return False


def _is_secret_name(path: _Path, text: str) -> bool:
    name = str(path[-1])
    is_of_body = path[0] in _BODIES and name.lower() == _BODY_KEY
    return bool(text) and (is_of_body or _OF_TEXTS.search(name) is not None)


def _leaves(
    path: _Path, value: JsonValue, *, is_named: bool = False
) -> Iterator[tuple[_Path, JsonValue, bool]]:
    """Yield each leaf with its path, and whether its pair names it as a secret."""
    if isinstance(value, dict):
        is_pair = any(_names_secret(each) for name, each in value.items() if name in _NAMES)
        for name, each in value.items():
            yield (*path, MASK), name, False
            yield from _leaves((*path, name), each, is_named=is_pair and name == _VALUE)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves((*path, index), each, is_named=_is_value(value, index))
    else:
        yield path, value, is_named


def _is_value(items: list[JsonValue], index: int) -> bool:
    """Return whether the item before the one at `index` names it: of a pair, or as an option."""
    name = items[index - 1] if index else None
    is_option = isinstance(name, str) and name.startswith("-")
    return (is_option or (index == 1 and len(items) == _PAIR)) and _names_secret(name)


def _names_secret(name: JsonValue) -> bool:
    if not isinstance(name, str):
        return False
    bare = name.strip("-:= ")
    is_of_ours = _OF_TEXTS.search(bare) or _OF_VALUES.search(bare)
    return looks_like_secret((bare,), "any") or is_of_ours is not None
