"""All problems of a configuration in one error, so that nobody mends them one run at a time."""

from collections.abc import Callable
from typing import TypeVar, final

from tradai.core.exceptions import ConfigurationError

T = TypeVar("T")


@final
class Problems:
    """Collects the errors of checks that do not need each other."""

    def __init__(self) -> None:
        """Have none."""
        self._errors: list[ConfigurationError] = []

    def of(self, check: Callable[[], T]) -> T | None:
        """Return what `check` returns, or None where it refuses the configuration."""
        try:
            return check()
        except ConfigurationError as error:
            self._errors.append(error)
            return None

    def refuse(self) -> None:
        """Refuse the configuration where a check has.

        Raises:
            ConfigurationError: One has; the error of a single one, or a line for each.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            lines = "\n".join(map(str, self._errors))
            raise ConfigurationError(f"several problems\n{lines}", key=self._errors[0].key)
