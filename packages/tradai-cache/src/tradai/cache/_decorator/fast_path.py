"""The quick way of a cached function: a look-up written out for its very parameters.

A wrapper that takes ``*args, **kwargs`` pays for a tuple, a dict and the binding on each call,
which is more than everything else a hit costs. So the wrapper is written with the parameters of
the function, as `dataclasses` writes constructors: positional and keyword spellings have met
before the look-up, and Python itself refuses a call with wrong arguments.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from inspect import Parameter
from time import monotonic
from types import FunctionType
from typing import Final, Protocol

from tradai.cache._calls.signature import Signature, Values
from tradai.cache._memory.memory_tier import Entry

__all__ = ["Generation", "HitCounter", "quick_call"]

# `@` stands for a prefix that no parameter has: one may well be called `type`.
_QUICK: Final = """
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


class HitCounter(Protocol):
    """Counts hits in memory."""

    memory: int


class Generation(Protocol):
    """Knows which entries are verified: those of its generation."""

    @property
    def generation(self) -> int:
        """The present generation."""
        ...


def quick_call(
    signature: Signature,
    slow: Callable[[Values], object],
    *,
    entries: dict[Values, Entry],
    counter: HitCounter,
    tier: Generation,
    is_async: bool,
) -> Callable[..., object]:
    """Return a function with the parameters of `signature`.

    It answers from `entries` what is fresh there and verified, and goes to `slow` with the values
    of its parameters otherwise. When `is_async`, it is a coroutine function, and `slow` is one.
    """
    scope: dict[str, Callable[..., FunctionType]] = {}
    # All that is put into the text are names of parameters, which Python took as names before.
    exec(_text(signature, is_async=is_async), scope)  # noqa: S102
    call = scope["make"](entries, slow, counter, tier, monotonic)
    call.__qualname__ = signature.function.__qualname__  # for errors about wrong arguments
    call.__defaults__ = tuple(one.default for one in signature.defaulted(is_keyword=False))
    call.__kwdefaults__ = {one.name: one.default for one in signature.defaulted(is_keyword=True)}
    return call


def _text(signature: Signature, *, is_async: bool) -> str:
    names = [parameter.name for parameter in signature.parameters]
    ours = "_"
    while any(name.startswith(ours) for name in names):
        ours += "_"
    texts = {
        "DEF": "async def" if is_async else "def",
        "WAIT": "await" if is_async else "",
        "PARAMETERS": ", ".join(_parameters(signature.parameters)),
        "ALIAS": _tuple(f"{ours}type({name}), {name}" for name in names),
        "VALUES": _tuple(names),
        "@": ours,
    }
    # All at once: a parameter may well be called `DEFAULT` or `VALUES`.
    template = _QUICK if signature.has_alias else _SLOW
    return re.sub("|".join(texts), lambda found: texts[found[0]], template)


def _tuple(items: Iterable[str]) -> str:
    return f"({''.join(f'{item}, ' for item in items)})"


def _parameters(parameters: Iterable[Parameter]) -> Iterator[str]:
    """Yield the parameters as they are written; real defaults are put in later."""
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
