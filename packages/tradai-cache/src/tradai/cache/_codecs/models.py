"""Models, dataclasses, Enums and containers of them, rebuilt from the return annotation.

The bytes name no class. What would not come back exactly is refused when it is encoded.
"""

from collections.abc import Mapping, Sequence, Set as AbstractSet
from enum import Enum
from typing import Any, Final, TypedDict, cast, final

from tradai.cache._codecs.plain import from_plain, to_plain
from tradai.cache._codecs.sameness import is_identical
from tradai.cache._codecs.secret_scan import refuse_secrets

__all__ = ["ModelCodec"]


@final
class _Dump(TypedDict):
    by_alias: bool
    round_trip: bool
    warnings: bool


# Our own JSON keeps time zones and what is under `Any`; a strict model takes only that of pydantic.
_PLAIN: Final = b"p"
_JSON: Final = b"j"
_DUMP: Final[_Dump] = {"by_alias": True, "round_trip": True, "warnings": False}


@final
class ModelCodec:
    """Values of one annotation, by way of pydantic."""

    def __init__(self, annotation: object) -> None:
        """Read the annotation.

        Raises:
            TypeError: pydantic does not know what such values are made of.
        """
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

        try:
            self._adapter = TypeAdapter[object](cast("Any", annotation))
        except (PydanticUserError, PydanticUndefinedAnnotation) as exc:
            problem = str(exc).partition(". ")[0].partition("\n")[0]
            message = f"no codec takes values of the return annotation {annotation!r}: {problem}"
            raise TypeError(message) from exc

    def encode(self, value: object) -> bytes:
        """Return `value` as bytes from which the same value is read.

        Raises:
            Uncacheable: There is a secret inside.
            TypeError: It would come back as something else.
        """
        refuse_secrets(value)
        problems: list[Exception] = []
        for encode in (self._plain, self._json):
            try:
                payload = encode(value)
                if is_identical(self.read(payload), value):
                    return payload
            # Code of models runs here, and what it raises is theirs to choose.
            except Exception as exc:  # noqa: BLE001
                problems.append(exc)
        raise TypeError(_changed(value, problems))

    def read(self, payload: bytes | memoryview) -> object:
        """Return what was encoded; what is no such payload raises nearly anything."""
        if payload[:1] == _JSON:
            return self._adapter.validate_json(bytes(payload[1:]))
        if payload[:1] != _PLAIN:
            raise ValueError
        return self._adapter.validate_python(from_plain(payload[1:]))

    def _plain(self, value: object) -> bytes:
        return _PLAIN + to_plain(self._adapter.dump_python(value, **_DUMP), _plainer)

    def _json(self, value: object) -> bytes:
        return _JSON + self._adapter.dump_json(value, **_DUMP)


def _plainer(value: object) -> object:
    """Return what pydantic would take for `value`, one step nearer to plain data."""
    from pydantic_core import to_jsonable_python

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str):
        return [*value]
    return to_jsonable_python(value)


def _changed(value: object, problems: list[Exception]) -> str:
    # Messages of validation show values: only the types of errors are told.
    found = f" ({', '.join(type(problem).__name__ for problem in problems)})" if problems else ""
    return (
        f"a {type(value).__qualname__} would not come back from the shared tier as it is{found}: "
        "expected exactly what the return annotation says, in fields that pydantic dumps and "
        "validates without change"
    )
