"""Settings of a process, from environment variables."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, Final, Literal, TypeAlias, final

import pydantic
import pydantic_settings
from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined
from pydantic_settings import EnvSettingsSource, SettingsConfigDict

from tradai.core._secret_shapes import looks_like_secret
from tradai.core._setting_problems import (
    UNREADABLE,
    SettingProblem,
    is_json,
    refusal,
    sentence,
)

__all__ = ["BaseSettings", "SettingOrigin", "unknown_variables"]

Source: TypeAlias = Literal["default", "environment", "argument"]

_OURS: Final = "TRADAI_"
# Owned by the environment layer of strategy configuration, which knows what may follow.
_STRATEGY: Final = "TRADAI_STRATEGY__"
# The common prefix alone makes any two of our names two thirds alike.
_CLOSE: Final = 0.8
_HIDDEN: Final = "**********"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingOrigin:
    """Where one setting comes from.

    Attributes:
        name: The field.
        variable: The environment variable that sets it.
        value: Its value as text; stars when it looks like a secret.
        source: ``default``, ``environment`` or ``argument``.
    """

    name: str
    variable: str
    value: str
    source: Source


class BaseSettings(pydantic_settings.BaseSettings):
    """Settings read from environment variables when they are made; frozen afterwards.

    A subclass sets ``model_config = SettingsConfigDict(env_prefix="TRADAI_X_")``; the field
    ``bucket`` is then the variable ``TRADAI_X_BUCKET``, in capital letters only. A field with
    ``validation_alias="AWS_REGION"`` is that variable. Lists and mappings are written as JSON.
    Arguments win over variables. Other sources of pydantic-settings (.env, secret files) are off.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        validate_default=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    def __init__(self, **values: object) -> None:
        """Take `values`, and the environment for the rest.

        Raises:
            ConfigurationError: Variables are missing, empty or not valid; all are listed by name,
                none with its value.
        """
        problems = self._fill(self, os.environ, values)
        # Outside of any except block: what pydantic raises holds the values.
        if problems:
            raise refusal(problems)

    @classmethod
    def check(cls, environ: Mapping[str, str]) -> None:
        """Check what `environ` sets; what it leaves out may still be given as an argument.

        Raises:
            ConfigurationError: As for the constructor.
        """
        problems = cls._fill(cls.__new__(cls), environ, {})
        wrong = [problem for problem in problems if not problem.is_missing]
        if wrong:
            raise refusal(wrong)

    @classmethod
    def explain(
        cls, environ: Mapping[str, str], /, **arguments: object
    ) -> tuple[SettingOrigin, ...]:
        """Tell for each field where its value comes from; nothing is validated."""
        return tuple(
            _origin(name, field, cls._names(name), environ, arguments)
            for name, field in cls.model_fields.items()
        )

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """Return the names of the environment variables that this class reads, sorted."""
        return tuple(sorted(one for name in cls.model_fields for one in cls._names(name)))

    @classmethod
    def owns(cls, variable: str) -> bool:
        """Tell whether this class reads `variable`, nested names included."""
        delimiter = cls.model_config.get("env_nested_delimiter")
        nested = tuple(f"{one}{delimiter}" for one in cls.variables()) if delimiter else ()
        return variable in cls.variables() or variable.startswith(nested)

    @classmethod
    def _fill(
        cls, blank: "BaseSettings", environ: Mapping[str, str], arguments: Mapping[str, object]
    ) -> list[SettingProblem]:
        problems = [*cls._bad_texts(environ)]
        found = None if problems else cls._found(environ, arguments)
        if found is None:
            return problems or [*cls._bad_json(environ)] or [UNREADABLE]
        try:
            pydantic.BaseModel.__init__(blank, **(found | dict(arguments)))
        except pydantic.ValidationError as exc:
            return [cls._problem(error, arguments) for error in exc.errors(include_url=False)]
        return []

    @classmethod
    def _names(cls, name: str) -> list[str]:
        alias = cls.model_fields[name].validation_alias
        if isinstance(alias, AliasChoices):
            return [choice for choice in alias.choices if isinstance(choice, str)]
        prefix = cls.model_config.get("env_prefix", "")
        return [alias] if isinstance(alias, str) else [f"{prefix}{name}".upper()]

    @classmethod
    def _source(cls) -> EnvSettingsSource:
        config = cls.model_config
        return EnvSettingsSource(
            cls,
            env_prefix=config.get("env_prefix"),
            env_nested_delimiter=config.get("env_nested_delimiter"),
        )

    @classmethod
    def _bad_texts(cls, environ: Mapping[str, str]) -> Iterator[SettingProblem]:
        for variable in sorted(filter(cls.owns, environ)):
            text = environ[variable]
            if not text.strip():
                yield SettingProblem(variable, "is set, but empty; unset it, or give it a value")
            elif text != text.strip():
                yield SettingProblem(variable, "has blanks around its value; remove them")

    @classmethod
    def _found(
        cls, environ: Mapping[str, str], arguments: Mapping[str, object]
    ) -> dict[str, object] | None:
        """Return the fields left to `environ`, or None when a text should be JSON and is not."""
        source = cls._source()
        given = {one for name in arguments if name in cls.model_fields for one in cls._names(name)}
        left = [name for name in environ if cls.owns(name) and name not in given]
        source.env_vars = {name.lower(): environ[name] for name in left}
        try:
            return source()
        except ValueError:
            return None

    @classmethod
    def _bad_json(cls, environ: Mapping[str, str]) -> Iterator[SettingProblem]:
        """Name what is not JSON, of the variables that are not plain text."""
        source = cls._source()
        fields = cls.model_fields.items()
        plain = {
            one
            for name, field in fields
            for one in cls._names(name)
            if not source.field_is_complex(field)
        }
        for variable in sorted(filter(cls.owns, environ)):
            if variable not in plain and not is_json(environ[variable]):
                yield SettingProblem(variable, "must be JSON, such as a list")

    @classmethod
    def _problem(cls, error: ErrorDetails, arguments: Mapping[str, object]) -> SettingProblem:
        name = str(error["loc"][0]) if error["loc"] else ""
        variable = cls._names(name)[0] if name in cls.model_fields else name
        place = f"{name} ({variable})" if name in arguments else variable
        is_missing = error["type"] == "missing" and len(error["loc"]) == 1
        return SettingProblem(place, sentence(error), is_missing=is_missing)


