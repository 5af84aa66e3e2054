"""How pydantic treats our own value types; pydantic is imported only when it asks."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

__all__ = ["json_schema", "text_schema"]


def text_schema(parse: Callable[[str], object], *, kind: type = str) -> "CoreSchema":
    """Return the schema of a value that `parse` makes from text, and ``str()`` turns back.

    Args:
        parse: Makes the value; raises `ValueError` on bad text.
        kind: Type of the value; an instance is accepted as it is.
    """
    # Values are used without pydantic, and importing it costs ten times what they do.
    from pydantic_core import core_schema

    def spelled(value: object) -> object:
        return str(value) if isinstance(value, kind) else value

    parsed = core_schema.no_info_after_validator_function(
        parse,
        core_schema.str_schema(strict=True),
        serialization=core_schema.to_string_ser_schema(when_used="json"),
    )
    return core_schema.no_info_before_validator_function(spelled, parsed)


def json_schema(
    check: Callable[[object], object], *, dump: Callable[..., object] | None = None
) -> "CoreSchema":
    """Return the schema of a value that `check` takes from JSON, and `dump` turns back."""
    # As above.
    from pydantic_core import core_schema

    serialization = dump and core_schema.plain_serializer_function_ser_schema(dump)
    return core_schema.no_info_after_validator_function(
        check, core_schema.any_schema(), serialization=serialization or None
    )
