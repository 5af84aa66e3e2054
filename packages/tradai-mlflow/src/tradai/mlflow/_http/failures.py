"""One failed attempt, and the error that it becomes when it is the last."""

from dataclasses import dataclass, replace
from typing import Final, final

from tradai.core import CUT_LOOK_AHEAD, printable, redact, safe_cut
from tradai.mlflow._http.errors import (
    DeadlineExceededError,
    MLflowError,
    MLflowNotFoundError,
    ServerUnavailableError,
)
from tradai.mlflow._http.request import Request

_LONGEST_WORDS: Final = 500


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attempt without a usable answer.

    Attributes:
        kind: Error to raise when it is not tried again.
        reason: The rest of a sentence that begins with the call: the cause, and the remedy.
        status: HTTP status; None without an answer.
        words: The server's own words, from `readable`: a traceback may show this object.
        may_have_run: Whether the server may have carried out the request.
        retry_after_s: Seconds that the server asks to wait.
    """

    kind: type[MLflowError]
    reason: str
    status: int | None = None
    words: str = ""
    may_have_run: bool = False
    retry_after_s: float | None = None

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        return issubclass(self.kind, ServerUnavailableError)

    def after(self, earlier: "Failure") -> "Failure":
        """Return the failure to tell of two attempts, of which the last had little time.

        That it did not end in time says less than why the one before it failed.
        """
        if not issubclass(self.kind, DeadlineExceededError):
            return self
        return replace(earlier, may_have_run=earlier.may_have_run or self.may_have_run)

    def error(self, request: Request, *, attempts: int, elapsed_s: float) -> MLflowError:
        """Return the error after so many attempts."""
        counted = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        said = self.words and f"; the server says: {self.words}"
        about = request.subject.text and f" of {request.subject.text}"
        call = f"MLflow {request.operation}{about}"
        error = self.kind(
            redact(f"{call}: {self.reason} ({counted} in {elapsed_s:.1f} s{said})"),
            operation=request.operation,
            status=self.status,
            attempts=attempts,
            elapsed_s=elapsed_s,
            server_message=self.words,
        )
        error.may_have_run = self.may_have_run
        if isinstance(error, ServerUnavailableError):
            error.retry_after_s = self.retry_after_s
        if isinstance(error, MLflowNotFoundError):
            error.key = request.subject.key
        return error


def readable(words: str) -> str:
    """Return `words` on one line, secrets masked, at most 500 characters."""
    data = words.encode(errors="replace")[: _LONGEST_WORDS + CUT_LOOK_AHEAD]
    end = safe_cut(data, _LONGEST_WORDS, redact) if len(data) > _LONGEST_WORDS else len(data)
    text = redact(data[:end].decode(errors="ignore"))
    return printable(" ".join(text.split()))
