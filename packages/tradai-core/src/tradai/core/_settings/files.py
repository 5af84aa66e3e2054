"""Settings from YAML files, on disk or wherever an installed store reaches."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Final

from pydantic_settings import BaseSettings

from tradai.core._documents.tree import KeyPath
from tradai.core._layers.layer import ConfigLayer, LayerData
from tradai.core._layers.yaml_layer import YamlLayer
from tradai.core._local.file_uri import file_path, is_file_uri
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.reference import SecretReference
from tradai.core._settings.layers import FILE, SettingLayer
from tradai.core._settings.problems import SettingProblem
from tradai.core._settings.slots import Slot, slot_of
from tradai.core._settings.strictness import replaced
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    ValidationError,
)

_OPTIONAL: Final = "optional:"
_MISSING: Final = "there is no such file; write it, or name it optional:FILE"
_NOWHERE: Final = "is a relative path, but its file is not on this disk; write an absolute one"


def file_layer(kind: type[BaseSettings], file: str | Path | ConfigLayer) -> SettingLayer:
    """Return the layer of `file`; with ``optional:`` before its path or URI it may be missing.

    Paths in it, and references to ``file:`` secrets, are taken from its folder.
    """
    layer, is_optional = _yaml_layer(file) if isinstance(file, str | Path) else (file, False)
    name = redact(layer.name)
    try:
        data = layer.load()
    except NotFoundError:
        missing = _unusable(kind, name, _MISSING)
        return SettingLayer(kind=kind, source=FILE) if is_optional else missing
    except (ConfigurationError, ValidationError) as exc:
        return _unusable(kind, name, redact(str(exc)))
    except ExternalServiceError as exc:
        # Raised later, where no frame holds values of the other layers.
        return SettingLayer(kind=kind, source=FILE, failure=exc, is_complete=False)
    return _anchored(kind, data, _folder_of(layer))


def _anchored(kind: type[BaseSettings], data: LayerData, folder: Path | None) -> SettingLayer:
    """Return the layer of `data`, its relative paths below `folder`."""
    layer = SettingLayer(kind=kind, source=FILE, values=data.values, data=data)
    folders: dict[str, Path] = {}
    problems: list[SettingProblem] = []

    def anchor(slot: Slot, value: Any, path: KeyPath) -> Any:
        inner = _path_in(slot, value) if isinstance(value, str) else None
        if inner is None or PurePath(inner).is_absolute():
            return value
        if folder is None:
            place = layer.subject(path)
            problems.append(SettingProblem(path=path, place=place, sentence=_NOWHERE))
            return value
        if inner != value:
            return SecretReference(value).below(folder)
        joined = str(folder / inner)
        folders[joined] = folder
        return joined

    values = replaced(slot_of(kind), data.values, anchor)
    return replace(layer, values=values, problems=tuple(problems), folders=folders)


def _path_in(slot: Slot, text: str) -> str | None:
    """Return the path in `text`: the whole text, or the file of a reference to a secret."""
    if SecretReference in slot.classes:
        with suppress(ValidationError):  # validation says so, with all other problems
            reference = SecretReference(text)
            return reference.name if reference.scheme == "file" else None
    return text if any(issubclass(one, PurePath) for one in slot.classes) else None


def _yaml_layer(file: str | Path) -> tuple[ConfigLayer, bool]:
    uri = str(file)
    return YamlLayer(uri.removeprefix(_OPTIONAL)), uri.startswith(_OPTIONAL)


def _folder_of(layer: ConfigLayer) -> Path | None:
    is_on_disk = isinstance(layer, YamlLayer) and is_file_uri(layer.name)
    return file_path(layer.name).absolute().parent if is_on_disk else None


def _unusable(kind: type[BaseSettings], name: str, message: str) -> SettingLayer:
    """Return the layer of a file with a problem; `message` may start with its place."""
    named = message if name and message.startswith(name) else f"{name}: {message}"
    place, _, sentence = named.partition(": ")
    problem = SettingProblem(path=(), place=f"{place}:", sentence=sentence)
    return SettingLayer(kind=kind, source=FILE, problems=(problem,), is_complete=False)
