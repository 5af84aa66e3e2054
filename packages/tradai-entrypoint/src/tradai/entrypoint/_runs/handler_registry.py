"""Registry of handlers by mode: explicit registrations first, then entry points."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Generic, TypeVar, final

from tradai.core import TradingMode
from tradai.core.exceptions import ConfigurationError

HANDLER_GROUP: Final = "tradai.handlers"

F = TypeVar("F", bound=Callable[..., Any])


@final
class HandlerRegistry(Generic[F]):
    """Handler factories by mode.

    An explicit registration wins over an entry point of the group ``tradai.handlers`` (its name
    is the mode's value). Entry points are loaded one mode at a time, at the first `get`, so that a
    broken plugin of one mode does not affect another.
    """

    def __init__(self, *, group: str = HANDLER_GROUP) -> None:
        """Register nothing yet; `group` is the entry-point group to fall back on."""
        self._group = group
        self._explicit: dict[TradingMode, F] = {}

    def register(self, mode: TradingMode, factory: F) -> F:
        """Serve `mode` with `factory`.

        Raises:
            ConfigurationError: `mode` has an explicit handler already.
        """
        taken = self._explicit.setdefault(mode, factory)
        if taken is not factory:
            raise ConfigurationError(
                f"mode {mode.value!r} is served by {_name_of(taken)} already; "
                f"{_name_of(factory)} cannot be registered too: remove one of the registrations",
                key=mode.value,
            )
        return factory

    def unregister(self, mode: TradingMode) -> None:
        """Remove the explicit registration of `mode`, if any."""
        self._explicit.pop(mode, None)

    def get(self, mode: TradingMode) -> F:
        """Return the factory for `mode`.

        Raises:
            ConfigurationError: `mode` has no handler, its plugin cannot be loaded, or two
                plugins claim it.
        """
        explicit = self._explicit.get(mode)
        return explicit if explicit is not None else self._load(mode)

    def origins(self) -> dict[TradingMode, str]:
        """Return the origin of each mode's handler, without loading any."""
        plugins = {
            mode: f"{claims[0].value} (entry point)"
            for mode in TradingMode
            if (claims := self._claims(mode))
        }
        # A copy, because other threads may register handlers.
        explicit = self._explicit.copy()
        return plugins | {mode: _name_of(factory) for mode, factory in explicit.items()}

    def _claims(self, mode: TradingMode) -> list[EntryPoint]:
        return sorted(
            entry_points(group=self._group, name=mode.value), key=lambda plugin: plugin.value
        )

    def _load(self, mode: TradingMode) -> F:
        claims = self._claims(mode)
        if not claims:
            raise ConfigurationError(
                f"no handler serves mode {mode.value!r}: install tradai-entrypoint[freqtrade] "
                "(docs/how-to/install.md), or register your own with "
                f"@StrategyEntrypoint.register_handler(TradingMode.{mode.name})",
                key=mode.value,
            )
        if len({claim.value for claim in claims}) > 1:
            listed = " and ".join(claim.value for claim in claims)
            raise ConfigurationError(
                f"mode {mode.value!r} is claimed by {listed}: uninstall one of them, or register "
                "one of them explicitly",
                key=mode.value,
            )
        return self._load_one(claims[0], mode)

    def _load_one(self, claim: EntryPoint, mode: TradingMode) -> F:
        try:
            factory: F = claim.load()
        except (ImportError, AttributeError) as exc:
            raise ConfigurationError(
                f"the handler of mode {mode.value!r}, {claim.value}, cannot be loaded: {exc}",
                key=mode.value,
            ) from exc
        return factory


def _name_of(factory: Callable[..., Any]) -> str:
    module = getattr(factory, "__module__", "")
    return f"{module}.{getattr(factory, '__qualname__', repr(factory))}"
