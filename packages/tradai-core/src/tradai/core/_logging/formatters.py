"""Log records as lines: one for each record, whatever is in it."""

import logging
from typing import Final, TextIO, final

from pythonjsonlogger.json import JsonFormatter

from tradai.core._documents.json_values import JsonValue
from tradai.core._logging.record_fields import record_fields
from tradai.core._logging.safe_json import json_text, line_encoder

__all__ = ["ConsoleFormatter", "JsonLineFormatter", "LineHandler"]

_LAST_RESORT: Final = '{"level":"ERROR","message":"a log record could not be written"}'
# What is logged may log while it is printed, itself even; beyond this nobody is asked to print.
_DEEPEST: Final = 2
# They log whole requests and answers at DEBUG, with secrets that nobody has registered yet.
_WIRE: Final = frozenset(
    {
        *("aiobotocore", "boto3", "botocore", "ccxt", "hpack", "http", "httpcore", "httpx"),
        *("s3transfer", "urllib3", "websockets"),
    }
)


@final
class JsonLineFormatter(JsonFormatter):
    """Makes exactly one line of RFC 8259 JSON of a record, in ASCII; never raises."""

    def __init__(self) -> None:
        """Encode with orjson where it is installed."""
        super().__init__()
        self._encode = line_encoder()

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, logger, message and ids, then the record's own fields."""
        try:
            return self.jsonify_log_record(record_fields(record))
        # A log call that fails would fail the work it tells of.
        except Exception:  # noqa: BLE001
            return _LAST_RESORT

    def jsonify_log_record(self, log_data: dict[str, JsonValue]) -> str:
        """Return the line of these fields."""
        return self._encode(log_data)


@final
class ConsoleFormatter(logging.Formatter):
    """Makes one line for people of a record; a traceback follows, indented. Never raises."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level and message, the record's own fields, then the logger."""
        try:
            return _readable(record_fields(record))
        # As above.
        except Exception:  # noqa: BLE001
            return _LAST_RESORT


@final
class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a text stream, in characters that the stream can take."""

    def __init__(self, stream: TextIO | None, formatter: logging.Formatter) -> None:
        """Write what `formatter` makes to `stream`, by default standard error."""
        super().__init__(stream)
        self.setFormatter(formatter)
        self._depth = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of `record`, unless it shows what goes over the wire."""
        if _shows_wire(record):
            return
        # The lock of the handler is held: who comes here meanwhile was called by what is printed.
        self._depth += 1
        try:
            line = self.format(record if self._depth <= _DEEPEST else _unasked(record))
            self.stream.write(f"{line if line.isascii() else self._fitted(line)}\n")
            self.stream.flush()
        # A log call that fails would fail the work it tells of.
        except Exception:  # noqa: BLE001
            self.handleError(record)
        finally:
            self._depth -= 1

    def _fitted(self, line: str) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return line.encode(encoding, "backslashreplace").decode(encoding)

    # The name is the one of the standard library.
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop a record that cannot be written: `logging` would print it with its secrets."""


def _unasked(record: logging.LogRecord) -> logging.LogRecord:
    """Return what can be told of `record` without asking its values to print themselves."""
    message = record.msg if type(record.msg) is str else f"<{type(record.msg).__name__}>"
    names = ("name", "levelno", "levelname", "created")
    told = {name: getattr(record, name) for name in names}
    return logging.makeLogRecord({**told, "msg": message})


def _shows_wire(record: logging.LogRecord) -> bool:
    try:
        return record.levelno < logging.INFO and record.name.partition(".")[0] in _WIRE
    except (AttributeError, TypeError):  # A record made by somebody else, without these.
        return False


def _readable(fields: dict[str, JsonValue]) -> str:
    time, level, logger, message = (
        str(fields.pop(name)) for name in ("timestamp", "level", "logger", "message")
    )
    below = [str(fields.pop(name, "")) for name in ("exception", "stack")]
    facts = [f"{name}={_short(value)}" for name, value in fields.items() if value is not None]
    line = _printable(" ".join([time, f"{level:<8}", message, *facts, f"[{logger}]"]))
    return "\n".join(
        [line, *(f"    {_printable(row)}" for text in below for row in text.split("\n") if row)]
    )


def _short(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json_text(value)
    return json_text(text) if " " in text else text


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
