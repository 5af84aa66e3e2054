"""Text types defined by a regular expression and checked by pydantic."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, final

from tradai.core._types.pydantic_schemas import text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


@final
class Grammar:
    """Accepts only text that matches a pattern; an annotation that pydantic understands."""

    def __init__(
        self,
        what: str,
        pattern: str,
        expected: str,
        *,
        is_refused: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Name the text `what` in errors, and describe what was `expected`.

        Text that matches the pattern may be refused all the same.
        """
        self._what = what
        self._is_refused = is_refused
        self._pattern = re.compile(pattern)
        self._expected = expected

    def check(self, text: str) -> str:
        """Return `text`.

        Raises:
            ValidationError: It does not match.
        """
        self.parts(text)
        return text

    def parts(self, text: object) -> tuple[str, ...]:
        """Return the groups of `text`; a missing group is empty.

        Raises:
            ValidationError: It is not text, or does not match.
        """
        match = self._pattern.fullmatch(text) if isinstance(text, str) else None
        if match is None or self._is_refused(match[0]):
            given = repr(text) if isinstance(text, str) else f"of type {type(text).__name__}"
            message = f"{self._what} {given} is not usable: expected {self._expected}"
            raise ValidationError(message, field=self._what, expected=self._expected)
        return match.groups(default="")

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Run strings through `check`."""
        return text_schema(self.check)
