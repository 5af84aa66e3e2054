"""A logger class whose calls do not raise, whatever their arguments are."""

import logging
from collections.abc import Mapping
from typing import ClassVar

from tradai.core._logging.record_fields import RESERVED, rename_reserved
from tradai.core._logging.safe_json import json_text, log_value


class ForgivingLogger(logging.Logger):
    """A logger whose calls do not raise, whatever they are given.

    Fields that `logging` keeps for itself are renamed; arguments that fail when they are read are
    shown in the message as JSON.

    Attributes:
        passes_extra: Whether the class beneath makes records itself, and wants their fields.
    """

    passes_extra: ClassVar[bool] = False

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
        fields = None if extra is None else _safe_extra(extra)
        try:
            if self.passes_extra:
                record = super().makeRecord(
                    name, level, fn, lno, msg, args, exc_info, func, fields, sinfo
                )
            else:
                make = logging.getLogRecordFactory()
                record = make(name, level, fn, lno, msg, args, exc_info, func, sinfo)
        # The arguments are other code's, and `logging` asks them for their length.
        except Exception:  # noqa: BLE001
            text = json_text(log_value([msg, args]))
            make = logging.getLogRecordFactory()
            record = make(name, level, fn, lno, text, (), exc_info, func, sinfo)
        if fields is not None:
            vars(record).update(fields)
        return record


def install_logger_class() -> None:
    """Have loggers made from now on be forgiving, and be what they would be without us."""
    present = logging.getLoggerClass()
    if issubclass(present, ForgivingLogger):
        return
    passes_extra = present.makeRecord is not logging.Logger.makeRecord
    name, body = ForgivingLogger.__name__, {"passes_extra": passes_extra}
    logging.setLoggerClass(type(name, (ForgivingLogger, present), body))


def _safe_extra(extra: Mapping[str, object]) -> Mapping[str, object]:
    if type(extra) is dict and RESERVED.isdisjoint(extra):
        return extra
    try:
        return rename_reserved(extra, RESERVED)
    # The fields are other code's, and may not even be a mapping.
    except Exception:  # noqa: BLE001
        return {"extra": extra}
