"""Keys of a configuration in environment variables, which Freqtrade lays over its files."""

import json
import math
from collections.abc import Mapping
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import DEEPEST, is_too_deep, set_steps

_PREFIX: Final = "FREQTRADE__"
_SEPARATOR: Final = "__"
_TRUTH: Final = {"t": True, "true": True, "f": False, "false": False}
# These stay text, whatever they look like.
_TEXTS: Final = ("CHAT_ID", "PASSWORD")
# The names of ccxt's own settings keep their case.
_CLIENTS: Final = frozenset({"ccxt_config", "ccxt_sync_config", "ccxt_async_config"})


def key_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables in `environ` that Freqtrade reads as keys, sorted."""
    return sorted(name for name in environ if name.startswith(_PREFIX) and all(_parts(name)))


def environment_keys(environ: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the configuration in the variables of `environ`.

    >>> environment_keys({"FREQTRADE__EXCHANGE__PAIR_WHITELIST": '["BTC/USDT"]', "HOME": "/"})
    {'exchange': {'pair_whitelist': ['BTC/USDT']}}

    Raises:
        ConfigurationError: The key of a variable, or its value, is nested too deep.
    """
    config: dict[str, JsonValue] = {}
    for name in key_variables(environ):
        path, value = _path(_parts(name)), _value(_parts(name)[-1], environ[name])
        if len(path) > DEEPEST or is_too_deep(value):
            message = f"{name} is nested deeper than {DEEPEST} levels: unset it, or flatten it"
            raise ConfigurationError(message, key=name)
        set_steps(config, path, value)
    return config


def _parts(name: str) -> list[str]:
    return name.removeprefix(_PREFIX).split(_SEPARATOR)


def _path(parts: list[str]) -> list[str]:
    path = [part.lower() for part in parts]
    if path[0] == "exchange" and not _CLIENTS.isdisjoint(path):
        path[-1] = parts[-1]
    return path


def _value(name: str, text: str) -> JsonValue:
    if name in _TEXTS:
        return text
    for read in (int, float):
        try:
            number = read(text)
            return number if math.isfinite(number) else text
        # A whole number that no float can be is too large for any key.
        except (ValueError, OverflowError):
            continue
    return _TRUTH.get(text.lower(), _list_or_text(text))


def _list_or_text(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list) else text
