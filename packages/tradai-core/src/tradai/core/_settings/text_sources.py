"""Sources of pydantic-settings that read text, with the variable of each path."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy
from functools import cached_property, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, ForceDecode, NoDecode, sources as theirs
from pydantic_settings.sources.utils import parse_env_vars

from tradai.core._documents.strict_json import RepeatedKeyError, read_json
from tradai.core._documents.tree import KeyPath
from tradai.core._settings.problems import NOT_JSON, NOT_TEXT, REPEATED_KEY
from tradai.core._settings.slots import Slot, slot_of


def decoded(slot: Slot, text: str) -> Any:
    """Return the list or mapping in `text` as JSON; any other text if `slot` may take text.

    Raises:
        RepeatedKeyError: It would be a mapping, and has a key twice.
        ValueError: It is neither; the text is not in what is raised.
    """
    found, error = None, ValueError
    try:
        found = read_json(text)
    except RepeatedKeyError:
        error = RepeatedKeyError
    except (ArithmeticError, RecursionError, ValueError):
        pass
    # A slot of any type takes any JSON.
    if isinstance(found, list | dict) or (found is not None and not slot.members):
        return found
    if not slot.members or slot.is_json(only=True):
        raise error
    return text


class TextSource(theirs.PydanticBaseEnvSettingsSource):
    """A source that reads JSON exactly, and records its variables and unreadable texts.

    Attributes:
        variables: Key in `env_vars` -> variable as it was written, where that is known.
        unreadable: Path of each text that cannot be read -> its place, and the sentence for it.
    """

    variables: Mapping[str, str]
    unreadable: dict[KeyPath, tuple[str, str]]
    env_vars: Mapping[str, str | None] = {}
    env_nested_delimiter: str | None = None
    maxsplit = -1

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: Any) -> Any:
        """Decode a text as the source does, JSON exactly; None for one that cannot be read."""
        decode: Any = super().decode_complex_value
        is_plain = decode.__func__ is theirs.PydanticBaseSettingsSource.decode_complex_value
        if not is_plain or isinstance(self, theirs.CliSettingsSource):
            return decode(field_name, field, value)
        if decode(field_name, field, "null") is not None:  # a field that is not to be decoded
            return value
        if field is None:
            return decoded(Slot(), value)
        try:
            return decoded(Slot(field.annotation), value)
        except ValueError as exc:
            sentence = REPEATED_KEY if isinstance(exc, RepeatedKeyError) else NOT_JSON
        nested = f"{self.env_nested_delimiter}{field_name}"
        paths = [(key, path) for key, path in self._paths().items() if self.env_vars[key] == value]
        bad = {path: self.written(key) for key, path in paths if key.endswith(nested)}
        bad |= {path: self.written(key) for key, path in paths if path == (field_name,)}
        bad = bad or {(field_name,): field_name}
        self.unreadable |= {path: (variable, sentence) for path, variable in bad.items()}
        return None

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of a field; none of a secret file that is not text."""
        find: Any = super()
        with suppress(UnicodeDecodeError):
            found: tuple[Any, str, bool] = find.get_field_value(field, field_name)
            return found
        self.unreadable[field_name,] = f"secret files: {field_name}", NOT_TEXT
        return None, field_name, False

    def next_field(self, field: Any, key: str, case_sensitive: bool | None = None) -> Any:
        """Return the field at `key` of `field`, also for every kind of mapping."""
        is_field = isinstance(field, FieldInfo)
        annotation, marks = (field.annotation, field.metadata) if is_field else (field, [])
        kind, inner = get_origin(annotation), get_args(annotation)
        # pydantic-settings knows only dict among mappings, and drops the markers of the field.
        if inner and isinstance(kind, type) and issubclass(kind, Mapping):
            found = FieldInfo.from_annotation(inner[-1])
            found.metadata += [one for one in marks if one in {NoDecode, ForceDecode}]
            return found
        find: Any = super()
        return find.next_field(field, key, case_sensitive)

    @cached_property
    def names(self) -> Mapping[str, list[str]]:
        """Each field -> its variables, in the form in which they are compared."""
        return {name: [variable for _, variable, _ in one] for name, one in self._infos.items()}

    @cached_property
    def _infos(self) -> Mapping[str, list[tuple[str, str, bool]]]:
        """Each field -> the key in the values and the variable of each of its aliases."""
        fields = self.settings_cls.model_fields.items()
        return {name: self._extract_field_info(field, name) for name, field in fields}

    @cached_property
    def _field_paths(self) -> Mapping[str, KeyPath]:
        """Each variable of a field -> the field, or the key that its `AliasPath` begins with."""
        known = slot_of(self.settings_cls).fields
        infos = [(name, *info) for name, found in self._infos.items() for info in found]
        return {variable: (name if key in known else key,) for name, key, variable, _ in infos}

    def written(self, key: str) -> str:
        """Return a variable as it was written, or else in its usual form."""
        return self.variables.get(key, key if self.case_sensitive else key.upper())

    def variable_for(self, path: KeyPath) -> str:
        """Return the variable that would set `path`, or else the mapping that `path` leads into."""
        first, *steps = slot_of(self.settings_cls).shown(path)
        nested = takewhile("*".__ne__, steps) if self.env_nested_delimiter else ()
        key = next(iter(self.names.get(first, ())), first)
        named = (one for one in nested if not one.isdigit())
        return self.written(str(self.env_nested_delimiter).join([key, *named]))

    def texts(self) -> dict[KeyPath, str]:
        """Return each path that a variable sets -> that variable."""
        return {path: self.written(key) for key, path in self._paths().items()}

    def read(self, environ: Mapping[str, str | None]) -> None:
        """Read the variables in `environ`; of two that differ only in case, the one in capitals."""
        starts = self._starts()
        self.variables = {self._key(one, starts): one for one in sorted(environ, key=str.isupper)}
        given = {key: environ[one] for key, one in self.variables.items()}
        self.env_vars = parse_env_vars(
            given,
            case_sensitive=True,
            ignore_empty=self.env_ignore_empty,
            parse_none_str=self.env_parse_none_str,
        )

    def _starts(self) -> Mapping[str, str]:
        """Return the start of each nested variable -> the field it is in."""
        delimiter = self.env_nested_delimiter
        names = self.names.items() if delimiter else ()
        return {f"{one}{delimiter}": name for name, found in names for one in found}

    def _paths(self) -> dict[str, KeyPath]:
        """Return the key of each variable -> the path that it sets."""
        found = dict(self._field_paths)
        for start, name in self._starts().items():
            for key in (one for one in self.env_vars if one.startswith(start)):
                steps = self._steps(name, key[len(start) :])
                found[key] = (name, *(step for step, _ in steps))
        return {key: path for key, path in found.items() if key in self.env_vars}

    def _steps(self, name: str, text: str) -> Iterator[tuple[str | int, str]]:
        """Yield the steps of a nested variable: name of the field, or else the step; its key."""
        _, slot = slot_of(self.settings_cls).enter(name)
        for step in text.split(self.env_nested_delimiter, self.maxsplit):
            known = {self._apply_case_sensitive(key): key for key in slot.fields}
            low = self._apply_case_sensitive(step)
            key = known.get(low, low if known else step)
            found, slot = slot.enter(key)
            yield found, key

    def _key(self, variable: str, starts: Mapping[str, str]) -> str:
        """Return the key of a variable: in small letters, keys of mappings as they are written."""
        low = self._apply_case_sensitive(variable)
        start = max((one for one in starts if low.startswith(one)), key=len, default="")
        steps = self._steps(starts[start], variable[len(start) :]) if start else ()
        nested = str(self.env_nested_delimiter).join(key for _, key in steps)
        return start + nested if start else low


