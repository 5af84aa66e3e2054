"""The job of a run: its command, with absolute paths, and the variables it is given."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tradai.core import JobSpec, SecretReference, is_uri
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.request import RunRequest

PROGRAM: Final = ("-m", "tradai.entrypoint")
# Settings of the run itself are flags of its command.
_PASSED: Final = "TRADAI_"
_NOT_PASSED: Final = "TRADAI_RUN_"


def run_spec(
    job_id: str,
    settings: EntrypointSettings,
    request: RunRequest,
    *,
    environment: Mapping[str, str],
    secrets: Mapping[str, SecretReference] | None = None,
    time_limit_s: int | None = None,
) -> JobSpec:
    """Return the job that makes the run of `settings` and `request` under the id `job_id`.

    It gets the ``TRADAI_`` variables of this process, apart from those of a run.
    """
    passed = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_PASSED) and not name.startswith(_NOT_PASSED)
    }
    return JobSpec(
        job_id=job_id,
        trace_id=settings.trace_id or job_id,
        command=(sys.executable, *PROGRAM, *_words(job_id, settings, request)),
        environment={**passed, **environment},
        secrets=secrets or {},
        time_limit_s=time_limit_s,
    )


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
