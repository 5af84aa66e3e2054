"""Detection of secrets in texts that were given by name: overrides, flags, variables."""

import re
from typing import Final

from tradai.core._documents.tree import KeyPath, nodes
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._secrets.named_values import mask_named_values
from tradai.core.exceptions import ConfigurationError

_BETWEEN_STEPS: Final = re.compile(r"[^\w-]+")


def holds_secret(key: str, text: str) -> bool:
    """Tell whether `text`, which may be YAML, seems to hold a secret.

    Args:
        key: The dotted key of an override, or the name of a flag or a variable.
        text: The text that was given for it.
    """
    steps = key.lower().split("__") if key.isupper() else _BETWEEN_STEPS.split(key)
    path = tuple(step for step in steps if step)
    return looks_like_secret(path, text) or _holds_named_secret(path, text)


def _holds_named_secret(path: KeyPath, text: str) -> bool:
    """Tell whether `text` is YAML with a key in it whose value looks like a secret."""
    # Without a colon there is no key in it.
    if ":" not in text:
        return False
    # Imported here: a process without such a word needs no YAML.
    from tradai.core._documents.yaml_reader import read_yaml_field

    try:
        value = read_yaml_field(text, source="a value")
    except ConfigurationError:
        # Half a mapping has keys too.
        return mask_named_values(text) != text
    return any(looks_like_secret(*node) for node in nodes(value, path))
