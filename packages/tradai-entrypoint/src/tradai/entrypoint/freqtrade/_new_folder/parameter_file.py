"""The values that a hyperopt of Freqtrade left beside the strategy, in a JSON file of its name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.config_json import read_object
from tradai.entrypoint.freqtrade._new_folder.special_keys import (
    Config,
    Fate,
    block_of,
    mapped,
    unneeded,
)

# Spaces that set attributes of the class, over which the configuration goes.
_OF_CLASS: Final = ("max_open_trades", "stoploss", "trailing")
_UNNEEDED: Final = ("export_time", "ft_stratparam_v", "strategy_name")


def parameter_fates(file: Path, class_name: str, config: Config) -> Iterator[Fate]:
    """Yield the fate of each value in `file`, over which the execution in `config` goes.

    Raises:
        NotFoundError: There is no such file.
        ConfigurationError: It is not JSON, or of another class.
        StorageError: It cannot be read.
    """
    content = read_object(file)
    if (name := content.get("strategy_name")) != class_name:
        message = (
            f"{file} is the parameter file of class {name}, not of {class_name}, and Freqtrade "
            f"refuses it, too: name that of {class_name} with --params, or move it away"
        )
        raise ConfigurationError(message, key="--params", source=str(file))
    for key in sorted(content.keys() - {"params"}):
        note = "is of the file alone" if key in _UNNEEDED else "is not read by Freqtrade"
        yield unneeded(f"{file.name}: {key}", note)
    for space, values in block_of(content, "params").items():
        if space == "roi":
            yield _of_class(f"{file.name}: {space}", "minimal_roi", values, config)
        elif isinstance(values, dict):
            yield from _of_space(file, space, values, config)


def _of_space(file: Path, space: str, values: Config, config: Config) -> Iterator[Fate]:
    for name, value in values.items():
        key = f"{file.name}: {space}.{name}"
        if space in _OF_CLASS:
            yield _of_class(key, name, value, config)
        else:
            yield mapped(key, f"{space}_params.{name}", value)


def _of_class(key: str, name: str, value: JsonValue, config: Config) -> Fate:
    if name in config:
        return unneeded(key, f"{name} of the configuration goes over it")
    return mapped(key, f"execution.{name}", value)
