"""Set up logging, and give classes a logger."""

import logging
from typing import ClassVar, Final, Literal, TextIO, final

from tradai.core.exceptions import ConfigurationError

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_FORMATS: Final = ("json", "console")


@final
class _LazyLogger:
    """Placeholder for the logger of a class; the first access replaces it by the logger."""

    def __get__(self, instance: object, owner: type) -> logging.Logger:
        logger = logging.getLogger(f"{owner.__module__}.{owner.__qualname__}")
        # Not `setattr`: a metaclass may override that.
        type.__setattr__(owner, "logger", logger)
        return logger


class LoggerMixin:
    """Gives a class ``self.logger``, named after the class.

    The logger is made when it is first asked for, and kept on the class: there is nothing on the
    instance and no constructor, so it mixes with slots, frozen values, pickling and any other base
    class. A subclass has a logger of its own name.
    """

    __slots__ = ()

    logger: ClassVar[_LazyLogger] = _LazyLogger()

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Give the subclass a logger of its own, unless it brings one."""
        super().__init_subclass__(**kwargs)
        if "logger" not in vars(cls):
            type.__setattr__(cls, "logger", _LazyLogger())


def configure_logging(
    *,
    # The settings, the documentation and the command line use this name.
    format: Literal["json", "console"] = "json",  # noqa: A002
    level: str = "INFO",
    stream: TextIO | None = None,
) -> None:
    """Send every record of `level` and above to `stream`, one line each, secrets masked.

    Call it once, where the process starts; calling it again replaces the earlier set-up. Handlers
    of others stay, on the root logger too; secrets are masked in the lines that their formatters
    make. Loggers made from now on rename a field in ``extra`` that `logging` keeps for itself
    (``name`` to ``extra_name``) instead of raising; they build on the present logger class.

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
    from tradai.core._logging import formatters, records, safe_logger

    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, formatters.LineHandler)]:
        root.removeHandler(handler)
    json_lines = format == "json"
    formatter = formatters.JsonLineFormatter() if json_lines else formatters.ConsoleFormatter()
    root.addHandler(formatters.LineHandler(stream, formatter))
    root.setLevel(level)
    records.install_record_factory()
    safe_logger.install_logger_class()


def _check(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"log {what} {value!r} is not usable: expected one of {', '.join(allowed)}"
        raise ConfigurationError(message, key=what)
