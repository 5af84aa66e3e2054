"""Logging: a logger for every class that wants one, and one place that sets logging up."""

import logging
from typing import Final, Literal, TextIO

from tradai.core._log_context import run_context
from tradai.core.exceptions import ConfigurationError

__all__ = ["LoggerMixin", "configure_logging", "run_context"]

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_FORMATS: Final = ("json", "console")


class LoggerMixin:
    """Gives a class ``self.logger``, named after the class.

    It keeps nothing on the instance and has no constructor: it mixes with slots, frozen values,
    pickling and any other base class.
    """

    __slots__ = ()

    @property
    def logger(self) -> logging.Logger:
        """The logger of this class; found when asked for."""
        kind = type(self)
        return logging.getLogger(f"{kind.__module__}.{kind.__qualname__}")


def configure_logging(
    *,
    # The settings, the documentation and the command line call it so.
    format: Literal["json", "console"] = "json",  # noqa: A002
    level: str = "INFO",
    stream: TextIO | None = None,
) -> None:
    """Send every record of `level` and above to `stream`, one line each, secrets masked.

    Call it once, where the process boots; calling it again replaces the earlier set-up. Handlers
    that others put on the root logger stay. Loggers made from now on rename a field in ``extra``
    that `logging` keeps for itself (``name`` to ``extra_name``) instead of raising.

    Args:
        format: ``json`` for machines, ``console`` for people.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        stream: Where to write; by default standard error.

    Raises:
        ConfigurationError: `format` or `level` is none of these.
    """
    _check("format", format, _FORMATS)
    _check("level", level, _LEVELS)
    # Every class has a logger; only a process that writes its own log pays for the formatter.
    from tradai.core import _log_lines

    root = logging.getLogger()
    for handler in [found for found in root.handlers if isinstance(found, _log_lines.LineHandler)]:
        root.removeHandler(handler)
    json_lines = format == "json"
    formatter = _log_lines.JsonLineFormatter() if json_lines else _log_lines.ConsoleFormatter()
    root.addHandler(_log_lines.LineHandler(stream, formatter))
    root.setLevel(level)
    logging.setLoggerClass(_log_lines.ForgivingLogger)


def _check(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"log {what} {value!r} is not usable: expected one of {', '.join(allowed)}"
        raise ConfigurationError(message, key=what)
