"""The layer of a document by its URI: a YAML file, or an entry of an installed registry."""

from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol, cast, final, runtime_checkable

from tradai.core._layers.layer import ConfigLayer, LayerData
from tradai.core._layers.yaml_layer import YamlLayer
from tradai.core._local.file_uri import is_file_uri
from tradai.core._ports.backends import backend_for
from tradai.core.exceptions import ConfigurationError

_GROUP: Final = "tradai.configs"


@runtime_checkable
class PinnableLayer(Protocol):
    """A layer whose URI, such as that of an alias, can mean another entry later."""

    def pinned(self) -> str:
        """Return a URI of the entry that is meant now, which means no other one later."""
        ...


def document_layer(uri: str) -> ConfigLayer:
    """Return the layer that reads `uri`: the one for its scheme, or else that of YAML files.

    Raises:
        ConfigurationError: Two distributions serve the scheme, or one cannot be loaded.
        ValidationError: A registry does not understand the URI.
    """
    # A file needs no search among the installed registries.
    if is_file_uri(uri) or not entry_points(group=_GROUP, name=uri.partition(":")[0]):
        return YamlLayer(uri)
    return cast("ConfigLayer", backend_for(_GROUP, uri))


def document_layers(uri: str | Path | None, patches: Iterable[str | Path]) -> Iterator[ConfigLayer]:
    """Yield the layers of a configuration, if it has a document, and of the patches over it.

    Raises:
        ConfigurationError, ValidationError: As `document_layer`.
    """
    if uri is not None:
        yield document_layer(str(uri))
    for patch in patches:
        yield _PatchLayer(document_layer(str(patch)), name=str(patch))


@final
class _PatchLayer:
    """A layer over another document, which has values: an empty one is a mistake."""

    def __init__(self, layer: ConfigLayer, *, name: str) -> None:
        self.name = name
        self._layer = layer

    def load(self) -> LayerData:
        data = self._layer.load()
        if not data.values:
            message = f"{self.name} is an empty patch: write the keys that it changes, or drop it"
            raise ConfigurationError(message, source=self.name)
        return data


def pinned_uri(uri: str) -> str:
    """Return a URI that goes on meaning the entry of a registry that `uri` means now.

    Raises:
        TradAIError: The registry cannot say it; see `document_layer`.
    """
    layer = document_layer(uri)
    return layer.pinned() if isinstance(layer, PinnableLayer) else uri
