"""The engine's log records, through a named pipe that nothing else is written to.

The engine's output has them too, among lines that a strategy prints and can shape as it likes.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

from tradai.core import JsonValue, redact, safe_cut
from tradai.entrypoint.freqtrade._strategy.log_switches import DECIDING_LOGGERS

_NAME: Final = "records"
# A line for each field of `EngineRecord`; the message may have more lines, and the traceback does.
_FORMAT: Final = "%(name)s\n%(levelname)s\n%(pathname)s\n%(exc_info).200r\n%(message)s"
# Only the engine's own loggers have the pipe, so that a strategy that sets up logging anew, with
# `logging.basicConfig(force=True)` for example, does not take it away.
_ENGINE: Final = "freqtrade"
_API_SERVER: Final = "uvicorn.error"
_CHUNK_BYTES: Final = 64 * 1024
# Limit for the record being read, so that memory stays bounded; a traceback's last lines matter.
_HEAD_BYTES: Final = 16 * 1024
_TAIL_BYTES: Final = 128 * 1024


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRecord:
    """One log record of the engine's own code.

    Attributes:
        logger: Name of its logger.
        level: Name of its level.
        raised: Class and arguments of the exception logged with it, as Python shows them, cut to
            200 characters; ``None`` without one.
        text: Its message, and the traceback that was logged with it.
    """

    logger: str
    level: str
    raised: str = "None"
    text: str


@final
class RecordPipe:
    """A named pipe that the engine logs to.

    Each record ends with a word that is drawn anew for each run, so that no text inside a record
    looks like the next one. Records that code in the engine's working folder logs are left out,
    whatever logger it uses: that code is the strategy.
    """

    def __init__(self, folder: Path, *, strategy: Path) -> None:
        """Note where the pipe will be; nothing is created yet.

        Args:
            folder: A local folder in which the pipe is created.
            strategy: Folder of the code that is not the engine's.
        """
        self._path = folder / _NAME
        self._strategy = f"{strategy}{os.sep}"
        self._end = f"\n{secrets.token_hex(16)}\n".encode()
        self._incomplete = b""

    def __enter__(self) -> Self:
        """Create the pipe and open it; it never blocks."""
        os.mkfifo(self._path, 0o600)
        # Open for writing too, so that it does not report an end before the engine opens it.
        self._pipe = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the pipe and remove it."""
        os.close(self._pipe)
        self._path.unlink(missing_ok=True)

    def fileno(self) -> int:
        """Return the file descriptor to watch."""
        return self._pipe

    def sections(self) -> dict[str, JsonValue]:
        """Return the section of the engine's configuration that has it log here as well."""
        handlers: dict[str, JsonValue] = {
            "console": {
                "class": "freqtrade.loggers.ft_rich_handler.FtRichHandler",
                "formatter": "basic",
            },
            _NAME: {
                "class": "logging.FileHandler",
                "formatter": _NAME,
                "filename": str(self._path),
                "encoding": "utf-8",
                "errors": "backslashreplace",
                ".": {"terminator": self._end.decode()},
            },
        }
        log_config: dict[str, JsonValue] = {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"basic": {"format": "%(message)s"}, _NAME: {"format": _FORMAT}},
            "handlers": handlers,
            "root": {"handlers": ["console"], "level": "INFO"},
            "loggers": {
                _ENGINE: {"handlers": [_NAME], "level": "INFO"},
                # Of the server of its API, which says alone that the port is taken.
                _API_SERVER: {"handlers": [_NAME], "level": "ERROR"},
                # With a level of their own, they do not follow one that a strategy sets on the
                # engine's logger to see less of it.
                **{name: {"level": "INFO"} for name in DECIDING_LOGGERS},
            },
        }
        return {"log_config": log_config}

    def read(self) -> list[EngineRecord] | None:
        """Return the records that are complete, redacted; None when there is nothing to read."""
        try:
            data = os.read(self._pipe, _CHUNK_BYTES)
        except BlockingIOError:
            return None
        *whole, self._incomplete = (self._incomplete + data).split(self._end)
        if len(self._incomplete) > _HEAD_BYTES + _TAIL_BYTES:
            self._incomplete = self._shortened(self._incomplete)
        return list(self._engine_records(whole))

    @staticmethod
    def _shortened(data: bytes) -> bytes:
        head = safe_cut(data, _HEAD_BYTES, redact)
        tail = safe_cut(data, len(data) - _TAIL_BYTES, redact)
        return data[:head] + data[max(head, tail) :]

    def _engine_records(self, whole: list[bytes]) -> Iterator[EngineRecord]:
        for data in whole:
            fields = (*data.decode(errors="replace").split("\n", 4), "", "", "", "")
            logger, level, path, raised, text = fields[:5]
            if Path(path).is_absolute() and not path.startswith(self._strategy):
                yield EngineRecord(logger=logger, level=level, raised=raised, text=redact(text))
