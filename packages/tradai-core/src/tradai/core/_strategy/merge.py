"""The layers of one configuration: what they say together, and which of them said it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path, dotted, leaves, merge, nodes, settles
from tradai.core._layers.layer import LayerData, Origin
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._strategy.config import StrategyConfig

__all__ = ["ConfigStack"]

_DEFAULT: Final = Origin(source="default")
_STRATEGY: Final = "strategy"


@final
class ConfigStack:
    """Layers, lowest first, and their values laid over one another."""

    def __init__(self, layers: Sequence[LayerData], *, top: str) -> None:
        """Stack `layers`; what none of them wrote is placed at `top`."""
        self._layers = [_spelled(layer) for layer in layers]
        self._top = top
        self.values: Mapping[str, JsonValue] = {}
        for layer in self._layers:
            self.values = merge(self.values, layer.values)

    def place_of(self, path: Path) -> str:
        """Name the place of `path`, or of the nearest thing around it that was written."""
        while path and not self._origins(path):
            path = path[:-1]
        return str(self._origins(path)[-1]) if path else self._top

    def secrets(self) -> Iterator[tuple[Path, str]]:
        """Yield path and place of what looks like a secret, also where a higher layer hides it."""
        for layer in self._layers:
            for path, value in nodes(layer.values):
                if looks_like_secret(path, value):
                    yield path, str(layer.origin_of(path))

    def provenance(self, config: StrategyConfig) -> dict[str, Origin]:
        """Tell for each leaf, defaults included, where its value was written."""
        written = {dotted(path): self._origins(path)[-1] for path in leaves(self.values)}
        return {dotted(path): _DEFAULT for path in leaves(config.canonical())} | written

    def shadowed(self) -> Iterator[tuple[str, tuple[Origin, ...]]]:
        """Yield each leaf that lower layers wrote in vain, with where they did, lowest first."""
        for path in leaves(self.values):
            *lower, _ = self._origins(path)
            if lower:
                yield dotted(path), tuple(lower)

    def _origins(self, path: Path) -> list[Origin]:
        """Return where `path` was written, the place that counts last."""
        return [layer.origin_of(path) for layer in self._layers if settles(layer.values, path)]


def _spelled(layer: LayerData) -> LayerData:
    """Return `layer` with the name of the strategy's class under its one key, ``class``."""
    block = layer.values.get(_STRATEGY)
    if not isinstance(block, Mapping) or "class_name" not in block or "class" in block:
        return layer
    renamed = {"class" if key == "class_name" else key: value for key, value in block.items()}
    origin = layer.origin_of((_STRATEGY, "class_name"))
    return LayerData(
        values={**layer.values, _STRATEGY: renamed},
        origins={**layer.origins, f"{_STRATEGY}.class": origin},
    )
