"""The layer of a document by its URI: a YAML file, or an entry of an installed registry."""

from importlib.metadata import entry_points
from typing import Final, cast

from tradai.core._layers.layer import ConfigLayer
from tradai.core._layers.yaml_layer import YamlLayer
from tradai.core._local.file_uri import is_file_uri
from tradai.core._ports.backends import backend_for

_GROUP: Final = "tradai.configs"


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
