"""Read YAML files of a service; refuse values that could run code or read the environment."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tradai.core import FileKind, JsonValue, UnusableFileError, read_regular_file, read_yaml
from tradai.core.exceptions import ConfigurationError, NotFoundError, StorageError

# Interpolations of OmegaConf, except those that call a resolver or compute their key.
_PLAIN: Final = re.compile(r"\$\{\.*[\w/-]+(?:\.[\w/-]+|\[[\w-]+\])*\}", re.ASCII)


def read_file(path: Path) -> bytes:
    """Return the bytes at `path`.

    Raises:
        NotFoundError: The file does not exist.
        ConfigurationError: It is not a regular file, or too large.
        StorageError: It cannot be read.
    """
    try:
        return read_regular_file(path, FileKind.CONFIGURATION)
    except FileNotFoundError as exc:
        raise NotFoundError(
            f"no configuration file {str(path)!r}: check the path", kind="file", key=str(path)
        ) from exc
    except UnusableFileError as exc:
        raise ConfigurationError(
            f"the configuration file {str(path)!r} cannot be read: {exc.strerror}", source=str(path)
        ) from exc
    except OSError as exc:
        raise StorageError(
            f"the configuration file {str(path)!r} cannot be read: {exc.strerror}; check "
            "that it is a file and its permissions",
            operation="read",
        ) from exc


def read_values(text: bytes, *, source: str) -> Mapping[str, JsonValue]:
    """Return the values of the YAML document `text`.

    Raises:
        ConfigurationError: The text is not strict YAML, or `refuse_code` refuses it.
    """
    values = read_yaml(text, source=source).values
    refuse_code(values, source=source)
    return values


def refuse_code(values: object, *, source: str) -> None:
    """Refuse ``_target_`` and every interpolation but ``${other.key}``; quote no value.

    Raises:
        ConfigurationError: `values` contain one of them.
    """
    for place, problem in _problems(values, ""):
        where = f"{source}: {place}" if place else source
        raise ConfigurationError(f"{where}: {problem}", key=place or None, source=source)


def _problems(node: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, child in node.items():
            yield from _problems_of_key(str(key), f"{place}.{key}".removeprefix("."))
            yield from _problems(child, f"{place}.{key}".removeprefix("."))
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _problems(child, f"{place}[{number}]")
    elif isinstance(node, str) and node.count("${") != len(_PLAIN.findall(node)):
        yield place, "only ${other.key} is allowed, no resolvers and nothing nested: write it out"


def _problems_of_key(key: str, place: str) -> Iterator[tuple[str, str]]:
    if key == "_target_":
        yield place, "'_target_' would run code: remove it"
    if "${" in key:
        yield place, "a key cannot be interpolated: write it out"
