"""Sources of pydantic-settings that read texts, with the variable of each value they read."""

import os
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard, TypeVar, final, get_args

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
)
from pydantic_settings.sources import PydanticBaseEnvSettingsSource
from pydantic_settings.sources.utils import parse_env_vars

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._settings.annotations import (
    Annotation,
    class_of,
    classes,
    entered,
    keys,
    takes_text,
)
from tradai.core._settings.texts import parsed_json


__all__ = ["OverrideSource", "TextSource", "VariableSource", "as_text_source", "reads_environment"]

T = TypeVar("T", bound=PydanticBaseEnvSettingsSource)


class TextSource(PydanticBaseEnvSettingsSource):
    """A source that reads JSON exactly, and notes a text that it cannot read.

    Attributes:
        unreadable: Path of each text that is not the JSON it should be -> its variable.
    """

    unreadable: dict[KeyPath, str]
    _failed: object = None

    def prepare_field_value(
        self, field_name: str, field: FieldInfo, value: object, value_is_complex: bool
    ) -> object:
        """Prepare the value of a field, without the texts that cannot be read."""
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            pass
        if self._is_left_out(field_name):
            value = None if value == self._failed else value
            return self.prepare_field_value(field_name, field, value, value_is_complex)
        self.unreadable[(field_name,)] = field_name
        return None

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        """Decode a list or a mapping; any other text of a field that takes text is the value."""
        self._failed = value
        decode = super().decode_complex_value
        try:
            found = decode(field_name, field, value)
            is_plain = decode.__func__ is PydanticBaseSettingsSource.decode_complex_value
            if found is value or not is_plain:
                return found
            found = parsed_json(str(value))
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list | dict):
            return found
        if field and takes_text(field.annotation):
            return value
        raise ValueError  # outside of any except block: what is raised there holds the text

    def _is_left_out(self, field_name: str) -> bool:
        """Tell whether the text that could not be read is left out from now on."""
        del field_name
        return False


class VariableSource(TextSource, EnvSettingsSource):
    """A source with variables, those of nested fields included.

    Attributes:
        variables: Key in `env_vars` -> variable as it was written.
    """

    variables: Mapping[str, str]

    def next_field(
        self, field: object, key: str, case_sensitive: bool | None = None
    ) -> FieldInfo | None:
        """Return what is at `key` of `field`, also where the field is any kind of mapping."""
        annotation = field.annotation if isinstance(field, FieldInfo) else field
        found = class_of(annotation)
        if get_args(annotation) and found and issubclass(found, Mapping):
            value: FieldInfo | None = get_args(annotation)[-1]
            return value
        return super().next_field(field, key, case_sensitive)

    def names(self, name: str) -> list[str]:
        """Return the variables of the field `name`, as they are compared."""
        field = self.settings_cls.model_fields[name]
        return list(dict.fromkeys(one for _, one, _ in self._extract_field_info(field, name)))

    def paths(self) -> dict[KeyPath, str]:
        """Return the path that each variable is read for -> the variable."""
        return {path: self.variables.get(key, key) for key, path in self.read_keys().items()}

    def read(self, environ: Mapping[str, str | None]) -> None:
        """Take the variables from `environ`; of two that differ only in case, the capital one."""
        starts = self._starts()
        self.variables = {self._key(one, starts): one for one in sorted(environ, key=str.isupper)}
        self.env_vars = parse_env_vars(
            {key: environ[one] for key, one in self.variables.items()},
            case_sensitive=True,
            ignore_empty=self.env_ignore_empty,
            parse_none_str=self.env_parse_none_str,
        )

    def _starts(self) -> dict[str, str]:
        """Return the start of nested variables -> the field they are in."""
        delimiter = self.env_nested_delimiter
        fields = self.settings_cls.model_fields if delimiter else ()
        return {f"{one}{delimiter}": name for name in fields for one in self.names(name)}

    def _key(self, variable: str, starts: Mapping[str, str]) -> str:
        """Return the key of a variable: in small letters, keys of mappings as they are written."""
        low = self._apply_case_sensitive(variable)
        if self.case_sensitive or not low.startswith(tuple(starts)):
            return low
        start = max((one for one in starts if low.startswith(one)), key=len)
        path = (starts[start], *self._steps(variable[len(start) :]))
        return start + str(self.env_nested_delimiter).join(_written(self.settings_cls, path))

    def _steps(self, text: str) -> list[str]:
        return text.split(self.env_nested_delimiter, self.maxsplit)

    def read_keys(self) -> Mapping[str, KeyPath]:
        """Return the key of each variable that is read -> the path it is read for."""
        direct = {one: name for name in self.settings_cls.model_fields for one in self.names(name)}
        starts = self._starts()
        found = {key: (direct[key],) for key in self.env_vars if key in direct}
        for key in self.env_vars:
            for start in starts if key.startswith(tuple(starts)) else ():
                if key.startswith(start):
                    found[key] = self._path(starts[start], self._steps(key[len(start) :]))
        return found

    def _path(self, name: str, steps: Iterable[str]) -> KeyPath:
        path: KeyPath = (name,)
        annotation: Annotation | None = self.settings_cls.model_fields[name].annotation
        for step in steps:
            one, annotation = entered(annotation, step)
            path = (*path, one)
        return path

    def _is_left_out(self, field_name: str) -> bool:
        bad = {
            key: path
            for key, path in self.read_keys().items()
            if path[0] == field_name and self.env_vars[key] == self._failed
        }
        self.unreadable |= {path: self.variables.get(key, key) for key, path in bad.items()}
        self.env_vars = {key: text for key, text in self.env_vars.items() if key not in bad}
        return bool(bad)


