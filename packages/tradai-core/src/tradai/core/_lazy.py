"""Lazy exports of a package: a public name costs its import only when it is used."""

import sys
from collections.abc import Callable, Mapping


def lazy_exports(
    package: str, exports: Mapping[str, str], *, home: str | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return the ``__getattr__``, ``__dir__`` (PEP 562) and ``__all__`` of `package`.

    Args:
        package: The package's ``__name__``.
        exports: Module inside `home` -> its public names, separated by spaces.
        home: Package that holds the modules; by default `package`.

    Returns:
        The two functions and the sorted names. A name is looked up once and then kept on the
        package.
    """
    modules = {name: module for module, names in exports.items() for name in names.split()}

    def get(name: str) -> object:
        if name not in modules:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[package])
        module = __import__(f"{home or package}.{modules[name]}", fromlist=(name,))
        value = getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names, sorted(modules)
