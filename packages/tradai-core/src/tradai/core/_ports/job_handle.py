"""Handle of a job: a short text by which any process finds the job again."""

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self, final

from tradai.core._ports.job_spec import check_job_id
from tradai.core.exceptions import ValidationError

LONGEST_HANDLE: Final = 1024
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_RUNNER: Final = re.compile(r"[a-z][a-z0-9+.-]+:\S*")
_EXPECTED: Final = f"JSON of a JobHandle, at most {LONGEST_HANDLE} bytes"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandle:
    """Names a job of a runner; its JSON has at most 1,024 bytes and holds no secrets.

    Attributes:
        runner: URI of the runner, such as ``local:/srv/jobs``.
        job_id: Id of the job.
        spec_digest: Digest of the specification that it was launched with.
        native_id: Name that the runner's own service gave the job, such as the ARN of a task;
            empty where there is none.
    """

    runner: str
    job_id: str
    spec_digest: str
    native_id: str = ""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValidationError: A value is not usable, or the JSON is too long.
        """
        if not all(isinstance(getattr(self, item.name), str) for item in fields(self)):
            raise _error("text in every field")
        check_job_id(self.job_id)
        if not _RUNNER.fullmatch(self.runner):
            raise _error("the URI of a runner, without spaces")
        if not _DIGEST.fullmatch(self.spec_digest):
            raise _error("64 hexadecimal digits as digest")
        if len(self.to_json().encode()) > LONGEST_HANDLE:
            raise _error(f"a runner and an id of at most {LONGEST_HANDLE} bytes as JSON")

    def check_runner(self, uri: str) -> None:
        """Check that the job is one of the runner at `uri`.

        Raises:
            ValidationError: It belongs to another runner.
        """
        if self.runner != uri:
            message = f"the job {self.job_id} is one of {self.runner}: use that runner"
            raise ValidationError(message, field="handle", expected=f"a handle of {uri}")

    def to_json(self) -> str:
        """Return the handle as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the handle that `to_json` returned as `text`.

        Raises:
            ValidationError: `text` is not the JSON of a handle.
        """
        try:
            # Nothing longer is parsed: the text may come from another user.
            values: Any = json.loads(text) if len(text) <= LONGEST_HANDLE else None
            return cls(**values)
        except (TypeError, ValueError, RecursionError) as exc:
            if isinstance(exc, ValidationError):
                raise
            raise _error(_EXPECTED) from None


def _error(expected: str) -> ValidationError:
    message = f"a job handle is not usable: expected {expected}"
    return ValidationError(message, field="handle", expected=expected)