@final
class OverrideSource(VariableSource):
    """Texts such as ``part.retries=5``: variables whose names are paths of fields."""

    def __init__(
        self, kind: type[BaseSettings], texts: Mapping[str, str], places: Mapping[str, str]
    ) -> None:
        """Read `texts`, each after its dotted key, as `places` has its place."""
        super().__init__(kind, env_prefix="", env_nested_delimiter=".", env_nested_max_split=0)
        self.unreadable = {}
        self.read(texts)
        self.variables = {key: places[written] for key, written in self.variables.items()}

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {}

    def _extract_field_info(
        self, field: FieldInfo, field_name: str, model_config: Mapping[str, object] | None = None
    ) -> list[tuple[str, str, bool]]:
        """Return the names that a field has in variables, and its own name."""
        found = super()._extract_field_info(field, field_name, model_config)
        return [*found, (field_name, self._apply_case_sensitive(field_name), False)]


def as_text_source(source: T, environ: Mapping[str, str] | None) -> T:
    """Return a copy of `source` that notes problems, its variables from `environ` if given."""
    kind = _noting(type(source))
    noting = kind.__new__(kind)
    vars(noting).update(vars(source), unreadable={}, variables={})
    if isinstance(noting, VariableSource):
        if reads_environment(source):
            noting.read(os.environ if environ is None else environ)
        elif type(source)._load_env_vars is DotEnvSettingsSource._load_env_vars:
            noting.read(_cased(source))
    return noting


def reads_environment(source: object) -> TypeGuard[EnvSettingsSource]:
    """Tell whether `source` reads the variables of the process."""
    load = getattr(type(source), "_load_env_vars", None)
    return load is EnvSettingsSource._load_env_vars


@lru_cache(maxsize=64)
def _noting(kind: type[T]) -> type[T]:
    base = VariableSource if issubclass(kind, EnvSettingsSource) else TextSource
    found: type[T] = type(kind.__name__, (base, kind), {})
    return found


def _cased(source: DotEnvSettingsSource) -> Mapping[str, str | None]:
    """Return the variables of files as they are written: mappings have keys in any case."""
    cased = copy(source)
    cased.case_sensitive = True
    files = (
        [cased.env_file] if isinstance(cased.env_file, str | os.PathLike) else cased.env_file or ()
    )
    # What a pipe had is gone.
    is_pipe = any(Path(one).expanduser().is_fifo() for one in files)
    return source.env_vars if is_pipe else cased._load_env_vars()


def _written(kind: type[BaseSettings], path: KeyPath) -> Iterator[str]:
    """Yield the steps below the first as keys: of a field in its own case, or as they are."""
    _, annotation = entered(kind, path[0])
    for step in path[1:]:
        known = {key.lower(): key for one in classes(annotation) for key in keys(one)}
        key = known.get(str(step).lower(), str(step))
        yield key
        _, annotation = entered(annotation, key)
