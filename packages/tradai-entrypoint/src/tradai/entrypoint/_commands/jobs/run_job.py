"""The job of a run: its command, with absolute paths, and the variables it is given."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self, final

from tradai.core import JobSpec, SecretReference, is_uri
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.jobs.policy import JobPolicy
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.request import RunRequest

# Runner of the jobs that see the files of this machine.
LOCAL: Final = "local:"
PROGRAM: Final = ("-m", "tradai.entrypoint")
# Settings of the run itself are flags of its command.
_PASSED: Final = ("TRADAI_", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME")
# A job resolves these itself: no specification has their values.
_LOGIN: Final = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_NOT_PASSED: Final = ("TRADAI_RUN_", "TRADAI_JOB_")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobExtras:
    """Choices about a job that are not about its run.

    Attributes:
        environment: Variables besides those of this process.
        secrets: Variables whose values are resolved at the launch, or in the job.
        time_limit_s: Seconds that it may run; None is without limit.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretReference] = field(default_factory=dict)
    time_limit_s: int | None = None

    @classmethod
    def of(cls, args: argparse.Namespace) -> Self:
        """Return the choices of a command line.

        Raises:
            ConfigurationError: A variable has another form than its flag takes.
        """
        return cls(
            environment=dict(map(_pair, args.env)),
            secrets={name: SecretReference(text) for name, text in map(_pair, args.secret)},
            time_limit_s=args.time_limit,
        )

    def with_environment(self, **variables: str) -> Self:
        """Return the same choices with further variables."""
        return replace(self, environment={**self.environment, **variables})

    def spec(
        self,
        job_id: str,
        settings: EntrypointSettings,
        *,
        environment: Mapping[str, str],
        **rest: Any,  # noqa: ANN401 - further fields of the specification
    ) -> JobSpec:
        """Return the job with the policies of its mode; the choices win over `environment`."""
        policy = JobPolicy.of(settings.mode)
        return JobSpec(
            job_id=job_id,
            trace_id=settings.trace_id or job_id,
            environment={**_run_variables(settings, policy), **environment, **self.environment},
            secrets=self.secrets,
            time_limit_s=self.time_limit_s,
            stop_grace_s=policy.stop_grace_s,
            capacity=policy.capacity,
            log_delivery=policy.log_delivery,
            may_be_reaped=policy.may_be_reaped,
            **rest,
        )


def run_spec(
    job_id: str, settings: EntrypointSettings, request: RunRequest, extras: JobExtras
) -> JobSpec:
    """Return the job that makes the run of `settings` and `request` on this machine.

    It gets the ``TRADAI_`` variables of this process, apart from those of runs and jobs, and those
    that name the tracking server, and its login.
    """
    command = (sys.executable, *PROGRAM, *_words(job_id, settings, request))
    login = {name: SecretReference(f"env:{name}") for name in _LOGIN if os.environ.get(name)}
    extras = replace(extras, secrets={**login, **extras.secrets})
    return extras.spec(job_id, settings, command=command, environment=own_variables())


def _run_variables(settings: EntrypointSettings, policy: JobPolicy) -> dict[str, str]:
    """Return what the run has no flag for: its command, and the time that a bot has to stop."""
    variables: dict[str, str] = {}
    if settings.part_of:
        variables["TRADAI_RUN_PART_OF"] = settings.part_of
    if settings.mode.holds_positions:
        variables["TRADAI_RUN_STOP_GRACE_S"] = str(policy.stop_grace_s)
    return variables


def own_variables(*, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the variables of this process that a job gets; none begins with one of `without`."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_PASSED) and not name.startswith((*_NOT_PASSED, *without))
    }


def _words(job_id: str, settings: EntrypointSettings, request: RunRequest) -> Iterator[str]:
    """Yield the command line of the run, with absolute paths: a job has a folder of its own."""
    yield "run"
    if settings.config:
        yield _absolute(settings.config)
    yield from request.overrides
    yield from ("--mode", settings.mode.value, "--run-id", job_id)
    yield from ("--runs", _absolute(str(settings.folder)))
    if settings.store:
        yield from ("--store", _absolute(settings.store))
    if settings.data:
        yield from ("--data", _absolute(settings.data))
    if settings.markets:
        yield from ("--markets", _absolute(settings.markets))
    for patch in request.patches:
        yield from ("--patch", _absolute(patch))


def _absolute(path: str) -> str:
    return path if is_uri(path) else str(Path(path).absolute())


def _pair(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not is_pair:
        # The text is not shown: it may be the value of a secret.
        raise ConfigurationError("--env and --secret take NAME=VALUE and NAME=REFERENCE")
    return name, value
