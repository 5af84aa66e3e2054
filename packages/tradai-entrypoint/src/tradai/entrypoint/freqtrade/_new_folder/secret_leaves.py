"""Find the secrets of a configuration, at any depth."""

from collections.abc import Iterator

from tradai.core import JsonValue, looks_like_secret


def secret_leaves(key: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield each leaf of `value` that looks like a secret, with its path, which begins with `key`.

    >>> list(secret_leaves("feed", {"window": 5, "logins": [{"api_token": "not-a-token"}]}))
    [('feed.logins.0.api_token', 'not-a-token')]
    """
    for path, leaf in _leaves(tuple(key.split(".")), value):
        if looks_like_secret(path, leaf):
            yield ".".join(map(str, path)), leaf


def _leaves(
    path: tuple[str | int, ...], value: JsonValue
) -> Iterator[tuple[tuple[str | int, ...], JsonValue]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves((*path, name), each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves((*path, index), each)
    else:
        yield path, value
