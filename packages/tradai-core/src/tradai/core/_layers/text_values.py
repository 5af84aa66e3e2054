"""Values from text: one entry of a layer is a path and a value in YAML."""

from collections.abc import Iterable, Mapping, Sequence

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import merge, nested
from tradai.core._layers.layer import LayerData, Origin, with_origins
from tradai.core.exceptions import ConfigurationError


def read_entry(path: Sequence[str], text: str, *, place: str, origin: Origin) -> LayerData:
    """Return the layer that has the value of `text` at `path`; `place` names it in errors.

    Raises:
        ConfigurationError: A step of the path or the text is empty, or the text is not YAML.
    """
    message = None
    if not all(path):
        message = f"{place}: a step of the key is empty; write every step"
    elif not text.strip():
        message = f"{place}: set, but empty; unset it, or write null to mean nothing"
    if message:
        raise ConfigurationError(message, key=".".join(path), source=origin.source)
    # Imported here: a process without such a value needs no YAML.
    from tradai.core._documents.yaml_reader import read_yaml_field

    value = read_yaml_field(text, source=place)
    return with_origins(nested(path, value), lambda _path: origin)


def stack_entries(layers: Iterable[LayerData]) -> LayerData:
    """Return `layers` as one, each laid over those before it."""
    values: Mapping[str, JsonValue] = {}
    origins: dict[str, Origin] = {}
    for layer in layers:
        values = merge(values, layer.values)
        origins |= layer.origins
    return LayerData(values=values, origins=origins)
