"""Schemas of pydantic for our own value types; pydantic is imported only when it builds one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


def text_schema(parse: Callable[[str], object], *, kind: type = str) -> "CoreSchema":
    """Return the schema of a value that `parse` makes from text, and ``str()`` converts back.

    Args:
        parse: Makes the value; raises `ValueError` on bad text.
        kind: Type of the value; an instance is accepted as it is.
    """
    # Values are used without pydantic, and importing it costs ten times what they do.
    from pydantic_core import core_schema

    def as_text(value: object) -> object:
        return str(value) if isinstance(value, kind) else value

    parsed = core_schema.no_info_after_validator_function(
        parse,
        core_schema.str_schema(strict=True),
        serialization=core_schema.to_string_ser_schema(when_used="json"),
    )
    return core_schema.no_info_before_validator_function(as_text, parsed)


@final
class JsonField:
    """An annotation for pydantic: `check` validates a value from JSON, and `dump` converts back."""

    def __init__(
        self, check: Callable[[object], object], *, dump: Callable[..., object] | None = None
    ) -> None:
        """Validate with `check`, which raises `ValueError`, and serialize with `dump`."""
        self._check = check
        self._dump = dump

    def __get_pydantic_core_schema__(
        self, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Return the schema of the field."""
        # Values are used without pydantic, and importing it costs ten times what they do.
        from pydantic_core import core_schema

        dump = self._dump and core_schema.plain_serializer_function_ser_schema(self._dump)
        return core_schema.no_info_after_validator_function(
            self._check, core_schema.any_schema(), serialization=dump
        )
