"""Choice of one version of a model: by alias, by stage, by number, or the latest."""

import re
from dataclasses import dataclass
from typing import Final, Self, final

from tradai.core.exceptions import ValidationError

SCHEME: Final = "mlflow:"
# Alias of the version that may trade.
CHAMPION: Final = "champion"

_LATEST: Final = "latest"
_STAGE: Final = "stage:"
_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})")
_ALIAS: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_EXPECTED: Final = (
    "NAME@ALIAS, such as trend@champion; NAME@v7 for a version, NAME@latest for the newest one, "
    "or NAME@stage:Production"
)
_BAD_NAME: Final = re.compile(r"[/:\x00-\x1f\x7f]")
_EXPECTED_NAME: Final = "a name without '/', ':' and control characters, as MLflow 3 asks for"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSelector:
    """A model, and one of `alias`, `stage` and `version`; with none of them the latest version.

    >>> str(VersionSelector.parse("trend@champion"))
    'trend@champion'
    """

    name: str
    alias: str | None = None
    stage: str | None = None
    version: int | None = None

    def __post_init__(self) -> None:
        """Check the choice.

        Raises:
            ValidationError: The name is empty, an alias is not one, or two choices are made.
        """
        chosen = [value for value in (self.alias, self.stage, self.version) if value is not None]
        is_alias = self.alias is None or is_usable_alias(self.alias)
        if len(chosen) > 1:
            raise selector_error("@".join([self.name, *map(str, chosen)]))
        if not self.name.strip() or not is_alias:
            raise selector_error(str(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the choice that `text` is; the last ``@`` ends the name.

        Raises:
            ValidationError: `text` does not choose a version.
        """
        name, separator, choice = text.removeprefix(SCHEME).rpartition("@")
        if not separator:
            raise selector_error(text)
        if choice == _LATEST:
            return cls(name=name)
        if match := _VERSION.fullmatch(choice):
            return cls(name=name, version=int(match[1]))
        if choice.startswith(_STAGE):
            return cls(name=name, stage=choice.removeprefix(_STAGE))
        return cls(name=name, alias=choice)

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        if self.alias is not None:
            return f"{self.name}@{self.alias}"
        if self.stage is not None:
            return f"{self.name}@{_STAGE}{self.stage}"
        return f"{self.name}@{_LATEST if self.version is None else f'v{self.version}'}"


def is_usable_alias(alias: str) -> bool:
    """Tell whether every server takes `alias`; ``latest`` and ``v7`` mean something else."""
    is_reserved = alias.lower() == _LATEST or _VERSION.fullmatch(alias.lower())
    return bool(_ALIAS.fullmatch(alias)) and not is_reserved


def check_model_name(name: str) -> None:
    """Check a name before anything is sent.

    Raises:
        ValidationError: Not every server takes it.
    """
    if not name.strip() or _BAD_NAME.search(name):
        message = f"the model name {name!r} is not usable: expected {_EXPECTED_NAME}"
        raise ValidationError(message, field="name", expected=_EXPECTED_NAME)


def selector_error(choice: str) -> ValidationError:
    """Return the error that `choice` chooses no version, or more than one."""
    message = f"the choice {choice!r} of a model version is not usable: expected {_EXPECTED}"
    return ValidationError(message, field="model", expected=_EXPECTED)