def unknown_variables(
    environ: Mapping[str, str], settings_classes: Iterable[type[BaseSettings]]
) -> list[tuple[str, str | None]]:
    """Return the ``TRADAI_*`` names in `environ` that nothing reads, each with what was meant.

    Args:
        environ: The environment to look at.
        settings_classes: Every settings class there is.
    """
    classes = list(settings_classes)
    known = sorted({variable for one in classes for variable in one.variables()})
    ours = sorted(name for name in environ if name.upper().startswith(_OURS))
    strangers = [
        name
        for name in ours
        if not name.startswith(_STRATEGY) and not any(one.owns(name) for one in classes)
    ]
    return [(name, _closest(name.upper(), known)) for name in strangers]


def _closest(name: str, known: list[str]) -> str | None:
    return next(iter(get_close_matches(name, known, cutoff=_CLOSE)), None)


def _origin(
    name: str,
    field: FieldInfo,
    variables: list[str],
    environ: Mapping[str, str],
    arguments: Mapping[str, object],
) -> SettingOrigin:
    variable = next((one for one in variables if one in environ), variables[0])
    value: object = field.get_default(call_default_factory=True)
    source: Source = "default"
    if name in arguments:
        value, source = arguments[name], "argument"
    elif variable in environ:
        value, source = environ[variable], "environment"
    return SettingOrigin(name=name, variable=variable, value=_shown(name, value), source=source)


def _shown(name: str, value: object) -> str:
    if value is None or value is PydanticUndefined:
        return ""
    return _HIDDEN if looks_like_secret([name], str(value)) else str(value)
