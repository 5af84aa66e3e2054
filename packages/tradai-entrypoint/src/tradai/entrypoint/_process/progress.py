"""Progress of long work: a spinner on a terminal, or lines elsewhere."""

import logging
import sys
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO, final

from tradai.core import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar, TaskID

    LogHandler = logging.StreamHandler[TextIO]


@final
class Progress:
    """A spinner with a sentence and the elapsed time.

    Shown on standard error when that is a terminal. Logs and pipes get a line for each milestone,
    and for each sentence only where that is asked for, so that they stay short. A terminal that is
    closed meanwhile changes nothing about the work.
    """

    def __init__(
        self, *, stream: TextIO | None = None, enabled: bool = True, has_lines: bool = False
    ) -> None:
        """Show nothing yet; `__enter__` starts.

        Args:
            stream: Where to show it; standard error by default.
            enabled: Whether to show anything.
            has_lines: Whether each sentence is a line where there is no terminal.
        """
        self._stream = stream or sys.stderr
        is_terminal = self._stream.isatty()
        self._enabled = enabled and is_terminal
        self._prints_lines = enabled and not is_terminal
        self._has_lines = has_lines
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._moved: list[tuple[LogHandler, TextIO]] = []

    def __enter__(self) -> Self:
        """Start showing."""
        if self._enabled:
            self._bar = _new_bar(self._stream)
            self._bar.start()
            self._move_log(self._bar)
            self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the spinner."""
        while self._moved:
            handler, stream = self._moved.pop()
            handler.setStream(stream)
        if self._bar is not None:
            with suppress(OSError):
                self._bar.stop()
            self._bar = None

    def say(self, doing: str) -> None:
        """Show the work in progress, e.g. ``"reading candles"``."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=printable(doing))
        elif self._has_lines:
            self.line(doing)

    def milestone(self, done: str, *, detail: str = "") -> None:
        """Show how much of the work is done, e.g. ``"2 of 8 runs"``.

        Where there is no terminal it is a line, with its `detail`.
        """
        if self._bar is None:
            self.line(f"{done}: {detail}" if detail else done)
        else:
            self.say(done)

    def line(self, text: str) -> None:
        """Print `text` as a line; a terminal gets none."""
        if self._prints_lines:
            with suppress(OSError):
                self._stream.write(f"{printable(text)}\n")
                self._stream.flush()

    def _move_log(self, bar: "Bar") -> None:
        """Print the lines of the log above the spinner, where both go to a terminal."""
        from rich.file_proxy import FileProxy

        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and _is_terminal(handler.stream):
                self._moved.append((handler, handler.stream))
                handler.setStream(FileProxy(bar.console, handler.stream))


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    # It is closed, and its handler was left in place.
    except ValueError:
        return False


def _new_bar(stream: TextIO) -> "Bar":
    from rich.console import Console
    from rich.progress import Progress as RichProgress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return RichProgress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        # A line of the log is as long as it is, for the terminal to wrap.
        console=Console(file=stream, soft_wrap=True),
        transient=True,
    )
