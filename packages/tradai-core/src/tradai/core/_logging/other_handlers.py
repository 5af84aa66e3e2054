"""Mask secrets in the lines of handlers that are not ours: a server's, AWS Lambda's, a queue's."""

import copy
import logging
from collections.abc import Callable
from typing import Any, Final, final

from tradai.core._logging.message_arguments import are_plain, masked_arguments
from tradai.core._secrets.redaction import redact

# Weak references to all handlers that there are, the newest last: what `logging.shutdown` flushes.
HANDLERS: Final[list[Any]] = getattr(logging, "_handlerList", [])


def mask_other_handlers() -> None:
    """Have the handlers that there are now mask secrets in their lines, but for ours."""
    for reference in tuple(HANDLERS):
        handler = reference()
        if handler is not None:
            _mask_lines(handler)


@final
class _MaskedFormat:
    """The method ``format`` of a formatter, with the secrets in its text masked."""

    def __init__(self, formatter: logging.Formatter) -> None:
        # Some return a mapping or bytes, for handlers of their own.
        self._format: Callable[[logging.LogRecord], object] = formatter.format

    def __call__(self, record: logging.LogRecord) -> object:
        line = self._format(_without_named_secrets(record))
        return redact(line) if isinstance(line, str) else line


def _mask_lines(handler: logging.Handler) -> None:
    if getattr(handler, "masks_secrets", False):
        return
    formatter = handler.formatter or logging.Formatter()
    if not isinstance(formatter.format, _MaskedFormat):
        # On the formatter itself, because others look at its class and its attributes.
        try:
            vars(formatter)["format"] = _MaskedFormat(formatter)
        except TypeError:  # It has slots.
            return
    # Only now: other threads print with it at once.
    if handler.formatter is None:
        handler.setFormatter(formatter)


def _without_named_secrets(record: logging.LogRecord) -> logging.LogRecord:
    """Return the record, or a copy with arguments as JSON that have a secret by its name."""
    if not record.args or are_plain(record.args):
        return record
    clean = copy.copy(record)
    try:
        clean.args = masked_arguments(record.args)
    # The arguments come from other code, and may do anything.
    except Exception:  # noqa: BLE001
        return record
    return clean
