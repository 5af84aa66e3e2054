"""A package door that opens lazily: a public name costs its import only when it is used."""

import sys
from collections.abc import Callable, Mapping

__all__ = ["lazy_door"]


def lazy_door(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of `package` (PEP 562).

    Args:
        package: The package's ``__name__``.
        homes: Public name -> module inside `package` that defines it.

    Returns:
        The two functions. A name is looked up once and then kept on the package.
    """

    def get(name: str) -> object:
        if name not in homes:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[package])
        home = __import__(f"{package}.{homes[name]}", fromlist=(name,))
        value = getattr(home, name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names
