"""Look-up of the job that a command names, and the facts that commands print about jobs."""

import json
from dataclasses import fields
from typing import Final

from tradai.core import AttachedJob, JobHandle, JobInfo, JsonValue, attach, backend_for
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint._commands.costs import cost_json, cost_of, noted

_HANDLE: Final = frozenset(field.name for field in fields(JobHandle))


def find_job(uri: str, name: str) -> AttachedJob:
    """Return the job `name` of the runner at `uri`.

    Args:
        uri: URI of the runner; that of a handle comes first.
        name: An id, a unique prefix of one, or a handle as JSON, also with the other facts that
            commands print about a job.

    Raises:
        NotFoundError: No job has such an id.
        ValidationError: Several ids begin with `name`, or it is not the JSON of a handle.
    """
    if name.startswith("{"):
        return attach(JobHandle.from_json(_handle_text(name)))
    runner = backend_for("tradai.runners", uri)
    handles = [handle for handle in runner.jobs() if handle.job_id.startswith(name)]
    matches = [handle for handle in handles if handle.job_id == name] or handles
    if not matches:
        advice = f"`tradai-entrypoint jobs list --on {uri}` lists the jobs"
        message = f"no job {name!r}: {advice}"
        raise NotFoundError(message, kind="job", key=name)
    if len(matches) > 1:
        listed = ", ".join(handle.job_id for handle in matches[:5])
        message = f"several job ids begin with {name!r} ({listed}): give more of the id"
        raise ValidationError(message, field="job", expected="one job")
    return AttachedJob(runner, matches[0])


def _handle_text(text: str) -> str:
    """Return the JSON of a handle alone; text that is not JSON as it is."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json.dumps({name: value for name, value in values.items() if name in _HANDLE})


def job_json(job: AttachedJob, info: JobInfo) -> dict[str, JsonValue]:
    """Return the facts about a job as JSON, with its cost where that is known."""
    cost = noted(lambda: cost_of(job.runner, job.handle))
    return job_facts(job, info) | ({} if cost is None else {"cost": cost_json(cost)})


def job_facts(job: AttachedJob, info: JobInfo) -> dict[str, JsonValue]:
    """Return the facts about a job that need no further request."""
    handle = job.handle
    return {
        "job_id": handle.job_id,
        **info.to_json(),
        "runner": handle.runner,
        "spec_digest": handle.spec_digest,
        "native_id": handle.native_id,
    }
