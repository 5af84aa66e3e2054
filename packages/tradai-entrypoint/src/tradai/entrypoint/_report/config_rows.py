"""Flatten a nested configuration into rows of name, value and source."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path
from typing import final

from tradai.core import JsonValue


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a configuration: its dotted name, itself as JSON, and its source."""

    name: str
    value: str
    source: str


def flatten(
    configuration: Mapping[str, JsonValue], provenance: Mapping[str, str]
) -> tuple[Setting, ...]:
    """Return a row per value of `configuration`; lists and empty mappings are values."""
    return tuple(
        Setting(name, _text(value), _source(name, provenance))
        for name, value in _leaves(configuration, prefix="")
    )


def shorten_sources(settings: Sequence[Setting]) -> tuple[str, tuple[Setting, ...]]:
    """Return the common folder of all files, and `settings` with their sources relative to it.

    The folder is empty when no setting is from a file with an absolute path.
    """
    folders = {Path(row.source).parent for row in settings if row.source.startswith("/")}
    if not folders:
        return "", tuple(settings)
    folder = commonpath(folders)
    prefix = f"{folder.rstrip('/')}/"
    short = (replace(row, source=row.source.removeprefix(prefix)) for row in settings)
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
    """Return the source of `name`, or that of the nearest mapping around it."""
    while name:
        if name in provenance:
            return provenance[name]
        name = name.rpartition(".")[0]
    return "default"
