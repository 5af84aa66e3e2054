"""The layer of a document by its URI: a YAML file, or an entry of an installed registry."""

from importlib.metadata import entry_points
from typing import Final, Protocol, cast, runtime_checkable

from tradai.core._layers.layer import ConfigLayer
from tradai.core._layers.yaml_layer import YamlLayer
from tradai.core._local.file_uri import is_file_uri
from tradai.core._ports.backends import backend_for

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


def pinned_uri(uri: str) -> str:
    """Return a URI that goes on meaning the entry of a registry that `uri` means now.

    Raises:
        TradAIError: The registry cannot say it; see `document_layer`.
    """
    layer = document_layer(uri)
    return layer.pinned() if isinstance(layer, PinnableLayer) else uri
