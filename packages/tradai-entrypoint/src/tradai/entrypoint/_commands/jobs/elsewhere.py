"""The job of a run in a container: its inputs are in the run store, and its command names them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol, Self, final, runtime_checkable

from tradai.core import JobRunner, JobSpec, JsonValue, digest, file_path, is_file_uri
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.jobs.policy import JobPolicy
from tradai.entrypoint._commands.jobs.run_job import JobExtras, own_variables
from tradai.entrypoint._inputs.bundle import InputBundle
from tradai.entrypoint._inputs.job_inputs import JobInputs
from tradai.entrypoint._process.settings import EntrypointSettings, JobSettings
from tradai.entrypoint._runs.request import RunRequest, load_config
from tradai.entrypoint._store.run_store import RunStore

_PROGRAM: Final = "tradai-entrypoint"
_SOURCE: Final = "strategy.source"
# No run has such an id, so that inputs and runs can share a store.
_INPUTS: Final = "_inputs/"
# Folders, sockets and caches of this machine.
_OF_THIS_MACHINE: Final = ("TRADAI_DOCKER_", "TRADAI_INPUT_")


@runtime_checkable
class ContainerRunner(Protocol):
    """A job runner whose jobs do not see the files of this machine."""

    def can_reach(self, uri: str) -> bool:
        """Tell whether jobs can reach the store at `uri`."""
        ...


@final
class JobElsewhere:
    """A run that another machine makes, with inputs of this one.

    Attributes:
        bundle: The inputs; they are complete, and not sent yet, once there is a specification.
        store: The run store.
    """

    def __init__(
        self,
        settings: EntrypointSettings,
        request: RunRequest,
        job: JobSettings,
        *,
        runner: str,
        inputs: JobInputs | None = None,
    ) -> None:
        """Take the run and its job; nothing is read yet.

        Args:
            settings: Settings of the run.
            request: The run.
            job: Image and size of the job.
            runner: URI of the runner.
            inputs: Inputs that it shares with other runs.

        Raises:
            ConfigurationError: The image or the run store is missing, or no installed
                distribution serves the store.
        """
        if settings.store is None:
            message = (
                f"a job on {runner} needs a store for its inputs and its result: set "
                "TRADAI_RUN_STORE, or give --store, such as s3://bucket/runs/"
            )
            raise ConfigurationError(message, key="TRADAI_RUN_STORE")
        if job.image is None:
            message = f"a job on {runner} runs in an image: set TRADAI_JOB_IMAGE, or give --image"
            raise ConfigurationError(message, key="TRADAI_JOB_IMAGE")
        self.store = RunStore.at(settings.store)
        place = job.inputs or f"{self.store.uri}{_INPUTS}"
        self._inputs = inputs or JobInputs(InputBundle(place))
        self.bundle = self._inputs.bundle
        self._settings = settings
        self._request = request
        self._job = job
        self._runner = runner

    def check_stores(self, runner: JobRunner) -> None:
        """Check that the jobs of `runner` reach the stores of inputs and results.

        Raises:
            ConfigurationError: One is on this machine, where they do not see it.
        """
        if not isinstance(runner, ContainerRunner):
            return
        for uri in (self.store.uri, self.bundle.uri):
            if not runner.can_reach(uri):
                message = (
                    f"jobs on {self._runner} cannot reach the store {uri}: name one in a bucket, "
                    "such as s3://bucket/runs/, or for docker: mount that folder under the same "
                    "name (TRADAI_DOCKER_MOUNTS)"
                )
                raise ConfigurationError(message, key="TRADAI_RUN_STORE")

    def with_request(self, request: RunRequest) -> Self:
        """Return the job of another request, which shares the inputs of this one."""
        shared = self._inputs
        return type(self)(self._settings, request, self._job, runner=self._runner, inputs=shared)

    def identity(self, extras: JobExtras) -> str:
        """Return a digest of all that the result of the run depends on; see `JobInputs.content`.

        Raises:
            TradAIError: As `spec`, and when a store cannot be listed.
        """
        loaded = load_config(self._settings, self._request, environ=os.environ)
        data = self._request.data_of(self._settings)
        markets = self._request.markets_of(self._settings)
        source, inputs = self._source(), self._inputs
        return digest(
            {
                "config": _without_source(loaded.config.canonical()),
                "run": dict(loaded.run),
                "source": source and inputs.content(source, is_folder=not source.endswith(".py")),
                "data": data and inputs.content(inputs.folder(data), is_folder=True),
                "markets": markets and inputs.content(inputs.file(markets), is_folder=False),
                "image": self._job.image,
                "environment": dict(extras.environment),
            }
        )

    def spec(self, job_id: str, extras: JobExtras) -> JobSpec:
        """Return the job that makes the run under the id `job_id`.

        Raises:
            ConfigurationError: The configuration is not valid.
            NotFoundError: An input does not exist.
            ValidationError: An input cannot be sent, or a variable seems to hold a secret.
        """
        job = self._job
        return extras.spec(
            job_id,
            self._settings,
            command=(_PROGRAM, *self._words()),
            environment={**own_variables(without=_OF_THIS_MACHINE), **self._variables(job_id)},
            image=job.image,
            cpu_units=job.cpu_units,
            memory_mib=job.memory_mib,
            disk_gib=job.disk_gib,
            platform=job.platform,
        )

    def _variables(self, job_id: str) -> Mapping[str, str]:
        """Return the variables of the run; the runner of ECS renews the id for each attempt."""
        return {
            "TRADAI_LOG_DELIVERY": JobPolicy.of(self._settings.mode).log_delivery.value,
            "TRADAI_RUN_ID": job_id,
            "TRADAI_RUN_JOB_ID": job_id,
            "TRADAI_RUN_STORE": self.store.uri,
            "TRADAI_RUN_STORE_TIMEOUT_S": f"{self._settings.store_timeout_s:g}",
        }

    def _words(self) -> Iterator[str]:
        """Yield the command line of the run; its result is one line of JSON in the log."""
        settings, request = self._settings, self._request
        source = self._source()
        yield "run"
        if settings.config:
            yield self._inputs.file(settings.config)
        yield from (word for word in request.overrides if not word.startswith(f"{_SOURCE}="))
        if source:
            yield f"{_SOURCE}={source}"
        yield from ("--mode", settings.mode.value, "--json")
        if data := request.data_of(settings):
            yield from ("--data", self._inputs.folder(data))
        if markets := request.markets_of(settings):
            yield from ("--markets", self._inputs.file(markets))
        for patch in request.patches:
            yield from ("--patch", self._inputs.file(patch))

    def _source(self) -> str | None:
        """Return the URI of the strategy's source; of a folder, the files that a run copies."""
        from tradai.entrypoint.freqtrade import list_source

        loaded = load_config(self._settings, self._request, environ=os.environ)
        if loaded.config.strategy is None or loaded.source_root is not None:
            return None
        source = loaded.config.strategy.source
        if not is_file_uri(source):
            return source

        def send(path: Path) -> str:
            found = list_source(path)
            uri = self.bundle.add({name.as_posix(): found.root / name for name in found.files})
            return f"{uri}{found.files[0]}" if path.is_file() else uri

        path = (loaded.folder or Path.cwd()) / file_path(source)
        return self._inputs.add("source", path, send)


def _without_source(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return a configuration without the place of the strategy, whose content counts instead."""
    strategy = config.get("strategy")
    if not isinstance(strategy, Mapping):
        return config
    return {**config, "strategy": {**strategy, "source": None}}
