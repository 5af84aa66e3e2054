"""Resources that the installed backends need, checked by each of them."""

from collections.abc import Iterator
from importlib.metadata import entry_points

from tradai.core import ResourceCheck
from tradai.core.exceptions import TradAIError


def resource_checks(backend: str | None = None) -> Iterator[ResourceCheck]:
    """Yield the checks of every installed backend, or of the one named `backend`."""
    for plugin in sorted(entry_points(group="tradai.checks"), key=lambda plugin: plugin.name):
        if backend in {None, plugin.name}:
            try:
                yield from plugin.load()()
            except TradAIError as exc:
                yield ResourceCheck(resource=plugin.name, error=exc)
