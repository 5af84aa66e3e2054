"""Fast path of a cached function: a memory look-up generated for its parameters.

A wrapper that takes ``*args, **kwargs`` pays for a tuple, a dict and the binding on each call,
which is more than all the rest of a hit. So the wrapper is generated with the parameters of the
function, as `dataclasses` generates constructors: positional and keyword arguments are the same
before the look-up, and Python itself rejects a call with wrong arguments.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from inspect import Parameter
from time import monotonic
from types import FunctionType
from typing import Final, Protocol

from tradai.cache._calls.signature import Signature, Values
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._stats import Counters

# `@` stands for a prefix that no parameter has: a parameter may be called `type`.
_FAST: Final = """
def make(@entries, @slow, @counter, @tier, @now, @type=type):
    DEF call(PARAMETERS):
        try:
            @entry = @entries[ALIAS]
        except (KeyError, TypeError):
            return WAIT @slow(VALUES)
        if @now() < @entry.fresh_until and @entry.generation == @tier.generation:
            @counter.memory += 1
            @entry.was_used = True
            if @entry.copier is None:
                return @entry.value
            return @entry.copier(@entry.value)
        return WAIT @slow(VALUES)
    return call
"""
_SLOW: Final = """
def make(@entries, @slow, @counter, @tier, @now):
    DEF call(PARAMETERS):
        return WAIT @slow(VALUES)
    return call
"""
_STARS: Final[dict[object, str]] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}


class Generation(Protocol):
    """An object with the present generation; an entry of another one is unverified."""

    @property
    def generation(self) -> int:
        """The present generation."""


def make_fast_call(
    signature: Signature,
    slow: Callable[[Values], object],
    *,
    entries: dict[Values, Entry],
    counter: Counters,
    tier: Generation,
    is_async: bool,
) -> Callable[..., object]:
    """Return a function with the parameters of `signature`.

    It returns fresh and verified values from `entries`, and calls `slow` with the values of its
    parameters otherwise. When `is_async`, both it and `slow` are coroutine functions.
    """
    scope: dict[str, Callable[..., FunctionType]] = {}
    # Only parameter names are put into the text, and Python has accepted them as names before.
    exec(_text(signature, is_async=is_async), scope)  # noqa: S102
    call = scope["make"](entries, slow, counter, tier, monotonic)
    call.__qualname__ = signature.function.__qualname__  # for errors about wrong arguments
    call.__defaults__ = tuple(item.default for item in signature.defaulted(is_keyword=False))
    call.__kwdefaults__ = {item.name: item.default for item in signature.defaulted(is_keyword=True)}
    return call


def _text(signature: Signature, *, is_async: bool) -> str:
    names = [parameter.name for parameter in signature.parameters]
    prefix = "_"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    texts = {
        "DEF": "async def" if is_async else "def",
        "WAIT": "await" if is_async else "",
        "PARAMETERS": ", ".join(_parameters(signature.parameters)),
        "ALIAS": _tuple(f"{prefix}type({name}), {name}" for name in names),
        "VALUES": _tuple(names),
        "@": prefix,
    }
    # In one pass: a parameter may be called `DEF` or `VALUES`.
    template = _FAST if signature.has_alias else _SLOW
    return re.sub("|".join(texts), lambda match: texts[match[0]], template)


def _tuple(items: Iterable[str]) -> str:
    return f"({''.join(f'{item}, ' for item in items)})"


def _parameters(parameters: Iterable[Parameter]) -> Iterator[str]:
    """Yield the parameters as source text; the real defaults are set afterwards."""
    last = None
    for parameter in parameters:
        if last is Parameter.POSITIONAL_ONLY is not parameter.kind:
            yield "/"
        is_first_keyword = parameter.kind is Parameter.KEYWORD_ONLY is not last
        if is_first_keyword and last is not Parameter.VAR_POSITIONAL:
            yield "*"
        yield _parameter(parameter)
        last = parameter.kind
    if last is Parameter.POSITIONAL_ONLY:
        yield "/"


def _parameter(parameter: Parameter) -> str:
    stars = _STARS.get(parameter.kind, "")
    default = "" if parameter.default is Parameter.empty else "=None"
    return f"{stars}{parameter.name}{default}"
