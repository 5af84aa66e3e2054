"""Stage the candles of a run for the engine: read, validate and write them in its layout.

A child process does the work, so that pandas and the imports of a data backend never enter this
process.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from tradai.core import is_file_uri
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    StorageError,
    TradAIError,
    ValidationError,
)
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint.freqtrade._candles.staged_data import StagedData, StagingRequest

# Field of an error about the content of stored candles.
_CANDLES: Final = "frame"
_COMMAND: Final = (sys.executable, "-P", "-m", "tradai.entrypoint.freqtrade", "stage")
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
        ValidationError: Candles are not numbers, cannot be, or are too few to trade on.
        StorageError: A file cannot be read or written.
        ConfigurationError: No backend for the URI is installed.
        ExternalServiceError: The service behind the URI failed.
        RunInterruptedError: A signal came first; the child is gone.
    """
    ended = run_child(command or _COMMAND, stdin=request.to_json(), interrupts=interrupts)
    if ended.return_code != 0:
        raise _crash(ended.last_words, ended.return_code)
    values: dict[str, Any] = json.loads(ended.output)
    if "error" in values:
        raise _error(values["error"], request)
    return StagedData.from_values(values)


def _error(values: dict[str, Any], request: StagingRequest) -> TradAIError:
    kind, message = _ERRORS.get(values["code"]), values["message"]
    if kind is None:
        return StorageError(message, operation="read candles")
    # The commands read a flat folder on this machine.
    is_folder = is_file_uri(request.data) and not request.shown
    if values["fields"].get("field") == _CANDLES and is_folder:
        message += "; `data check` lists all faults, and says which of them `data convert` mends"
    return kind(message, **values["fields"])


def _crash(last: str, code: int) -> StorageError:
    message = f"the candles could not be read: the reading process ended with {code} ({last})"
    return StorageError(message, operation="read candles")
