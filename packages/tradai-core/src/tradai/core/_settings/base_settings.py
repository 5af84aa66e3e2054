"""Settings of a process: strict, frozen, from layers, with the origin of each value."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import pydantic_settings
from pydantic_settings import SettingsConfigDict

from tradai.core._layers.layer import ConfigLayer
from tradai.core._layers.suggestions import closest
from tradai.core._secrets.reference import SecretReference
from tradai.core._settings.explain import SettingOrigin, explained, references_in
from tradai.core._settings.freezing import require_frozen
from tradai.core._settings.layers import SettingLayer
from tradai.core._settings.problems import settings_error
from tradai.core._settings.sources import read_layers
from tradai.core._settings.text_sources import environment_source
from tradai.core._settings.validation import SettingStack
from tradai.core.exceptions import ValidationError

_OURS: Final = "TRADAI_"
# Owned by the environment layer of strategy configuration, which knows what may follow.
_STRATEGY: Final = "TRADAI_STRATEGY__"
# The common prefix alone makes any two of our names two thirds alike.
_CLOSE: Final = 0.8
# Options of sources that a class has only if its settings_customise_sources names them.
_NAMED: Final = re.compile(
    r"(json|toml|yaml)_file\w*|yaml_config_section|(pyproject_)?toml_\w+|secrets_(?!dir$)\w+"
)


class BaseSettings(pydantic_settings.BaseSettings):
    """Settings that are read once, validated strictly, and deeply frozen.

    A subclass sets ``model_config = SettingsConfigDict(env_prefix="TRADAI_X_")``; the field
    ``bucket`` is then the variable ``TRADAI_X_BUCKET``. A field with
    ``validation_alias="AWS_REGION"`` is that variable. Lists and mappings are written as JSON;
    with ``env_nested_delimiter="__"`` the fields of a nested model have variables of their own.

    Making one reads the environment; arguments win over variables. `load` adds files and
    overrides. Other sources of pydantic-settings (.env, secret files, ...) are read where the
    class asks for them.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **options: object) -> None:
        """Refuse a class with a mutable field, or with an option that no source reads.

        Raises:
            ValidationError: A field or a nested model is mutable, or an option belongs to a source
                that the class does not have.
        """
        super().__pydantic_init_subclass__(**options)
        config: Mapping[str, object] = dict(cls.model_config)
        asked = next((key for key in config if _NAMED.fullmatch(key) and config[key]), None)
        is_plain = cls.settings_customise_sources == super().settings_customise_sources
        if asked is not None and is_plain:
            message = f"{cls.__name__} sets {asked}, which is not read; use {cls.__name__}.load"
            raise ValidationError(message, field=asked, expected="sources that are read")
        require_frozen(cls)

    def __init__(self, **values: object) -> None:
        """Take `values`, and the environment for the rest.

        Raises:
            ConfigurationError: Values are missing, empty or not valid; all are listed by place,
                none is quoted.
        """
        layers = read_layers(type(self), values)
        # A traceback may show the variables of a frame, so from here on none holds a value.
        del values
        _fill(self, layers)

    @classmethod
    def load(
        cls,
        *,
        files: Sequence[str | Path | ConfigLayer] = (),
        environ: Mapping[str, str] | None = None,
        overrides: Sequence[str] = (),
        **explicit: object,
    ) -> Self:
        """Return the settings from all layers; mappings merge, anything else is replaced.

        From the lowest: defaults, `files`, the environment, `overrides`, `explicit`.

        Args:
            files: YAML files by path or URI, or layers, each laid over the one before.
                ``optional:`` before a path or URI allows that the file is missing.
            environ: Variables to read, by default the environment of the process.
            overrides: Texts such as ``part.retries=5``, as on a command line.
            **explicit: Fields with their values.

        Raises:
            ConfigurationError: Something cannot be read, is missing or not valid; everything that
                is wrong is listed with its place, and no value is quoted.
            ExternalServiceError: A store refused; a `StorageError`, on a disk.
        """
        layers = read_layers(cls, explicit, files=files, environ=environ, overrides=overrides)
        # A traceback may show the variables of a frame, so from here on none holds a value.
        del environ, overrides, explicit
        settings = cls.__new__(cls)
        _fill(settings, layers)
        return settings

    @classmethod
    def explain(
        cls,
        environ: Mapping[str, str] | None = None,
        /,
        *,
        files: Sequence[str | Path | ConfigLayer] = (),
        overrides: Sequence[str] = (),
        **explicit: object,
    ) -> tuple[SettingOrigin, ...]:
        """Return the origin of each leaf, with the layers of `load`.

        Nothing is refused: an invalid value is shown as stars, an unreadable one is left out.
        """
        layers = read_layers(cls, explicit, files=files, environ=environ, overrides=overrides)
        return tuple(explained(SettingStack(cls, layers), cls.__new__(cls)))

    @classmethod
    def references(
        cls, environ: Mapping[str, str] | None = None, /
    ) -> tuple[tuple[str, SecretReference], ...]:
        """Return the references to secrets in `environ` and defaults, each after its variable.

        Those that are not valid are left out; `check` names them.
        """
        stack = SettingStack(cls, read_layers(cls, {}, environ=environ))
        return tuple(references_in(stack, cls.__new__(cls)))

    @classmethod
    def check(cls, environ: Mapping[str, str]) -> None:
        """Check what `environ` sets; what it leaves out may still be given as an argument.

        Raises:
            ConfigurationError: As for the constructor.
        """
        stack = SettingStack(cls, read_layers(cls, {}, environ=environ))
        del environ
        problems = [each for each in stack.fill(cls.__new__(cls)) if not each.is_missing]
        if problems:
            raise settings_error(problems)

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """Return the names of the environment variables that this class reads, sorted."""
        source = environment_source(cls, {})
        names = [one for found in source.names.values() for one in found] if source else []
        return tuple(sorted({source.written(one) for one in names}) if source else ())

    @classmethod
    def owns(cls, variable: str) -> bool:
        """Tell whether this class reads `variable`, nested names included."""
        return bool(cls._read_of([variable]))

    @classmethod
    def _read_of(cls, variables: Iterable[str]) -> Iterable[str]:
        source = environment_source(cls, dict.fromkeys(variables, "-"))
        return source.texts().values() if source is not None else ()


