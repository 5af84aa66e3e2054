"""Log records as lines: one for each record, whatever is in it."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TextIO, final

from pythonjsonlogger.json import JsonFormatter

from tradai.core._json import JsonValue
from tradai.core._log_context import current_context
from tradai.core._log_values import log_field, log_text, log_value

__all__ = ["ConsoleFormatter", "ForgivingLogger", "JsonLineFormatter", "LineHandler"]

_RESERVED: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})
_OWN: Final = frozenset(
    {"timestamp", "level", "logger", "message", "run_id", "trace_id", "exception", "stack"}
)
_FORMATTER: Final = logging.Formatter()
_LAST_RESORT: Final = '{"level":"ERROR","message":"a log record could not be written"}'


@final
class JsonLineFormatter(JsonFormatter):
    """Makes exactly one line of RFC 8259 JSON of a record; never raises."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, logger, message, run and trace, then the record's own fields."""
        try:
            return self.serialize_log_record(_fields(record))
        # A log call that fails would fail the work it tells of.
        except Exception:  # noqa: BLE001
            return _LAST_RESORT


@final
class ConsoleFormatter(logging.Formatter):
    """Makes one line for people of a record; a traceback follows, indented. Never raises."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level and message, the record's own fields, then the logger."""
        try:
            return _readable(_fields(record))
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

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return super().format(record).encode(encoding, "backslashreplace").decode(encoding)

    # The name is the one of the standard library.
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop a record that cannot be written: `logging` would print it with its secrets."""


@final
class ForgivingLogger(logging.Logger):
    """A logger that renames fields which `logging` keeps for itself, where it would raise."""

    # Name and arguments are those of the standard library.
    def makeRecord(  # noqa: N802, PLR0913, PLR0917
        self,
        name: str,
        level: int,
        fn: str,
        lno: int,
        msg: object,
        args: "logging._ArgsType",
        exc_info: "logging._SysExcInfoType | None",
        func: str | None = None,
        extra: Mapping[str, object] | None = None,
        sinfo: str | None = None,
    ) -> logging.LogRecord:
        """Return the record; a field ``name`` is found as ``extra_name``."""
        kept = extra and _renamed(extra, _RESERVED)
        return super().makeRecord(
            name, level, fn, lno, msg, args, exc_info, func=func, extra=kept, sinfo=sinfo
        )


def _fields(record: logging.LogRecord) -> dict[str, JsonValue]:
    return {
        "timestamp": _made(lambda: _timestamp(record.created), record.created),
        "level": log_value(record.levelname),
        "logger": log_value(record.name),
        "message": _made(record.getMessage, (record.msg, record.args)),
        **{name: log_value(value) for name, value in current_context().items()},
        **_extras(record),
        **_traces(record),
    }


def _extras(record: logging.LogRecord) -> dict[str, JsonValue]:
    extra = {name: value for name, value in vars(record).items() if name not in _RESERVED}
    named = ((log_text(name), value) for name, value in _renamed(extra, _OWN).items())
    return {name: log_field(name, value) for name, value in named}


def _traces(record: logging.LogRecord) -> dict[str, JsonValue]:
    """Return the traceback, without local variables, and the stack, where there are any."""
    traces: dict[str, JsonValue] = {}
    raised = record.exc_info
    if raised:
        traces["exception"] = _made(lambda: _FORMATTER.formatException(raised), raised)
    elif record.exc_text:
        traces["exception"] = log_value(record.exc_text)
    if record.stack_info:
        traces["stack"] = log_value(record.stack_info)
    return traces


def _made(make: Callable[[], str], otherwise: object) -> JsonValue:
    try:
        return log_value(make())
    # The parts of a record are somebody else's, and may do anything.
    except Exception:  # noqa: BLE001
        return str(log_value(otherwise))


def _timestamp(created: float) -> str:
    at = datetime.fromtimestamp(created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _renamed(extra: Mapping[str, object], reserved: frozenset[str]) -> dict[str, object]:
    return {f"extra_{name}" if name in reserved else name: extra[name] for name in extra}


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
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if " " in text else text


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
