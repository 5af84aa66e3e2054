"""Names of the variables that a settings class reads, and of its fields in messages."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import final

from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._settings.annotations import Annotation, entered, known_names
from tradai.core._settings.text_sources import VariableSource, as_text_source, reads_environment

__all__ = ["Names", "is_customised"]


@final
class Names:
    """Names of the variables and fields of the settings class `kind`.

    Attributes:
        kind: The class.
    """

    def __init__(self, kind: type[BaseSettings], environ: Mapping[str, str] | None = None) -> None:
        """Prefer the variables in `environ` where a field has several."""
        self.kind = kind
        self._environ = environ or {}

    @cached_property
    def source(self) -> VariableSource | None:
        """The source that reads the environment; None when the class has none."""
        found = next(filter(reads_environment, _sources(self.kind)), None)
        return found and as_text_source(found, self._environ)

    @cached_property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """Each field -> its variables, as they are usually written."""
        if (source := self.source) is None:
            return {}
        is_exact = source.case_sensitive
        return {
            name: [one if is_exact else one.upper() for one in source.names(name)]
            for name in self.kind.model_fields
        }

    @cached_property
    def written(self) -> Mapping[KeyPath, str]:
        """Each path that is set by a variable of the environment -> that variable."""
        return self.source.paths() if self.source else {}

    def variable(self, path: KeyPath) -> str:
        """Return the variable that sets what is at `path`, or what is around it; or would set it."""
        around = (self.written.get(path[:length]) for length in range(len(path), 0, -1))
        return next(filter(None, around), None) or self.unset(path)

    def unset(self, path: KeyPath) -> str:
        """Return the variable that would set what is at `path`."""
        first = next(iter(self.variables.get(str(path[0]), ())), str(path[0]))
        delimiter = self.source and self.source.env_nested_delimiter
        if not delimiter:
            return first
        names = self._fields(path)
        steps = [
            str(step).upper() if is_name else str(step)
            for step, is_name in zip(path[1:], names[1:], strict=True)
            if isinstance(step, str)
        ]
        return delimiter.join([first, *steps])

    def shown(self, path: KeyPath) -> str:
        """Return `path` as text, without keys of mappings: they are values too."""
        names = zip(path, self._fields(path), strict=True)
        return ".".join(str(step) if is_name else "*" for step, is_name in names)

    def without_keys(self, path: KeyPath) -> KeyPath:
        """Return `path` up to its first key of a mapping."""
        names = self._fields(path)
        return path[: names.index(False)] if False in names else path

    def _fields(self, path: KeyPath) -> list[bool]:
        """Tell of each step whether it is a field or a place in a list."""
        found = []
        annotation: Annotation | None = self.kind
        for step in path:
            found.append(isinstance(step, int) or step in known_names(annotation))
            _, annotation = entered(annotation, step)
        return found


def is_customised(kind: type[BaseSettings]) -> bool:
    """Tell whether `kind` chooses its sources itself."""
    theirs = BaseSettings.settings_customise_sources.__func__
    return kind.settings_customise_sources.__func__ is not theirs


def _sources(kind: type[BaseSettings]) -> Sequence[PydanticBaseSettingsSource]:
    """Return the sources of `kind` without reading files."""
    if not is_customised(kind):
        return [EnvSettingsSource(kind)]
    return kind.settings_customise_sources(
        kind,
        init_settings=InitSettingsSource(kind, {}),
        env_settings=EnvSettingsSource(kind),
        dotenv_settings=DotEnvSettingsSource(kind, env_file=None),
        file_secret_settings=SecretsSettingsSource(kind),
    )
