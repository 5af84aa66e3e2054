"""A nested configuration as a flat list of its leaves."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path
from typing import final

from tradai.core import JsonValue

__all__ = ["Setting", "settings_of", "within_folder"]


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """One leaf of a configuration: its dotted name, its value as JSON, where it is from."""

    name: str
    value: str
    source: str


def settings_of(
    configuration: Mapping[str, JsonValue], provenance: Mapping[str, str]
) -> tuple[Setting, ...]:
    """Return the leaves of `configuration`; lists and empty mappings are leaves."""
    return tuple(
        Setting(name, _text(value), _source(name, provenance))
        for name, value in _leaves(configuration, prefix="")
    )


def within_folder(settings: Sequence[Setting]) -> tuple[str, tuple[Setting, ...]]:
    """Return the folder that all files are in, and `settings` that name them from there on.

    The folder is empty when no setting is from a file with an absolute path.
    """
    folders = {Path(each.source).parent for each in settings if each.source.startswith("/")}
    if not folders:
        return "", tuple(settings)
    folder = commonpath(folders)
    prefix = f"{folder.rstrip('/')}/"
    short = (replace(each, source=each.source.removeprefix(prefix)) for each in settings)
    return folder, tuple(short)


def _leaves(values: Mapping[str, JsonValue], *, prefix: str) -> Iterator[tuple[str, JsonValue]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, prefix=f"{name}.")
        else:
            yield name, value


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _source(name: str, provenance: Mapping[str, str]) -> str:
    """Return the origin of `name`, or that of the nearest mapping around it."""
    while name:
        if name in provenance:
            return provenance[name]
        name = name.rpartition(".")[0]
    return "default"
