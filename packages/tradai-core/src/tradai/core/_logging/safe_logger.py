"""A logger class whose calls do not raise, whatever their arguments are."""

import logging
from collections.abc import Mapping
from typing import final

from tradai.core._logging.record_fields import RESERVED, rename_reserved
from tradai.core._logging.safe_json import json_text, log_value


@final
class ForgivingLogger(logging.Logger):
    """A logger whose calls do not raise, whatever they are given.

    Fields that `logging` keeps for itself are renamed; arguments that fail when they are read are
    shown in the message as JSON.
    """

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
        make = logging.getLogRecordFactory()
        try:
            record = make(name, level, fn, lno, msg, args, exc_info, func, sinfo)
        # The arguments are other code's, and `logging` asks them for their length.
        except Exception:  # noqa: BLE001
            text = json_text(log_value([msg, args]))
            record = make(name, level, fn, lno, text, (), exc_info, func, sinfo)
        if extra is not None:
            vars(record).update(_safe_extra(extra))
        return record


def _safe_extra(extra: Mapping[str, object]) -> Mapping[str, object]:
    if type(extra) is dict and RESERVED.isdisjoint(extra):
        return extra
    try:
        return rename_reserved(extra, RESERVED)
    # The fields are other code's, and may not even be a mapping.
    except Exception:  # noqa: BLE001
        return {"extra": extra}
