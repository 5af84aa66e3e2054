"""What to install when a slice of tradai is missing."""

__all__ = ["OptionalSlice"]


class OptionalSlice:
    """Guard the import of a slice: when it is not installed, say which extra brings it.

    Only the slice itself is excused. A package that the slice needs and does not find is
    reported under that package's own name.
    """

    def __init__(self, name: str) -> None:
        """Guard ``tradai.<name>``, which ``tradai-common[<name>]`` installs."""
        self._name = name

    def __enter__(self) -> None:
        """Do nothing before the import."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Raise the `ImportError` that names the extra, in place of the bare one.

        Raises:
            ImportError: The slice is not installed.
        """
        slice_module = f"tradai.{self._name}"
        if isinstance(error, ModuleNotFoundError) and error.name == slice_module:
            message = f"{slice_module} is not installed: pip install 'tradai-common[{self._name}]'"
            raise ImportError(message, name=slice_module) from error
