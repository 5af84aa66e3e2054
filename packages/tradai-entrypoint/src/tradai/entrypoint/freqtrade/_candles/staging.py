"""Stage the candles of a run for the engine: read, validate and write them in its layout.

A child process does the work, so that pandas and the imports of a data backend never enter this
process.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO, Any, Final

from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    StorageError,
    TradAIError,
    ValidationError,
)
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._candles.staged_data import StagedData, StagingRequest

_COMMAND: Final = (sys.executable, "-P", "-m", "tradai.entrypoint.freqtrade", "stage")
_POLL_S: Final = 0.02
_ERRORS: Final[dict[str, type[TradAIError]]] = {
    kind.code: kind
    for kind in (
        ConfigurationError,
        ExternalServiceError,
        NotFoundError,
        StorageError,
        ValidationError,
    )
}


def stage_data(
    request: StagingRequest, *, interrupts: Interrupts, command: Sequence[str] | None = None
) -> StagedData:
    """Stage the candles of `request`.

    A series is staged from `warmup` candles before the range up to, but not including, its stop.

    Args:
        request: Candles to stage.
        interrupts: Signals that end the child.
        command: Command of the child; by default this interpreter with `staging_child`.

    Raises:
        NotFoundError: A series has no candles in the range.
        ValidationError: Candles are not numbers, or too few to trade on.
        StorageError: A file cannot be read or written.
        ConfigurationError: No backend for the URI is installed.
        ExternalServiceError: The service behind the URI failed.
        RunInterruptedError: A signal came first; the child is gone.
    """
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as answer,
        tempfile.TemporaryFile() as log,
    ):
        stdin.write(request.model_dump_json().encode())
        stdin.seek(0)
        # A session of its own: Ctrl-C reaches only this process, which then ends the child.
        # The command is ours and holds nothing a user wrote (S603).
        with subprocess.Popen(  # noqa: S603
            command or _COMMAND, stdin=stdin, stdout=answer, stderr=log, start_new_session=True
        ) as child:
            _wait(child, interrupts)
        if child.returncode != 0:
            raise _crash(_text(log), child.returncode)
        answered = _text(answer)
    values: dict[str, Any] = json.loads(answered)
    if "error" in values:
        raise _error(values["error"])
    return StagedData.model_validate_json(answered)


def _wait(child: "subprocess.Popen[bytes]", interrupts: Interrupts) -> None:
    while child.poll() is None:
        if interrupts.wait(_POLL_S):
            # It may be gone already, and some systems forbid to signal a dead group.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            interrupts.check()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _error(values: dict[str, Any]) -> TradAIError:
    kind = _ERRORS.get(values["code"])
    if kind is None:
        return StorageError(values["message"], operation="read candles")
    return kind(values["message"], **values["fields"])


def _crash(log: str, code: int) -> StorageError:
    last = (log.strip().splitlines() or ["it gave no reason"])[-1]
    message = f"the candles could not be read: the reading process ended with {code} ({last})"
    return StorageError(message, operation="read candles")
