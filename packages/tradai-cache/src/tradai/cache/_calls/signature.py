"""What a cache needs to know about a function: its parameters, and how to call it quickly."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Final, Self, TypeAlias, final

from tradai.cache._keys.digest import digest_of, is_alias_safe
from tradai.cache._keys.scalars import module_name

__all__ = ["Signature", "Values"]

Values: TypeAlias = tuple[object, ...]

_VARIADIC: Final = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The parameters of one function, and its name.

    Attributes:
        has_alias: Whether a call can be looked up by its arguments as they are.
    """

    function: Callable[..., object]
    identity: str
    parameters: tuple[Parameter, ...]
    has_alias: bool
    _found: inspect.Signature

    @classmethod
    def of(cls, function: Callable[..., object]) -> Self:
        """Look at `function` once."""
        found = inspect.signature(function)
        return cls(
            function=function,
            identity=f"{module_name(function.__module__)}:{function.__qualname__}",
            parameters=tuple(found.parameters.values()),
            has_alias=not any(one.kind in _VARIADIC for one in found.parameters.values()),
            _found=found,
        )

    def defaulted(self, *, is_keyword: bool) -> Iterator[Parameter]:
        """Yield the parameters with a default, keyword-only ones or the others."""
        for parameter in self.parameters:
            has_default = parameter.default is not Parameter.empty
            if has_default and is_keyword is (parameter.kind is Parameter.KEYWORD_ONLY):
                yield parameter

    def values(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Values:
        """Return the arguments in the order of the parameters, defaults put in."""
        bound = self._found.bind(*args, **kwargs)
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def digest(self, values: Values, fingerprint: bytes) -> bytes:
        """Return what stands for a call of this function with `values`.

        Raises:
            TypeError: A value is unkeyable; the parameter is named.
        """
        named = zip(self.parameters, values, strict=True)
        try:
            return digest_of(self.identity, fingerprint, *values)
        except TypeError:
            for parameter, value in named:
                self._check(parameter.name, value)
            raise

    def alias(self, values: Values) -> Values | None:
        """Return what the quick way looks a call up by; None when equal is not the same."""
        parts: list[object] = []
        for value in values:
            if not is_alias_safe(value):
                return None
            parts += (type(value), value)
        return tuple(parts) if self.has_alias else None

    def call(self, values: Values) -> object:
        """Call the function itself."""
        args: list[object] = []
        kwargs: dict[str, object] = {}
        for parameter, value in zip(self.parameters, values, strict=True):
            _key(parameter, value, args, kwargs)
        return self.function(*args, **kwargs)

    def _check(self, name: str, value: object) -> None:
        try:
            digest_of(value)
        except TypeError as error:
            raise TypeError(f"argument {name!r} of {self.function.__qualname__}: {error}") from None


# A value is a tuple or a dict where Python gathers arguments: no one type fits all of them.
def _key(
    parameter: Parameter,
    value: Any,  # noqa: ANN401 - see above
    args: list[object],
    kwargs: dict[str, object],
) -> None:
    if parameter.kind is Parameter.VAR_POSITIONAL:
        args.extend(value)
    elif parameter.kind is Parameter.VAR_KEYWORD:
        kwargs.update(value)
    elif parameter.kind is Parameter.KEYWORD_ONLY:
        kwargs[parameter.name] = value
    else:
        args.append(value)
