"""A long-lived service: typed settings, layered configuration, a lifecycle, an orderly stop."""

from functools import cached_property

from tradai.entrypoint._service.failures import Failures
from tradai.entrypoint._service.resources import Resources
from tradai.entrypoint._service.service_loop import S, ServiceCore

__all__ = ["BaseService"]


class BaseService(ServiceCore[S]):
    """Base of a service; a subclass names its `settings_class` and fills the hooks it needs.

    `run` takes the service through its life: `start`, `serve` until asked to stop, `stop`, then
    the `resources` in reverse order. SIGTERM, Ctrl-C and `request_stop` ask; the service looks
    (`wait_for_stop`, `stop_requested`). After `drain_s` seconds, or on a second signal, the
    process ends without it.

    The configuration is a YAML file, read by tradai's own strict reader, with overrides
    (``server.port=8080``) on top. Interpolations between keys (``${server.host}``) work;
    resolvers, which could read the environment, and ``_target_``, which could run code, are
    refused. A file with a ``defaults:`` list is composed by Hydra, which takes the extra
    ``tradai-entrypoint[hydra]``.

    Attributes:
        settings_class: The settings of this service, checked when the subclass is made.
        settings: The settings, read when the service is made.
        config: The configuration: a read-only OmegaConf tree.
    """

    @cached_property
    def resources(self) -> Resources:
        """What `start` acquires: entered here, it is closed after `stop`, the newest first."""
        return Resources()

    def start(self) -> None:
        """Acquire what the service needs; called once by `run`."""

    def serve(self) -> None:
        """Do the service's work until asked to stop; by default just wait for that."""
        self.wait_for_stop()

    def stop(self) -> None:
        """Wind up while `resources` are still open; called once, also when `start` failed."""

    def wait_for_stop(self, timeout_s: float | None = None) -> bool:
        """Sleep until asked to stop, at most `timeout_s`; return whether it was; any thread."""
        return self._stop.wait(timeout_s)

    def run(self) -> int:
        """Start, serve until asked to stop, stop; return 0 after an orderly stop.

        Outside of the main thread no signals are watched, only `request_stop`. What a hook raises
        is raised here, once everything is given back; later errors are notes on the first one.

        Raises:
            ValidationError: The service ran before.
        """
        return self._run(self._live)

    def _live(self) -> None:
        failures = Failures(logger=self.logger)
        with failures.kept("start"):
            self.start()
        if self._may_serve(failures):
            with failures.kept("serve"):
                self.serve()
        self._begin_stop(failures.summary or "its work is done")
        with failures.kept("stop"):
            self.stop()
        self.resources.close(failures)
        self._end(failures)
