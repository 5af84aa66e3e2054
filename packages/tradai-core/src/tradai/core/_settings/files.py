"""Settings from YAML files, on disk or wherever an installed store reaches."""

from pathlib import Path, PurePath
from typing import Final, final

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._layers.layer import ConfigLayer, LayerData
from tradai.core._layers.yaml_layer import YamlLayer
from tradai.core._local.file_uri import file_path, is_file_uri
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.reference import SecretReference
from tradai.core._settings.annotations import Annotation, classes
from tradai.core._settings.layers import FILE, SettingLayer
from tradai.core._settings.problems import SettingProblem
from tradai.core._settings.strictness import replaced
from tradai.core._settings.variables import Names
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    ValidationError,
)

__all__ = ["file_layer"]

_OPTIONAL: Final = "optional:"
_NOWHERE: Final = "is a relative path, but its file is not on this disk; write an absolute one"


def file_layer(names: Names, file: str | Path | ConfigLayer) -> SettingLayer:
    """Return what `file` says; ``optional:`` before a path or URI allows that there is none.

    Paths in it, and references to ``file:`` secrets, are taken from its folder.
    """
    layer, is_optional = _yaml_layer(file) if isinstance(file, str | Path) else (file, False)
    try:
        data = layer.load()
    except NotFoundError:
        return SettingLayer(names=names, source=FILE) if is_optional else _missing(names, layer)
    except (ConfigurationError, ValidationError) as exc:
        return _unusable(names, redact(layer.name), redact(str(exc)))
    except ExternalServiceError as exc:
        # Raised later, where no frame holds what the other layers say.
        return SettingLayer(names=names, source=FILE, failure=exc, is_complete=False)
    return _Anchor(names, data, _folder_of(layer)).layer()


@final
class _Anchor:
    """Takes the relative paths of a file from its folder."""

    def __init__(self, names: Names, data: LayerData, folder: Path | None) -> None:
        self._plain = SettingLayer(names=names, source=FILE, data=data)
        self._data = data
        self._folder = folder
        self._folders: dict[str, Path] = {}
        self._problems: list[SettingProblem] = []

    def layer(self) -> SettingLayer:
        return SettingLayer(
            names=self._plain.names,
            source=FILE,
            values=replaced(self._plain.names.kind, self._data.values, self._taken),
            data=self._data,
            problems=tuple(self._problems),
            folders=self._folders,
        )

    def _taken(self, annotation: Annotation | None, value: object, path: KeyPath) -> object:
        kinds = classes(annotation) if isinstance(value, str) else []
        if SecretReference in kinds:
            inner = _path_of_secret(value)
            return self._below(value, inner, path) if inner else value
        is_path = any(issubclass(one, PurePath) for one in kinds)
        return self._below(value, value, path) if is_path else value

    def _below(self, text: str, inner: str, path: KeyPath) -> str:
        """Return `text` with the path `inner` that is in it below the folder of the file."""
        if PurePath(inner).is_absolute():
            return text
        if self._folder is None:
            place = self._plain.subject(path)
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


def _missing(names: Names, layer: ConfigLayer) -> SettingLayer:
    sentence = "there is no such file; write it, or name it optional:FILE"
    return _unusable(names, redact(layer.name), sentence)


def _unusable(names: Names, name: str, message: str) -> SettingLayer:
    """Put `message` at the place in the file that it begins with, or else at the file `name`."""
    named = message if name and message.startswith(name) else f"{name}: {message}"
    place, _, sentence = named.partition(": ")
    problem = SettingProblem(path=(), place=f"{place}:", sentence=sentence)
    return SettingLayer(names=names, source=FILE, problems=(problem,), is_complete=False)
