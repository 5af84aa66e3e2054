"""Layers of configuration: the port, and values with the place where each was written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import KeyPath, dotted, nodes


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
        """Return the source, with the line if there is one."""
        return self.source if self.line is None else f"{self.source}:{self.line}"


_UNKNOWN: Final = Origin(source="unknown")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LayerData:
    """The values of one layer, and where they were written.

    Attributes:
        values: The values, nested.
        origins: Dotted path of a value, list items included -> where it was written.
        source_root: Folder on this disk with the source that the layer's ``strategy.source``
            names; None when that is a path or a URI as usual.
        notices: Sentences about how the layer was read, for the manifest of a run.
    """

    values: Mapping[str, JsonValue]
    origins: Mapping[str, Origin]
    source_root: Path | None = None
    notices: tuple[str, ...] = ()

    def origin_of(self, path: KeyPath) -> Origin:
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
        """Name of the layer in messages."""
        ...

    def load(self) -> LayerData:
        """Read the layer.

        Raises:
            ConfigurationError: It can be reached, but not used.
        """
        ...


def with_origins(
    values: Mapping[str, JsonValue], origin_of: Callable[[KeyPath], Origin]
) -> LayerData:
    """Return `values` with the origin of each path in them."""
    origins = {dotted(path): origin_of(path) for path, _ in nodes(values)}
    return LayerData(values=values, origins=origins)
