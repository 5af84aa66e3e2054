"""Errors of steps that are all taken: the first one is raised, the others are notes on it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from tradai.core import redact

__all__ = ["Failures"]


@final
class Failures:
    """What went wrong in steps that are taken one after the other, whatever went wrong before."""

    def __init__(self, *, logger: logging.Logger) -> None:
        """Begin with none; each one will be logged to `logger`, with its traceback."""
        self._logger = logger
        self._errors: list[tuple[str, BaseException]] = []

    def __bool__(self) -> bool:
        """Tell whether anything went wrong."""
        return bool(self._errors)

    @property
    def summary(self) -> str:
        """What went wrong, by step and type of error; messages are left to the log."""
        return ", ".join(f"{step}: {type(error).__name__}" for step, error in self._errors)

    @contextmanager
    def kept(self, step: str) -> Iterator[None]:
        """Keep what the block raises, so that the steps after it are taken too."""
        try:
            yield
        # Ctrl-C and exits included: `raise_first` raises it again, after the last step.
        except BaseException as exc:
            self._logger.exception("service step failed", extra={"step": step})
            self._errors.append((step, exc))

    def raise_first(self) -> None:
        """Raise what went wrong first, with a note for each of the others."""
        if not self._errors:
            return
        (_, first), *others = self._errors
        for step, error in others:
            first.add_note(redact(f"then {step} failed: {type(error).__name__}: {error}"))
        raise first
