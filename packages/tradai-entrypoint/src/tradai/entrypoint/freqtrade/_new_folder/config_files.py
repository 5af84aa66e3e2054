"""Lay the configuration files of Freqtrade over one another, as it does."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.config_json import read_object
from tradai.entrypoint.freqtrade._new_folder.environment_keys import environment_keys

_ENVIRONMENT: Final = "the environment"
_FURTHER: Final = "add_config_files"
# The engine takes deeper nesting for a loop.
_DEEPEST: Final = 5


def load_files(
    files: Sequence[Path], environ: Mapping[str, str] | None = None
) -> dict[str, JsonValue]:
    """Return the configuration of `files`, later ones over earlier ones, and of `environ`.

    A file goes over those that its ``add_config_files`` names, relative to its folder. Variables
    such as ``FREQTRADE__STAKE_AMOUNT`` go over all files.

    Raises:
        NotFoundError: A file is missing.
        ConfigurationError: A file is not JSON, or the files name one another in a loop.
        StorageError: A file cannot be read.
    """
    return _merged(_load(files, level=0), environment_keys(environ or {}), _ENVIRONMENT)


def _load(files: Sequence[Path], *, level: int) -> dict[str, JsonValue]:
    if level > _DEEPEST:
        message = f"{files[0]} is named by {_FURTHER} in a loop: take one of them out"
        raise ConfigurationError(message, key=_FURTHER, source=str(files[0]))
    config: dict[str, JsonValue] = {}
    for file in files:
        own = read_object(file)
        further = list(_further(own, file))
        # Its own keys go over those of the files that it names.
        below = _load(further, level=level + 1) if further else {}
        config = _merged(config, _merged(below, own, file), file)
    return config


def _further(own: Mapping[str, JsonValue], file: Path) -> Iterator[Path]:
    names = own.get(_FURTHER) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        message = f"{_FURTHER} of {file} must be a list of paths"
        raise ConfigurationError(message, key=_FURTHER, source=str(file))
    return (file.resolve().parent / str(name) for name in names)


def _merged(
    lower: Mapping[str, JsonValue], upper: Mapping[str, JsonValue], source: Path | str
) -> dict[str, JsonValue]:
    merged = dict(lower)
    for key, value in upper.items():
        if not isinstance(value, dict):
            merged[key] = value
            continue
        below = merged.get(key, {})
        if not isinstance(below, dict):
            message = (
                f"{key} is a block in {source} and none in the files below it: make both alike"
            )
            raise ConfigurationError(message, key=key, source=str(source))
        merged[key] = _merged(below, value, source)
    return merged
