"""Settings from YAML files, on disk or wherever an installed store reaches."""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final, final

from pydantic import BaseModel

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path as KeyPath, dotted
from tradai.core._layers.layer import ConfigLayer, LayerData
from tradai.core._layers.yaml_layer import YamlLayer
from tradai.core._local.file_uri import file_path, is_file_uri
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.reference import SecretReference
from tradai.core._settings.annotations import annotation_at, classes
from tradai.core._settings.layers import SettingLayer
from tradai.core._settings.problems import SettingProblem
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    ValidationError,
)

_OPTIONAL: Final = "optional:"
_NOWHERE: Final = "is a relative path, but its file is not on this disk; write an absolute one"


def file_layer(kind: type[BaseModel], file: str | Path | ConfigLayer) -> SettingLayer:
    """Return what `file` says; ``optional:`` before a path or URI allows that there is none.

    Paths in it, and references to ``file:`` secrets, are taken from its folder.
    """
    layer, is_optional = _yaml_layer(file) if isinstance(file, str | Path) else (file, False)
    try:
        data = layer.load()
    except NotFoundError:
        return SettingLayer(source="file") if is_optional else _missing(layer.name)
    except (ConfigurationError, ValidationError) as exc:
        return _unusable(redact(layer.name), redact(str(exc)))
    except ExternalServiceError as exc:
        # Raised later, where no frame holds what the other layers say.
        return SettingLayer(source="file", failure=exc, is_complete=False)
    return _Anchor(kind, data, _folder_of(layer)).layer()


@final
class _Anchor:
    """Takes the relative paths of a file from its folder."""

    def __init__(self, kind: type[BaseModel], data: LayerData, folder: Path | None) -> None:
        self._kind = kind
        self._data = data
        self._folder = folder
        self._folders: dict[str, Path] = {}
        self._problems: list[SettingProblem] = []

    def layer(self) -> SettingLayer:
        values = {key: self._taken(value, (key,)) for key, value in self._data.values.items()}
        return SettingLayer(
            source="file",
            data=LayerData(values=values, origins=self._data.origins),
            problems=tuple(self._problems),
            folders=self._folders,
        )

    def _taken(self, value: JsonValue, path: KeyPath) -> JsonValue:
        if isinstance(value, Mapping):
            return {key: self._taken(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._taken(item, (*path, place)) for place, item in enumerate(value)]
        return self._taken_text(value, path) if isinstance(value, str) else value

    def _taken_text(self, text: str, path: KeyPath) -> str:
        kinds = classes(annotation_at(self._kind, path))
        if SecretReference in kinds:
            inner = _path_of_secret(text)
            return self._below(text, inner, path) if inner else text
        is_path = any(issubclass(one, PurePath) for one in kinds)
        return self._below(text, text, path) if is_path else text

    def _below(self, text: str, inner: str, path: KeyPath) -> str:
        """Return `text` with the path `inner` that is in it below the folder of the file."""
        if PurePath(inner).is_absolute():
            return text
        if self._folder is None:
            place = f"{self._data.origin_of(path)}: {dotted(path)}"
            self._problems.append(SettingProblem(path=path, place=place, sentence=_NOWHERE))
            return text
        if inner != text:
            return SecretReference(text).below(self._folder)
        joined = str(self._folder / text)
        self._folders[joined] = self._folder
        return joined


def _path_of_secret(text: str) -> str | None:
    try:
        reference = SecretReference(text)
    except ValidationError:
        # Validation says so, with all other problems.
        return None
    return reference.name if reference.scheme == "file" else None


def _yaml_layer(file: str | Path) -> tuple[ConfigLayer, bool]:
    uri = str(file)
    return YamlLayer(uri.removeprefix(_OPTIONAL)), uri.startswith(_OPTIONAL)


def _folder_of(layer: ConfigLayer) -> Path | None:
    is_on_disk = isinstance(layer, YamlLayer) and is_file_uri(layer.name)
    return file_path(layer.name).absolute().parent if is_on_disk else None


def _missing(name: str) -> SettingLayer:
    return _unusable(redact(name), "there is no such file; write it, or name it optional:FILE")


def _unusable(name: str, message: str) -> SettingLayer:
    """Put `message` at the place in the file that it begins with, or else at the file `name`."""
    named = message if name and message.startswith(name) else f"{name}: {message}"
    place, _, sentence = named.partition(": ")
    problem = SettingProblem(path=(), place=f"{place}:", sentence=sentence)
    return SettingLayer(source="file", problems=(problem,), is_complete=False)
