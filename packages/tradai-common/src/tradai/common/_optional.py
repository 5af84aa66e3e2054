"""Optional distributions: lazy imports, and the error that names the extra of a missing one."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_exports(
    package: str, exports: "Mapping[str, str]"
) -> "tuple[Callable[[str], object], Callable[[], list[str]], list[str]]":
    """Return the ``__getattr__``, ``__dir__`` (PEP 562) and ``__all__`` of `package`.

    The function of this name in tradai.core does the same inside one distribution. It is not used
    here because importing `package` must import nothing else.

    Args:
        package: The package's ``__name__``.
        exports: Module of any tradai distribution -> the names to take, separated by spaces.

    Returns:
        The two functions and the sorted names. A name is looked up once and then kept on the
        package.
    """
    modules = {name: module for module, names in exports.items() for name in names.split()}

    def get(name: str) -> object:
        if name not in modules:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[package])
        module = modules[name]
        with OptionalDistribution(module.split(".")[1]):
            value = getattr(__import__(module, fromlist=(name,)), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names, sorted(modules)


class OptionalDistribution:
    """Guard the import of a distribution: when it is missing, name the extra that installs it.

    Only the distribution itself is excused. A package that it needs and does not find is reported
    under that package's own name.
    """

    def __init__(self, name: str) -> None:
        """Guard ``tradai.<name>``, which ``tradai-common[<name>]`` installs."""
        self._name = name

    def __enter__(self) -> None:
        """Do nothing before the import."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Raise the `ImportError` that names the extra, in place of the bare one.

        Raises:
            ImportError: The distribution is not installed.
        """
        distribution = f"tradai.{self._name}"
        if isinstance(error, ModuleNotFoundError) and error.name == distribution:
            message = f"{distribution} is not installed: pip install 'tradai-common[{self._name}]'"
            raise ImportError(message, name=distribution) from error
