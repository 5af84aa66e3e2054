"""Formatters and the handler that write each log record as one line, whatever is in it."""

import logging
import os
from contextlib import suppress
from typing import Final, TextIO, final
from weakref import WeakSet

from pythonjsonlogger.json import JsonFormatter

from tradai.core._documents.json_values import JsonValue
from tradai.core._logging.printable import printable
from tradai.core._logging.record_fields import record_fields
from tradai.core._logging.safe_json import json_text, line_encoder

_LAST_RESORT: Final = '{"level":"ERROR","message":"a log record could not be written"}'
# A value may log while it is printed, even itself; deeper than this no value is printed.
_DEEPEST: Final = 2
# These log whole requests and answers at DEBUG, with secrets that are not registered yet.
_WIRE: Final = frozenset(
    {
        *("aiobotocore", "boto3", "botocore", "ccxt", "hpack", "http", "httpcore", "httpx"),
        *("s3transfer", "urllib3", "websockets"),
    }
)


@final
class JsonLineFormatter(JsonFormatter):
    """Formats a record as exactly one line of RFC 8259 JSON, in ASCII; never raises."""

    def __init__(self) -> None:
        """Encode with orjson where it is installed."""
        super().__init__()
        self._encode = line_encoder()

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, logger, message and ids, then the record's own fields."""
        try:
            return self.jsonify_log_record(record_fields(record))
        # A log call that fails would fail the work it reports on.
        except Exception:  # noqa: BLE001
            return _LAST_RESORT

    def jsonify_log_record(self, log_data: dict[str, JsonValue]) -> str:
        """Return the line of these fields."""
        return self._encode(log_data)


@final
class ConsoleFormatter(logging.Formatter):
    """Formats a record as one line for people; a traceback follows, indented. Never raises."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level and message, the record's own fields, then the logger."""
        try:
            return _console_line(record_fields(record))
        # A log call that fails would fail the work it reports on.
        except Exception:  # noqa: BLE001
            return _LAST_RESORT


@final
class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a text stream, in characters that the stream can take."""

    masks_secrets: Final = True

    def __init__(self, stream: TextIO | None, formatter: logging.Formatter) -> None:
        """Write the lines of `formatter` to `stream`, by default standard error."""
        super().__init__(stream)
        self.setFormatter(formatter)
        self._depth = 0
        _LINE_HANDLERS.add(self)

    def after_fork_in_child(self) -> None:
        """Write to the same file by a stream of its own, in a forked child.

        A thread of the parent may have been in the middle of a line, and held the stream's lock.
        """
        self._depth = 0
        with suppress(AttributeError, OSError, ValueError):
            # It stays open as long as the handler.
            self.stream = open(  # noqa: SIM115
                self.stream.fileno(),
                "w",
                encoding=self.stream.encoding,
                errors=self.stream.errors,
                closefd=False,
            )

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of `record`, unless it is a wire log of an SDK."""
        if _shows_wire(record):
            return
        # The handler is locked: a nested call comes from a value that is being printed.
        self._depth += 1
        try:
            line = self.format(record if self._depth <= _DEEPEST else _without_values(record))
            self.stream.write(f"{line if line.isascii() else self._encodable(line)}\n")
            self.stream.flush()
        # A log call that fails would fail the work it reports on.
        except Exception:  # noqa: BLE001
            self.handleError(record)
        finally:
            self._depth -= 1

    def _encodable(self, line: str) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return line.encode(encoding, "backslashreplace").decode(encoding)

    # The name is the one of the standard library.
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop a record that cannot be written: `logging` would print it with its secrets."""


_LINE_HANDLERS: Final[WeakSet[LineHandler]] = WeakSet()


def _after_fork_in_child() -> None:
    for handler in tuple(_LINE_HANDLERS):
        handler.after_fork_in_child()


# Registered before the first fork of a process that logs by it.
os.register_at_fork(after_in_child=_after_fork_in_child)


def _without_values(record: logging.LogRecord) -> logging.LogRecord:
    """Return the parts of `record` that can be shown without printing its values."""
    message = record.msg if type(record.msg) is str else f"<{type(record.msg).__name__}>"
    names = ("name", "levelno", "levelname", "created")
    safe = {name: getattr(record, name) for name in names}
    return logging.makeLogRecord({**safe, "msg": message})


def _shows_wire(record: logging.LogRecord) -> bool:
    try:
        return record.levelno < logging.INFO and record.name.partition(".")[0] in _WIRE
    except (AttributeError, TypeError):  # A record from other code, without these.
        return False


def _console_line(fields: dict[str, JsonValue]) -> str:
    time, level, logger, message = (
        str(fields.pop(name)) for name in ("timestamp", "level", "logger", "message")
    )
    below = [str(fields.pop(name, "")) for name in ("exception", "stack")]
    facts = [f"{name}={_short(value)}" for name, value in fields.items() if value is not None]
    line = printable(" ".join([time, f"{level:<8}", message, *facts, f"[{logger}]"]))
    return "\n".join(
        [line, *(f"    {printable(row)}" for text in below for row in text.split("\n") if row)]
    )


def _short(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json_text(value)
    return json_text(text) if " " in text else text
