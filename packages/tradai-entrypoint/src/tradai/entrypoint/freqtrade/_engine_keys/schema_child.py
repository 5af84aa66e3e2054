"""The installed engine's own schema on settings of its names, in a process of its Python."""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

# Tables whose missing keys are filled, or refused, before the engine gets them.
_FILLED: Final = ("order_types", "order_time_in_force")


def main() -> int:
    """Read settings from standard input, and print their problems as JSON.

    A problem is a path, a sentence of the schema, and the names there are when a key is unknown.
    """
    block = json.load(sys.stdin)
    schemas = importlib.import_module("freqtrade.config_schema.config_schema")
    schema = schemas.CONF_SCHEMA
    rows = [*_unknown(block, schema, schema, ()), *_invalid(block, schema)]
    sys.stdout.write(json.dumps(rows))
    return 0


def _unknown(
    block: object, part: Mapping[str, Any], whole: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    if "$ref" in part:
        part = whole["definitions"][part["$ref"].rpartition("/")[2]]
    names = part.get("properties")
    if names is None or not isinstance(block, dict):
        return
    for name, value in block.items():
        if name in names:
            yield from _unknown(value, names[name], whole, (*path, name))
        else:
            yield {"path": [*path, name], "text": "", "names": sorted(names)}


def _invalid(block: object, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    # As the engine reads it, but for what the rest of the configuration brings.
    jsonschema = importlib.import_module("jsonschema")
    exchange = {**schema["definitions"]["exchange"], "required": []}
    tables = {name: {**schema["properties"][name], "required": []} for name in _FILLED}
    own = {
        **schema,
        "required": [],
        "properties": {**schema["properties"], **tables},
        "definitions": {**schema["definitions"], "exchange": exchange},
    }
    for error in jsonschema.Draft4Validator(own).iter_errors(block):
        yield {"path": [str(step) for step in error.absolute_path], "text": error.message}
