"""Records of log calls, with the ids of the work that made the call."""

import logging
from types import FunctionType
from typing import Any

from tradai.core._logging.context import IDS, IDS_ATTRIBUTE
from tradai.core._logging.other_handlers import HANDLERS, mask_other_handlers


def install_record_factory() -> None:
    """Have all records made with the present ids, by the factory there is now.

    A queue or a buffer prints a record later, when other work is done or in another thread. The
    factory is also where handlers that are made later are seen first.
    """
    present = logging.getLogRecordFactory()
    if not (isinstance(present, FunctionType) and present.__module__ == __name__):
        logging.setLogRecordFactory(_record_factory(present))


# A factory of records has no type in logging, and neither have some of its arguments.
def _record_factory(make: Any) -> Any:  # noqa: ANN401
    newest: object = None

    # Named arguments where the standard library has them, because passing all on costs more.
    def make_record(  # noqa: PLR0913, PLR0917
        name: str,
        level: int,
        fn: str,
        lno: int,
        msg: object,
        args: Any,  # noqa: ANN401 - as in logging
        exc_info: Any,  # noqa: ANN401 - as in logging
        func: str | None = None,
        sinfo: str | None = None,
        **further: Any,  # noqa: ANN401 - of later versions of Python
    ) -> logging.LogRecord:
        nonlocal newest
        if HANDLERS and newest is not (last := HANDLERS[-1]):
            try:
                mask_other_handlers()
            finally:
                # Not before: other threads would print to a handler that does not mask yet.
                newest = last
        record: logging.LogRecord = make(
            name, level, fn, lno, msg, args, exc_info, func, sinfo, **further
        )
        record.__dict__[IDS_ATTRIBUTE] = IDS.get()
        return record

    return make_record