def environment_source(kind: type[BaseSettings], environ: Mapping[str, str]) -> TextSource | None:
    """Return the source of `kind` that reads the environment, here `environ`; None without one."""
    # Only its names are used, so neither files nor the command line are read.
    is_cli = bool(kind.model_config.get("cli_parse_args"))
    options: dict[str, Any] = {"_env_file": None} | ({"_cli_parse_args": False} if is_cli else {})
    sources, _ = kind._settings_init_sources(**options)
    found = (one for one in sources if _loads_like(one, theirs.EnvSettingsSource))
    return next((as_text_source(one, environ) for one in found), None)


def as_text_source(source: Any, environ: Mapping[str, str] | None) -> Any:
    """Return a copy of `source` that is a `TextSource`; it reads `environ` if `source` does."""
    kind: Any = type(source)
    noting = object.__new__(_noting(kind))
    vars(noting).update(vars(source), unreadable={}, variables={})
    if _loads_like(source, theirs.EnvSettingsSource):
        noting.read(os.environ if environ is None else environ)
    elif noting.env_nested_delimiter and _loads_like(source, theirs.DotEnvSettingsSource):
        # Read again with names as they are written, for keys of mappings; not possible for a pipe.
        cased = copy(source)
        cased.case_sensitive = True
        files = [source.env_file] if isinstance(source.env_file, str | Path) else source.env_file
        if not any(Path(one).expanduser().is_fifo() for one in files or ()):
            noting.read(cased._load_env_vars())
    return noting


def _loads_like(source: object, kind: type[theirs.EnvSettingsSource]) -> bool:
    """Tell whether `source` loads its variables as `kind` does."""
    return getattr(type(source), "_load_env_vars", None) is kind._load_env_vars


@lru_cache(maxsize=64)
def _noting(kind: Any) -> Any:
    return type(kind.__name__, (TextSource, kind), {})
