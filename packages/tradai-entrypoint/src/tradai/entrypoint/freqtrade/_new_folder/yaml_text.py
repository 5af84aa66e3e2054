"""YAML of a configuration: blocks of keys, values in JSON, so that every reader takes it alike."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isfinite
from typing import Final

from tradai.core import JsonValue

# Words that some reader takes for a truth value or for null.
YAML_WORDS: Final = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})


def yaml_text(document: Mapping[str, JsonValue]) -> str:
    """Return `document` as YAML; each number is read back as it is."""
    return "".join(f"{line}\n" for line in _lines(document, indent=""))


def _lines(block: Mapping[str, JsonValue], *, indent: str) -> Iterator[str]:
    for name, value in block.items():
        is_plain = name.isidentifier() and name.isascii() and name.lower() not in YAML_WORDS
        key = name if is_plain else json.dumps(name)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, indent=f"{indent}  ")
        else:
            yield f"{indent}{key}: {_value(value)}"


def _value(value: JsonValue) -> str:
    if isinstance(value, float) and isfinite(value):
        # Without an exponent, which some reader takes for text.
        return format(Decimal(repr(value)), "f")
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(name)}: {_value(each)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value)
