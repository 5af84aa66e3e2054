"""Signature of a cached function: its parameters, the digest of a call, and the call itself."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Final, Self, TypeAlias, final

from tradai.cache._keys.digest import digest_of
from tradai.cache._keys.scalars import module_name

Values: TypeAlias = tuple[object, ...]

_PLAIN: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The parameters and the identity of one function.

    Attributes:
        identity: Module and qualified name, the same in every process.
    """

    function: Callable[..., object]
    identity: str
    parameters: tuple[Parameter, ...]
    _inspected: inspect.Signature
    # The number of arguments, if all can be given by position; -1 otherwise.
    _positional: int

    @classmethod
    def of(cls, function: Callable[..., object]) -> Self:
        """Inspect `function` once."""
        inspected = inspect.signature(function)
        parameters = tuple(inspected.parameters.values())
        return cls(
            function=function,
            identity=f"{module_name(function.__module__)}:{function.__qualname__}",
            parameters=parameters,
            _inspected=inspected,
            _positional=len(parameters) if all(p.kind in _PLAIN for p in parameters) else -1,
        )

    def values(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Values:
        """Return the arguments in the order of the parameters, with defaults filled in.

        Raises:
            TypeError: An argument is missing or unknown.
        """
        if not kwargs and len(args) == self._positional:
            return args
        try:
            bound = self._inspected.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.function.__qualname__}(): {error}") from None
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def digest(self, values: Values, fingerprint: bytes) -> bytes:
        """Return the digest of a call of this function with `values`.

        Raises:
            TypeError: A value cannot be part of a key; the parameter is named.
        """
        try:
            return digest_of(self.identity, fingerprint, *values)
        except TypeError:
            for parameter, value in zip(self.parameters, values, strict=True):
                self._check(parameter.name, value)
            raise

    def call(self, values: Values) -> object:
        """Call the function itself."""
        args: list[object] = []
        kwargs: dict[str, object] = {}
        for parameter, value in zip(self.parameters, values, strict=True):
            _add_argument(parameter, value, args, kwargs)
        return self.function(*args, **kwargs)

    def _check(self, name: str, value: object) -> None:
        try:
            digest_of(value)
        except TypeError as error:
            raise TypeError(f"argument {name!r} of {self.function.__qualname__}: {error}") from None


def _add_argument(
    parameter: Parameter,
    # A tuple or a dict for *args and **kwargs: no single type fits all of them.
    value: Any,  # noqa: ANN401
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
