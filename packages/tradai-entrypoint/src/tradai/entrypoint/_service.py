"""A long-lived service: typed settings, layered configuration, a lifecycle, an orderly stop."""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Generic, TypeVar, final, get_args, get_origin

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tradai.core import BaseSettings, JsonValue, LoggerMixin, read_yaml
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint._interrupts import Interrupts

__all__ = ["BaseService", "ServiceState"]

S = TypeVar("S", bound=BaseSettings)


@final
class ServiceState(StrEnum):
    """Where a service is in its life; a state only ever moves forward."""

    NEW = "new"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"


class BaseService(LoggerMixin, Generic[S]):
    """Base of a service; a subclass names its `settings_class` and fills `start` and `stop`.

    The configuration is an OmegaConf tree: a YAML file, read by tradai's own strict reader, with
    dot-list overrides (``server.port=8080``) on top. It is read-only. Interpolations between
    keys (``${server.host}``) work; resolvers, which could read the environment or run code, and
    ``_target_`` are refused.

    Attributes:
        settings_class: The settings of this service, checked when the subclass is made.
    """

    settings_class: ClassVar[type[BaseSettings]] = BaseSettings

    def __init_subclass__(cls, **options: object) -> None:
        """Refuse a `settings_class` that is not a tradai settings class."""
        super().__init_subclass__(**options)
        chosen = cls.__dict__.get("settings_class") or _settings_argument(cls)
        if chosen is None:
            return
        if not (isinstance(chosen, type) and issubclass(chosen, BaseSettings)):
            raise ConfigurationError(
                f"{cls.__qualname__}.settings_class is {chosen!r}: name a subclass of "
                "tradai.core.BaseSettings",
                key="settings_class",
            )
        cls.settings_class = chosen

    def __init__(
        self,
        settings: S | None = None,
        *,
        config: str | Path | None = None,
        overrides: Sequence[str] = (),
        interrupts: Interrupts | None = None,
    ) -> None:
        """Read settings and configuration; nothing is started.

        Args:
            settings: Ready settings; by default `settings_class` reads the environment.
            config: YAML file of the service; by default an empty configuration.
            overrides: ``dotted.key=value`` texts laid over the file.
            interrupts: Signals that end `run`; by default SIGTERM and SIGINT are watched there.

        Raises:
            ConfigurationError: Settings or configuration are not valid.
            NotFoundError: `config` does not exist.
        """
        super().__init__()
        self.settings = settings if settings is not None else self._read_settings()
        self.config = _read_config(config, overrides)
        self.state = ServiceState.NEW
        self._interrupts = interrupts or Interrupts()

    def start(self) -> None:
        """Acquire what the service needs; called once by `run`."""

    def stop(self) -> None:
        """Give everything back; called once, also when `start` failed half-way."""

    def serve(self) -> None:
        """Do the service's work until asked to stop; by default just wait for the signal."""
        self._interrupts.wait(None)

    def run(self) -> int:
        """Start, serve until SIGTERM or Ctrl-C, stop; return 0 after an orderly stop.

        Raises:
            ConfigurationError: The service ran before.
        """
        if self.state is not ServiceState.NEW:
            raise ConfigurationError(f"this service is {self.state.value} already: make a new one")
        with self._interrupts:
            self._live()
        return 0

    def _live(self) -> None:
        try:
            self.start()
            self.state = ServiceState.RUNNING
            self.logger.info("service started")
            self.serve()
        except BaseException:
            self.state = ServiceState.FAILED
            raise
        finally:
            self.stop()
            self.logger.info("service stopped")
        self.state = ServiceState.STOPPED

    def _read_settings(self) -> S:
        # The class was checked in __init_subclass__; the type variable stands for it.
        settings: S = self.settings_class()  # type: ignore[assignment]
        return settings


def _settings_argument(cls: type) -> object | None:
    """Return the settings class written as the type argument: ``BaseService[MySettings]``."""
    for base in cls.__dict__.get("__orig_bases__", ()):
        if get_origin(base) is not None and issubclass(get_origin(base), BaseService):
            argument = get_args(base)[0]
            return None if isinstance(argument, TypeVar) else argument
    return None


def _read_config(path: str | Path | None, overrides: Sequence[str]) -> DictConfig:
    values = _read_values(Path(path)) if path is not None else {}
    _refuse_code(values, place=str(path))
    try:
        tree = OmegaConf.merge(
            OmegaConf.create(dict(values)), OmegaConf.from_dotlist(list(overrides))
        )
        _refuse_code(OmegaConf.to_container(tree, resolve=False), place="overrides")
        OmegaConf.to_container(tree, resolve=True)
    except OmegaConfBaseException as exc:
        raise ConfigurationError(f"{path or 'overrides'}: {exc}", source=str(path)) from exc
    OmegaConf.set_readonly(conf=tree, value=True)
    if not isinstance(tree, DictConfig):
        raise ConfigurationError(f"{path}: the top level must be a mapping", source=str(path))
    return tree


def _read_values(path: Path) -> Mapping[str, JsonValue]:
    try:
        text = path.read_bytes()
    except FileNotFoundError as exc:
        raise NotFoundError(
            f"no configuration file {os.fspath(path)!r}: check the path", kind="file", key=str(path)
        ) from exc
    return read_yaml(text, source=str(path)).values


def _refuse_code(node: object, *, place: str) -> None:
    if isinstance(node, Mapping):
        if "_target_" in node:
            raise ConfigurationError(
                f"{place}: '_target_' would run code: remove it", key="_target_"
            )
        for child in node.values():
            _refuse_code(child, place=place)
    elif isinstance(node, list):
        for child in node:
            _refuse_code(child, place=place)
    elif isinstance(node, str) and "${" in node and ":" in node.split("${", 1)[1].split("}", 1)[0]:
        raise ConfigurationError(
            f"{place}: the resolver in {node!r} is refused: only ${{other.key}} is allowed",
            key=node,
        )
