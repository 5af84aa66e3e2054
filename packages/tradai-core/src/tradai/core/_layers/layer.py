"""Layers of configuration: where values come from, each with the place it was written."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, final
from urllib.parse import urlsplit

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path, dotted, merge, nodes
from tradai.core._documents.yaml_reader import read_yaml_field, read_yaml_fields
from tradai.core._local.file_store import FileStore
from tradai.core._ports.backends import backend_for
from tradai.core._ports.protocols import ObjectStore
from tradai.core.exceptions import ConfigurationError

__all__ = [
    "ConfigLayer",
    "EnvironmentLayer",
    "LayerData",
    "Origin",
    "OverridesLayer",
    "YamlLayer",
    "names_file",
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value was written: a file and its line, a variable, the command line.

    >>> str(Origin(source="trend.yaml", line=3))
    'trend.yaml:3'
    """

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Spell the origin with its line, if it has one."""
        return self.source if self.line is None else f"{self.source}:{self.line}"


_UNKNOWN: Final = Origin(source="unknown")
_COMMAND_LINE: Final = Origin(source="command line")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LayerData:
    """What one layer says.

    Attributes:
        values: The values, nested.
        origins: Dotted path of a value, list items included -> where it was written.
    """

    values: Mapping[str, JsonValue]
    origins: Mapping[str, Origin]

    def origin_of(self, path: Path) -> Origin:
        """Return where `path` was written, or else the nearest mapping or list around it."""
        for length in range(len(path), 0, -1):
            origin = self.origins.get(dotted(path[:length]))
            if origin is not None:
                return origin
        return _UNKNOWN


class ConfigLayer(Protocol):
    """A source of configuration values."""

    @property
    def name(self) -> str:
        """What to call the layer in messages."""
        ...

    def load(self) -> LayerData:
        """Read the layer.

        Raises:
            ConfigurationError: It can be reached, but not used.
        """
        ...


@final
class YamlLayer:
    """A YAML file, on disk or wherever an installed store reaches."""

    def __init__(self, uri: str, *, store: ObjectStore | None = None) -> None:
        """Read from `uri`, a path or a URI, through `store`; by default the one for its scheme."""
        self.name = uri
        self._store = store

    def load(self) -> LayerData:
        """Read the file.

        Raises:
            ConfigurationError: It is not YAML, or YAML that we refuse.
            NotFoundError: There is no such file.
            StorageError: The store refused.
        """
        store = self._store or _store_for(self.name)
        document = read_yaml_fields(store.read(self.name).data, source=self.name)

        def origin_of(path: Path) -> Origin:
            while path not in document.marks:
                path = path[:-1]
            line, column = document.marks[path]
            return Origin(source=self.name, line=line, column=column)

        return _layer_data(document.values, origin_of)


@final
class EnvironmentLayer:
    """Variables such as ``TRADAI_STRATEGY__EXECUTION__STAKE_AMOUNT=50``.

    What follows the prefix is the path of a key in small letters, its steps joined by ``__``; a
    value is read as YAML, so ``[BTC/USDT, ETH/USDT]`` is a list. Keys with capital letters can
    only be set in a file or on the command line.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, prefix: str = "TRADAI_STRATEGY__"
    ) -> None:
        """Read `environ`, by default the environment of the process at the time of `load`."""
        self.name = "environment"
        self._environ = environ
        self._prefix = prefix

    def load(self) -> LayerData:
        """Read the variables, in the order of their names.

        Raises:
            ConfigurationError: A variable is empty, or not named or written as it should be.
        """
        environ = os.environ if self._environ is None else self._environ
        names = sorted(name for name in environ if name.startswith(self._prefix))
        steps = [name.removeprefix(self._prefix).lower().split("__") for name in names]
        return _stacked(
            _entry(path, environ[name], place=name, origin=Origin(source=name))
            for name, path in zip(names, steps, strict=True)
        )


@final
class OverridesLayer:
    """Texts such as ``execution.stake_amount=50``, the later ones winning."""

    def __init__(self, overrides: Sequence[str]) -> None:
        """Read `overrides`: a dotted key, ``=``, and a value in YAML."""
        self.name = _COMMAND_LINE.source
        self._overrides = overrides

    def load(self) -> LayerData:
        """Read the overrides.

        Raises:
            ConfigurationError: One is empty, or not written as it should be.
        """
        return _stacked(
            _override(text, number=number) for number, text in enumerate(self._overrides, start=1)
        )


def _store_for(uri: str) -> ObjectStore:
    """Return the store for `uri`; for files without asking what is installed."""
    return FileStore() if names_file(uri) else backend_for("tradai.stores", uri)


def names_file(uri: str) -> bool:
    """Tell whether `uri` is a path or a ``file:`` URI."""
    return urlsplit(uri).scheme in {"", "file"}


def _override(text: str, *, number: int) -> LayerData:
    key, equals, value = text.partition("=")
    if not equals:
        message = f"override {number} has no value; write KEY=VALUE"
        raise ConfigurationError(message, source=_COMMAND_LINE.source)
    place = f"{_COMMAND_LINE}: {key}"
    return _entry(key.split("."), value, place=place, origin=_COMMAND_LINE)


def _entry(path: Sequence[str], text: str, *, place: str, origin: Origin) -> LayerData:
    message = None
    if not all(path):
        message = f"{place}: a step of the key is empty; write every step"
    elif not text.strip():
        message = f"{place}: set, but empty; unset it, or write null to mean nothing"
    if message:
        raise ConfigurationError(message, key=".".join(path), source=origin.source)
    value = read_yaml_field(text, source=place)
    return _layer_data(_nested(path, value), lambda _path: origin)


def _nested(path: Sequence[str], value: JsonValue) -> dict[str, JsonValue]:
    first, *rest = path
    return {first: _nested(rest, value) if rest else value}


def _stacked(layers: Iterable[LayerData]) -> LayerData:
    values: Mapping[str, JsonValue] = {}
    origins: dict[str, Origin] = {}
    for layer in layers:
        values = merge(values, layer.values)
        origins |= layer.origins
    return LayerData(values=values, origins=origins)


def _layer_data(values: Mapping[str, JsonValue], origin_of: Callable[[Path], Origin]) -> LayerData:
    origins = {dotted(path): origin_of(path) for path, _ in nodes(values)}
    return LayerData(values=values, origins=origins)
