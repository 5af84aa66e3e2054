"""Instants as fields of models."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, final

from tradai.core._types.pydantic_schemas import json_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["Utc"]

_TEXT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|\+00:00)"
)
_EXPECTED: Final = "an aware instant in UTC, such as 2025-01-01T00:00:00Z"


def _utc(value: object) -> datetime:
    at = _read(value) if isinstance(value, str) else value
    if isinstance(at, datetime) and at.utcoffset() == timedelta(0):
        return at.astimezone(UTC)
    raise ValidationError(f"not an instant: expected {_EXPECTED}", expected=_EXPECTED)


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _TEXT.fullmatch(text) else None
    except ValueError:
        return None


@final
class _UtcField:
    """Tells pydantic to take aware UTC datetimes and their text."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        return json_schema(_utc)


Utc: TypeAlias = Annotated[datetime, _UtcField()]
"""An aware datetime in UTC; as text ``2025-01-01T00:00:00Z``, to the microsecond.

Neither naive datetimes, nor other zones, nor numbers: they would have to be guessed at. The text
is RFC 3339 (https://www.rfc-editor.org/rfc/rfc3339#section-5.6) with ``Z`` or ``+00:00``.
"""
