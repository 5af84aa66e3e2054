"""Paths of local files, as plain paths or ``file:`` URIs."""

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tradai.core.exceptions import ValidationError

_FILE_URI: Final = re.compile(r"file:(?://(?:localhost)?(?=/))?(?!//)(.+)", re.DOTALL)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+):(//)?")
_GROUPS: Final = ("tradai.stores", "tradai.data", "tradai.configs")
_OTHER_CASE: Final = re.compile(r"(?!file:)[Ff][Ii][Ll][Ee]:")
_EXPECTED: Final = "a path, or a URI such as file:///runs/1 or file:runs/1"


def file_path(uri: str | Path) -> Path:
    """Return the path that a ``file:`` URI or a plain path names.

    >>> file_path("file:///runs/run%201").as_posix()
    '/runs/run 1'

    Raises:
        ValidationError: `uri` is empty, has another scheme, names another host, or is a URI with a
            query, a fragment or capitals in its scheme.
    """
    if isinstance(uri, Path):
        return uri
    _refuse_look_alike(uri)
    match = _FILE_URI.fullmatch(uri)
    path = unquote(match[1], errors="surrogateescape") if match else uri
    if not path or "\0" in path or (not match and _SCHEME.match(path)):
        message = f"{uri!r} does not name a file: expected {_EXPECTED}"
        raise ValidationError(message, field="uri", expected=_EXPECTED)
    return Path(path)


def _refuse_look_alike(uri: str) -> None:
    """Refuse a URI that would name another file than its writer meant."""
    if _OTHER_CASE.match(uri):
        expected = "the scheme file: in small letters"
    elif uri.startswith("file:") and re.search(r"[?#]", uri):
        expected = "no ? or # in a file: URI; one in a name is written %3F or %23"
    else:
        return
    message = f"{uri!r} does not name a file: expected {expected}"
    raise ValidationError(message, field="uri", expected=expected)


def is_uri(text: str) -> bool:
    """Tell whether `text` is a URI, and not a plain path, which may have a colon too.

    A URI has two slashes after its scheme, or a scheme that a store, a repository of candles or a
    registry of configurations serves.

    >>> is_uri("gs://bucket"), is_uri("memory:runs"), is_uri("data:2025")
    (True, True, False)
    """
    match = _SCHEME.match(text)
    if match is None:
        return False
    return bool(match[2]) or any(entry_points(group=group, name=match[1]) for group in _GROUPS)


def is_file_uri(uri: str) -> bool:
    """Tell whether `uri` is a path or a ``file:`` URI."""
    return urlsplit(uri).scheme in {"", "file"}
