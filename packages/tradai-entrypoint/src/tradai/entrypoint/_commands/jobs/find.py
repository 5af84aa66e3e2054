"""Look-up of the job that a command names, and the facts that commands print about jobs."""

from tradai.core import AttachedJob, JobHandle, JobInfo, JsonValue, backend_for
from tradai.core.exceptions import NotFoundError, ValidationError


def find_job(uri: str, name: str) -> AttachedJob:
    """Return the job `name` of the runner at `uri`: an id, or a unique prefix of one.

    Raises:
        NotFoundError: No job has such an id.
        ValidationError: Several ids begin with `name`.
    """
    runner = backend_for("tradai.runners", uri)
    handles = [handle for handle in runner.jobs() if handle.job_id.startswith(name)]
    matches = [handle for handle in handles if handle.job_id == name] or handles
    if not matches:
        message = f"no job {name!r} in {uri}: `tradai-entrypoint jobs list` lists the jobs"
        raise NotFoundError(message, kind="job", key=name)
    if len(matches) > 1:
        listed = ", ".join(handle.job_id for handle in matches[:5])
        message = f"several job ids begin with {name!r} ({listed}): give more of the id"
        raise ValidationError(message, field="job", expected="one job")
    return AttachedJob(runner, matches[0])


def job_json(handle: JobHandle, info: JobInfo) -> dict[str, JsonValue]:
    """Return the facts about a job as JSON."""
    return {
        "job_id": handle.job_id,
        **info.to_json(),
        "runner": handle.runner,
        "spec_digest": handle.spec_digest,
        "native_id": handle.native_id,
    }
