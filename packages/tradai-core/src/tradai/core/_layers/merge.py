"""Layers laid over one another: the merged values, and which layer wrote each of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import KeyPath, defines_path, dotted, leaves, merge, nodes
from tradai.core._layers.layer import LayerData, Origin
from tradai.core._secrets.detection import looks_like_secret

_DEFAULT: Final = Origin(source="default")


@final
class LayerStack:
    """Layers, lowest first, and their merged values."""

    def __init__(self, layers: Sequence[LayerData], *, top: str) -> None:
        """Stack `layers`; a path that none of them wrote is placed at `top`."""
        self._layers = layers
        self._top = top
        self.values: Mapping[str, JsonValue] = {}
        for layer in layers:
            self.values = merge(self.values, layer.values)

    def place_of(self, path: KeyPath) -> str:
        """Name the place of `path`, or of the nearest mapping or list around it."""
        while path:
            if origins := self._origins_of(path):
                return str(origins[-1])
            path = path[:-1]
        return self._top

    def secrets(self) -> Iterator[tuple[KeyPath, str]]:
        """Yield path and place of each likely secret, also of one that a higher layer hides."""
        for layer in self._layers:
            for path, value in nodes(layer.values):
                if looks_like_secret(path, value):
                    yield path, str(layer.origin_of(path))

    def provenance(self, defaults: Iterable[KeyPath]) -> dict[str, Origin]:
        """Return where each leaf was written; `defaults` are the leaves that need not be."""
        written = {path: origins[-1] for path, origins in self._leaf_origins.items()}
        return {dotted(path): _DEFAULT for path in defaults} | written

    def shadowed(self) -> dict[str, tuple[Origin, ...]]:
        """Return each leaf that lower layers wrote without effect, and where, lowest first."""
        return {path: tuple(lower) for path, (*lower, _) in self._leaf_origins.items() if lower}

    @cached_property
    def _leaf_origins(self) -> dict[str, list[Origin]]:
        """Return where the layers wrote each merged leaf, by dotted path; found once."""
        return {dotted(path): self._origins_of(path) for path in leaves(self.values)}

    def _origins_of(self, path: KeyPath) -> list[Origin]:
        """Return where `path` was written, the place that counts last."""
        return [layer.origin_of(path) for layer in self._layers if defines_path(layer.values, path)]
