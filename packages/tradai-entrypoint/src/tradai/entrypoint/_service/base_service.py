"""Long-lived service with typed settings, configuration, a lifecycle and an orderly stop."""

from functools import cached_property

from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._service.failures import Failures
from tradai.entrypoint._service.resources import Resources
from tradai.entrypoint._service.service_loop import S, ServiceLoop


class BaseService(ServiceLoop[S]):
    """Base of a service; a subclass sets `settings_class` and overrides the hooks it needs.

    `run` calls `start`, `serve` until the service is asked to stop, and `stop`, then closes the
    `resources` in reverse order. SIGTERM, Ctrl-C and `request_stop` ask it to stop; the service
    checks for that (`wait_for_stop`, `stop_requested`). When it has not stopped after `drain_s`
    seconds, or on a second signal, the process is ended.

    The configuration is a YAML file, read by tradai's own strict reader, with overrides
    (``server.port=8080``) on top. Interpolations between keys (``${server.host}``) work;
    resolvers, which could read the environment, and ``_target_``, which could run code, are
    refused. A file with a ``defaults:`` list is composed by Hydra, which takes the extra
    ``tradai-entrypoint[hydra]``.

    Attributes:
        settings_class: Settings class of this service, checked when the subclass is defined.
        settings: Settings, read when the service is created.
        config: Configuration, a read-only OmegaConf tree.
    """

    @cached_property
    def resources(self) -> Resources:
        """Resources that `start` acquires; they are closed after `stop`, the newest first."""
        return Resources()

    def start(self) -> None:
        """Acquire what the service needs; called once by `run`."""

    def serve(self) -> None:
        """Do the service's work until asked to stop; by default only wait for that."""
        self.wait_for_stop()

    def stop(self) -> None:
        """Finish work while `resources` are still open; called once, also when `start` failed."""

    def wait_for_stop(self, timeout_s: float | None = None) -> bool:
        """Wait until asked to stop, at most `timeout_s`; return whether it was; any thread."""
        return self._stop.wait(timeout_s)

    def run(self) -> int:
        """Start, serve until asked to stop, and stop; return 0 after an orderly stop.

        Outside of the main thread signals are not watched, only `request_stop`. An error of a hook
        is raised here once all resources are closed; later errors are notes on the first one.

        Raises:
            ValidationError: The service has run already.
        """
        with self._watching(self._signals()):
            self._call_hooks()
        return int(ExitCode.DONE)

    def _call_hooks(self) -> None:
        failures = Failures(logger=self.logger)
        with failures.collected("start"):
            self.start()
        if self._may_serve(failures):
            with failures.collected("serve"):
                self.serve()
        self._begin_stop(failures.summary or "its work is done")
        with failures.collected("stop"):
            self.stop()
        self.resources.close(failures)
        self._end(failures)
