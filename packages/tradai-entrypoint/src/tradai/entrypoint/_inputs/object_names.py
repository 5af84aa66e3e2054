"""Names of objects below a prefix, checked before any of them becomes the path of a file."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tradai.core import ObjectInfo, ObjectStore, file_path, is_file_uri
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint._process.relative_paths import is_relative_path

# The index that a push leaves beside the objects.
INDEX_NAME: Final = ".tradai-index.json"
_EXPECTED: Final = "names that are relative paths without empty parts, `.` and `..`"


def prefix_of(uri: str) -> str:
    """Return the prefix of all objects in the folder at `uri`, which ends with a slash."""
    if is_file_uri(uri):
        return f"{file_path(uri).absolute().as_uri().rstrip('/')}/"
    return uri if uri.endswith("/") else f"{uri}/"


def uri_of(prefix: str, name: str) -> str:
    """Return the URI of the object `name` below `prefix`."""
    return Path(file_path(prefix), name).as_uri() if is_file_uri(prefix) else f"{prefix}{name}"


def list_objects(store: ObjectStore, prefix: str) -> dict[str, ObjectInfo]:
    """Return the objects below `prefix` by name; markers of empty folders are left out.

    Raises:
        ValidationError: A name cannot be the path of a file, or two would be the same file on a
            disk that ignores case.
    """
    found = {_name_of(prefix, info): info for info in store.list(prefix)}
    objects = {name: info for name, info in found.items() if not _is_marker(name, info)}
    check_names(objects, prefix)
    return objects


def check_names(names: Iterable[str], prefix: str) -> None:
    """Check that `names` can be paths of different files below one folder, on any disk.

    Raises:
        ValidationError: One cannot be, or two cannot be beside each other.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        if not is_relative_path(name):
            problem = f"has an object named {name!r}, which cannot be a file in a folder"
            raise _name_error(prefix, problem)
        key = _folded(name)
        if key in files:
            raise _clash_error(prefix, files[key], name)
        files[key] = name
        folder = key.rpartition("/")[0]
        while folder and folder not in folders:
            folders[folder] = name
            folder = folder.rpartition("/")[0]
    for key in files.keys() & folders.keys():
        raise _clash_error(prefix, files[key], folders[key])


def empty_error(prefix: str) -> NotFoundError:
    """Return the error that there is nothing below `prefix`."""
    message = (
        f"there are no objects below {prefix}: check the URI, or send a folder there with "
        "`tradai-entrypoint data push`"
    )
    return NotFoundError(message, kind="folder", key=prefix)


def _name_of(prefix: str, info: ObjectInfo) -> str:
    if not info.uri.startswith(prefix):
        problem = f"was listed with {info.uri!r}, which is not below it"
        raise _name_error(prefix, problem)
    name = info.uri[len(prefix) :]
    return unquote(name, errors="surrogateescape") if is_file_uri(prefix) else name


def _is_marker(name: str, info: ObjectInfo) -> bool:
    """Return whether an object only marks an empty folder, as the console of S3 makes them."""
    return info.size == 0 and (not name or name.endswith("/"))


def _folded(name: str) -> str:
    """Return the name as a disk that ignores case and composition compares it."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _clash_error(prefix: str, first: str, second: str) -> ValidationError:
    problem = (
        f"has {first!r} and {second!r}, which cannot be beside each other in a folder of every disk"
    )
    return _name_error(prefix, problem)


def _name_error(prefix: str, problem: str) -> ValidationError:
    message = f"{prefix} {problem}: rename or remove it; expected {_EXPECTED}"
    return ValidationError(message, field="uri", expected=_EXPECTED)
