"""Base classes of strings that are checked when they are made."""

from typing import TYPE_CHECKING, Self

from tradai.core._types.pydantic_schemas import text_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class CheckedText(str):
    """A string whose constructor checks it, also for pydantic."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Self], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Let pydantic take a string and pass it to the constructor."""
        return text_schema(cls)


class OrderedText(CheckedText):
    """A checked string that is ordered by its rank; other text is compared once it is checked.

    Attributes:
        _rank: The sort key.
    """

    __slots__ = ()
    _rank: tuple[int, ...]

    def __lt__(self, other: str) -> bool:
        """Compare the ranks; raise `ValidationError` for text that does not pass the check."""
        return self._rank < type(self)(other)._rank

    def __le__(self, other: str) -> bool:
        """Compare as ``<`` does."""
        return self._rank <= type(self)(other)._rank

    def __gt__(self, other: str) -> bool:
        """Compare as ``<`` does."""
        return self._rank > type(self)(other)._rank

    def __ge__(self, other: str) -> bool:
        """Compare as ``<`` does."""
        return self._rank >= type(self)(other)._rank
