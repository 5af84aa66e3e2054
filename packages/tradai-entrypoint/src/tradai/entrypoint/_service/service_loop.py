"""Settings, configuration, health and stop of a service, shared by sync and async services."""

import logging
import math
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import ClassVar, Final, Generic, TypeVar, get_args, get_origin

from tradai.core import BaseSettings, LoggerMixin, SystemClock
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._service.config import read_service_config
from tradai.entrypoint._service.failures import Failures
from tradai.entrypoint._service.lifecycle import (
    SERVICE_TRANSITIONS,
    Lifecycle,
    ServiceHealth,
    ServiceState,
)
from tradai.entrypoint._service.stop_request import StopRequest, run_bounded

S = TypeVar("S", bound=BaseSettings)

# By default ECS kills a container 30 s after SIGTERM; the process should end before that.
_DRAIN_S: Final = 25.0


class ServiceLoop(LoggerMixin, Generic[S]):
    """A service without its hooks.

    Attributes:
        settings_class: Settings class of this service, checked when the subclass is defined.
        settings: Settings, read when the service is created.
        config: Configuration, a read-only OmegaConf tree.
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
        drain_s: float = _DRAIN_S,
    ) -> None:
        """Read settings and configuration; start nothing.

        Args:
            settings: Settings; by default `settings_class` reads the environment.
            config: YAML file of the service; by default an empty configuration.
            overrides: ``dotted.key=value`` texts applied to the file.
            interrupts: Signals that ask to stop; by default SIGTERM and SIGINT, inside `run`.
            drain_s: Seconds that the service has to stop once it was asked to; then the process
                is ended.

        Raises:
            ConfigurationError: Settings or configuration are not valid.
            NotFoundError: `config` does not exist.
            StorageError: `config` cannot be read.
            ValidationError: `drain_s` is not a positive number.
        """
        super().__init__()
        if not (math.isfinite(drain_s) and drain_s > 0):
            raise ValidationError(
                "drain_s must be a positive number of seconds", field="drain_s", expected="> 0"
            )
        self.settings = settings if settings is not None else self._read_settings()
        self.config = read_service_config(config, overrides)
        self._has_own_interrupts = interrupts is not None
        self._interrupts = interrupts or Interrupts()
        self._lifecycle = Lifecycle(clock=SystemClock(), logger=self.logger)
        self._stop = StopRequest(
            self._interrupts,
            drain_s=drain_s,
            on_request=self._begin_stop,
            on_overdue=self._stop_hard,
        )

    @property
    def state(self) -> ServiceState:
        """Present state of the service."""
        return self._lifecycle.health.state

    @property
    def stop_requested(self) -> bool:
        """Whether the service was asked to stop; for loops that check between pieces of work."""
        return self._stop.requested.done()

    def health(self) -> ServiceHealth:
        """Return state, its start and its reason; from any thread, at any time, without waiting."""
        return self._lifecycle.health

    def request_stop(self, reason: str = "asked to stop") -> None:
        """Ask the service to stop, as SIGTERM does; from any thread, any number of times.

        After a request before `run`, the service starts and stops without serving.

        Args:
            reason: Detail of `health` from then on.
        """
        self._stop.request(reason)

    @contextmanager
    def _watching(self, signals: AbstractContextManager[object]) -> Iterator[None]:
        """Begin, and watch for requests to stop while the block calls the hooks."""
        self._lifecycle.move(ServiceState.STARTING)
        if self.stop_requested:
            self._begin_stop("asked to stop before it ran")
        with signals, self._stop:
            yield

    def _signals(self) -> AbstractContextManager[object]:
        # Python delivers signals to the main thread only.
        is_main = threading.current_thread() is threading.main_thread()
        return self._interrupts if is_main else nullcontext()

    def _may_serve(self, failures: Failures) -> bool:
        return not (failures or self.stop_requested) and self._lifecycle.try_move(
            ServiceState.RUNNING
        )

    def _begin_stop(self, reason: str) -> None:
        self._lifecycle.try_move(ServiceState.STOPPING, detail=reason)

    def _end(self, failures: Failures) -> None:
        end = ServiceState.FAILED if failures else ServiceState.STOPPED
        self._lifecycle.move(end, detail=failures.summary)
        failures.raise_first()

    def _stop_hard(self, reason: str) -> None:
        """End the process, whatever its threads are doing, with an exit code that says why."""
        if not SERVICE_TRANSITIONS[self.state]:
            return
        number = self._interrupts.received
        exit_code = ExitCode.CRASHED if number is None else ExitCode(128 + number)
        run_bounded(lambda: self._log_hard_stop(reason, exit_code))
        # sys.exit would end this thread only, and wait for the others.
        os._exit(exit_code)

    def _log_hard_stop(self, reason: str, exit_code: ExitCode) -> None:
        self._lifecycle.try_move(ServiceState.FAILED, detail=reason)
        self.logger.critical(
            "service stopped hard, its resources were not closed",
            extra={"reason": reason, "exit_code": int(exit_code)},
        )
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()

    def _read_settings(self) -> S:
        # The class was checked in __init_subclass__ and is the one of the type variable.
        settings: S = self.settings_class()  # type: ignore[assignment]
        return settings


def _settings_argument(cls: type) -> object | None:
    """Return the settings class among the type arguments of `cls`; None if a base has it."""
    chosen = _type_argument(cls, ServiceLoop, S)
    return None if isinstance(chosen, TypeVar) else chosen


def _type_argument(cls: type, owner: type, variable: object) -> object | None:
    """Return what the bases of `cls` are given for `variable` of the generic class `owner`.

    It may be handed down through several generic classes, each with variables of its own. None
    where a base knows it already.
    """
    for base in cls.__dict__.get("__orig_bases__", ()):
        origin = get_origin(base) or base
        if isinstance(origin, type) and issubclass(origin, owner):
            found = variable if origin is owner else _type_argument(origin, owner, variable)
            variables = getattr(origin, "__parameters__", ())
            given = dict(zip(variables, get_args(base), strict=False))
            return given.get(found)
    return None
