"""Stage the candles of a run for the engine: read, validate and write them in its layout.

A child process does the work, so that pandas and the imports of a data backend never enter this
process.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

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
        raise _error(values["error"])
    return StagedData.from_values(values)


def _error(values: dict[str, Any]) -> TradAIError:
    kind = _ERRORS.get(values["code"])
    if kind is None:
        return StorageError(values["message"], operation="read candles")
    return kind(values["message"], **values["fields"])


def _crash(last: str, code: int) -> StorageError:
    message = f"the candles could not be read: the reading process ended with {code} ({last})"
    return StorageError(message, operation="read candles")
