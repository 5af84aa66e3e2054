"""The fields of a log record, as JSON: its own, those given in ``extra``, and the run's ids."""

import copy
import logging
from collections.abc import Mapping
from functools import lru_cache
from time import gmtime, strftime
from typing import Final

from tradai.core._documents.json_values import JsonValue
from tradai.core._logging.context import IDS_ATTRIBUTE, current_ids
from tradai.core._logging.message_arguments import are_plain, readable, readable_arguments
from tradai.core._logging.safe_json import json_text, log_fields, log_value

# `logging` has it from Python 3.12 on.
RESERVED: Final = frozenset(
    {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", IDS_ATTRIBUTE}
)
_OWN: Final = frozenset(
    {
        *("timestamp", "level", "logger", "message", "run_id", "trace_id", "job_id"),
        *("exception", "stack"),
    }
)
_FORMATTER: Final = logging.Formatter()


def record_fields(record: logging.LogRecord) -> dict[str, JsonValue]:
    """Return time, level, logger and message, the ids of the run, then the record's own fields."""
    found = vars(record)
    extra = {name: value for name, value in found.items() if name not in RESERVED}
    # Those of the moment when the record was made, if they were put on it.
    ids = found.get(IDS_ATTRIBUTE)
    fields = {
        "level": record.levelname,
        "logger": record.name,
        "message": _message(record),
        **(current_ids() if ids is None else ids),
        **(extra if _OWN.isdisjoint(extra) else rename_reserved(extra, _OWN)),
    }
    if record.exc_info or record.exc_text or record.stack_info:
        fields |= _traces(record)
    return {"timestamp": _timestamp(record), **log_fields(fields)}


def rename_reserved(extra: Mapping[str, object], reserved: frozenset[str]) -> Mapping[str, object]:
    """Return `extra` with ``extra_`` before each name in `reserved`; nothing is lost."""
    fields = {name: extra[name] for name in extra}
    taken = reserved | fields.keys()
    return {
        _unused_name(name, taken) if name in reserved else name: fields[name] for name in fields
    }


def _unused_name(name: str, taken: frozenset[str]) -> str:
    while name in taken:
        name = f"extra_{name}"
    return name


def _timestamp(record: logging.LogRecord) -> str:
    try:
        milliseconds = int(record.created * 1000)
        return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"
    # The parts of a record come from other code, and may be anything.
    except Exception:  # noqa: BLE001
        return _shown_as_json(record.created)


@lru_cache(2)
def _second(epoch_s: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(epoch_s))


def _message(record: logging.LogRecord) -> str:
    args = record.args
    try:
        is_plain = are_plain(args) and type(record.msg) is str
        return (record if is_plain else _readable(record)).getMessage()
    # The parts of a record come from other code: arguments may not fit, or fail when printed.
    except Exception:  # noqa: BLE001
        return _shown_as_json([record.msg, args])


def _readable(record: logging.LogRecord) -> logging.LogRecord:
    """Return the record with structured arguments as JSON text, their secrets masked."""
    shown = copy.copy(record)
    shown.msg = readable(record.msg)
    shown.args = readable_arguments(record.args)
    return shown


def _traces(record: logging.LogRecord) -> dict[str, object]:
    """Return the traceback, without local variables, and the stack, where there are any."""
    traces: dict[str, object] = {}
    if record.exc_info:
        traces["exception"] = _traceback(record.exc_info)
    elif record.exc_text:
        traces["exception"] = record.exc_text
    if record.stack_info:
        traces["stack"] = record.stack_info
    return traces


def _traceback(raised: "logging._SysExcInfoType") -> str:
    try:
        return _FORMATTER.formatException(raised)
    # The parts of a record come from other code: anything may be given as ``exc_info``.
    except Exception:  # noqa: BLE001
        return _shown_as_json(raised)


def _shown_as_json(value: object) -> str:
    return json_text(log_value(value))
