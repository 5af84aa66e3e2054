"""Secret values, masked wherever they are printed."""

from collections.abc import Iterator, Mapping, Set as AbstractSet
from typing import TYPE_CHECKING, Final, Generic, NoReturn, get_args

from tradai.core._secrets.redaction import MASK, register_secret, release_secret
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, SecretStr
    from pydantic_core import CoreSchema
    from typing_extensions import TypeVar

    T = TypeVar("T", default=str)
else:
    from typing import TypeVar

    # Python 3.11 has no defaults of type variables; only type checkers need this one.
    T = TypeVar("T")

# Smaller numbers, ports for one, would be found in times and prices.
_SMALLEST_NUMBER: Final = 100_000
_LARGEST_NUMBER: Final = 10**1_000


class Secret(Generic[T]):
    """A value that is shown only by an explicit call: `reveal`.

    Printing, formatting and logging it give a mask. It cannot be pickled, and `json` does not
    know it. Making one registers every text inside the value, bytes and whole numbers of six digits
    or more too, so `redact` masks them in whatever text they turn up: as long as any secret holds
    them, and after that until 256 other values have lost their last holder. As a field of a
    pydantic model it takes what its value would take, and is dumped as the mask.

    >>> print(Secret("not-a-real-secret"))
    ***
    """

    __slots__ = ("_registered", "_value")

    def __init__(self, value: "T | SecretStr", /) -> None:
        """Hold and register `value`; a `SecretStr` of pydantic is unwrapped.

        Raises:
            ValidationError: `value` is empty or blank text.
        """
        held = _unwrap(value)
        is_blank = isinstance(held, str) and not held.strip()
        if is_blank:
            expected = "text that is not blank"
            raise ValidationError(f"a secret is empty: expected {expected}", expected=expected)
        self._registered = tuple(_texts(held))
        for text in self._registered:
            register_secret(text)
        # Unwrapping leaves a value of another type as it is.
        self._value: T = held  # type: ignore[assignment]

    def __del__(self) -> None:
        """Let its value be forgotten."""
        # A secret that was refused has registered nothing.
        for text in getattr(self, "_registered", ()):
            release_secret(text)

    def reveal(self) -> T:
        """Return the value itself; keep it out of messages, logs and files."""
        return self._value

    def __repr__(self) -> str:
        """Show that it is a secret."""
        return f"Secret({MASK})"

    def __str__(self) -> str:
        """Show the mask."""
        return MASK

    def __format__(self, spec: str) -> str:
        """Show the mask, whatever `spec` asks for."""
        return MASK

    def __eq__(self, other: object) -> bool:
        """Equal a secret with the same value."""
        return isinstance(other, Secret) and bool(self._value == other._value)

    def __hash__(self) -> int:
        """Hash by value."""
        return hash((Secret, self._value))

    def __copy__(self) -> "Secret[T]":
        """Return itself: it never changes."""
        return self

    def __deepcopy__(self, memo: object) -> "Secret[T]":
        """Return itself: it never changes."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled.

        Raises:
            TypeError: Always; hand over the reference and resolve it on the other side.
        """
        message = "a Secret cannot be pickled; hand over its reference instead"
        raise TypeError(message)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Validate the value inside; a bare `Secret` holds text."""
        # Secrets are used without pydantic, and importing it costs ten times what they do.
        from pydantic_core import core_schema

        inner = handler.generate_schema(next(iter(get_args(source)), str))
        sealed = core_schema.no_info_after_validator_function(cls, inner)
        return core_schema.no_info_before_validator_function(
            _unwrap, sealed, serialization=core_schema.to_string_ser_schema()
        )


def _unwrap(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    # By its method: a program without any SecretStr must not pay for importing pydantic.
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if callable(reveal) else value


def _texts(value: object) -> Iterator[str]:
    """Yield every text inside `value`, keys of mappings left out."""
    value = _unwrap(value)
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield from (value.decode(errors="backslashreplace"), repr(value)[2:-1])
    elif isinstance(value, int) and _SMALLEST_NUMBER <= abs(value) < _LARGEST_NUMBER:
        yield str(value)
    elif isinstance(value, Mapping):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, list | tuple | AbstractSet):
        for item in value:
            yield from _texts(item)
    elif hasattr(value, "__dict__"):
        yield from _texts(vars(value))
