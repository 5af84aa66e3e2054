"""Records of log calls, with the ids of the work that made the call."""

import logging
from typing import Any, final

from tradai.core._logging.context import IDS_ATTRIBUTE, current_ids
from tradai.core._logging.other_handlers import HandlerMasker


@final
class RecordFactory:
    """Makes a record as the factory before it, and puts the present ids on it.

    A queue or a buffer prints the record later, when other work is done or in another thread.
    """

    def __init__(self) -> None:
        """Build on the present factory."""
        self._make = logging.getLogRecordFactory()
        self._masker = HandlerMasker()

    # The arguments are those of the standard library, whatever its version has.
    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401
        """Return the record."""
        self._masker.look()
        record = self._make(*args, **kwargs)
        vars(record)[IDS_ATTRIBUTE] = current_ids()
        return record


def install_record_factory() -> None:
    """Have all records made by a `RecordFactory`."""
    if not isinstance(logging.getLogRecordFactory(), RecordFactory):
        logging.setLogRecordFactory(RecordFactory())