def unknown_variables(
    environ: Mapping[str, str],
    settings_classes: Iterable[type[BaseSettings]],
    *,
    prefixes: Sequence[str] = (_OURS,),
) -> list[tuple[str, str | None]]:
    """Return the variables in `environ` that nothing reads, each with a suggestion.

    Args:
        environ: The environment to look at.
        settings_classes: Every settings class there is.
        prefixes: Only names that start so are looked at: prefixes that are owned whole.
    """
    classes = list(settings_classes)
    names = [name for name in environ if name.upper().startswith(tuple(prefixes))]
    ours = {name for name in names if not name.startswith(_STRATEGY)}
    # A source is costly to make: each class reads all of them at once. Of two that differ only in
    # case it reads one, so it is asked about the others alone.
    unread = ours.difference(*(one._read_of(ours) for one in classes)) if ours else ours
    unknown = [name for name in sorted(unread) if not any(one.owns(name) for one in classes)]
    known = sorted({variable for one in classes for variable in one.variables()} if unknown else ())
    return [(name, closest(name.upper(), known, cutoff=_CLOSE)) for name in unknown]


def _fill(blank: BaseSettings, layers: Sequence[SettingLayer]) -> None:
    failures = [layer.failure for layer in layers if layer.failure is not None]
    if failures:
        raise failures[0]
    problems = SettingStack(type(blank), layers).fill(blank)
    # Raised outside any except block, because the error of pydantic holds the values.
    if problems:
        raise settings_error(problems)
