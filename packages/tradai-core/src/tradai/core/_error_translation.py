"""Translation of vendor errors into ours: one table for each adapter, used at its border."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, final

from tradai.core.exceptions import TradAIError

P = ParamSpec("P")

# Each rule takes the vendor error that it stands beside in the table: no one type fits them all.
Rule: TypeAlias = Callable[Concatenate[Any, P], TradAIError]


@final
class ErrorTable(Generic[P]):
    """Vendor errors by type, each with the rule that translates it.

    An error is looked up by its type, then by the types it inherits from, nearest first. A type
    may be given by its qualified name, so that a table can be written without importing the
    vendor. An error that is not in the table passes unchanged, and so does one of ours.

    A rule takes the vendor error, then whatever `translated` was given. The new error is raised
    from the vendor's. With ``scrubs=True`` it stands alone, without cause, context or a local
    variable that holds the vendor's error, and a note names the vendor's type: for errors about
    settings and secrets, whose vendors quote values.

    >>> from tradai.core.exceptions import ValidationError
    >>> def no_number(error: ValueError, text: str) -> TradAIError:
    ...     return ValidationError(f"{text!r} is not usable: expected a number")
    >>> numbers = ErrorTable({ValueError: no_number})
    >>> with numbers.translated("seven"):
    ...     int("seven")
    Traceback (most recent call last):
    tradai.core.exceptions.ValidationError: 'seven' is not usable: expected a number
    """

    def __init__(
        self, rules: Mapping[type[Exception] | str, Rule[P]], *, scrubs: bool = False
    ) -> None:
        """Hold `rules`: vendor error, or its qualified name -> the function that translates it."""
        self._rules = {_name(kind): rule for kind, rule in rules.items()}
        self._scrubs = scrubs

    def translated(self, *args: P.args, **kwargs: P.kwargs) -> AbstractContextManager[None]:
        """Return a context manager inside which the vendor's errors are raised as ours.

        Raises:
            TradAIError: On exit, the translation of a vendor's error.
        """
        return _TranslatingContext(
            lambda error: self.ours(error, *args, **kwargs), scrubs=self._scrubs
        )

    def ours(
        self, error: BaseException, /, *args: P.args, **kwargs: P.kwargs
    ) -> TradAIError | None:
        """Return the translation of `error`; None when it is ours or has no rule."""
        if isinstance(error, TradAIError):
            return None
        names = map(_name, type(error).__mro__)
        rule = next((self._rules[name] for name in names if name in self._rules), None)
        return rule and rule(error, *args, **kwargs)


@final
class _TranslatingContext:
    """Context manager that translates the errors raised inside it."""

    __slots__ = ("_scrubs", "_translate")

    def __init__(
        self, translate: Callable[[BaseException], TradAIError | None], *, scrubs: bool
    ) -> None:
        self._translate = translate
        self._scrubs = scrubs

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ours = None if error is None else self._translate(error)
        if ours is None:
            return
        if not self._scrubs:
            raise ours from error
        ours.add_note(f"caused by {_name(type(error))}")
        # Tracebacks may show local variables: this frame keeps nothing of the vendor's.
        del error, traceback
        _raise_alone(ours)


def _raise_alone(error: TradAIError) -> None:
    try:
        raise error
    except TradAIError:
        # Python has just put the vendor's error here, as one that is being handled.
        error.__context__ = None
        raise


def _name(kind: type | str) -> str:
    return kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
