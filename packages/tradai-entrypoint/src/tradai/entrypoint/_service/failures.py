"""Collect the errors of consecutive steps: raise the first, with notes on the others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from tradai.core import redact


@final
class Failures:
    """Errors of steps that are taken one after another, whatever failed before."""

    def __init__(self, *, logger: logging.Logger) -> None:
        """Start without errors; each error will be logged to `logger` with its traceback."""
        self._logger = logger
        self._errors: list[tuple[str, BaseException]] = []

    def __bool__(self) -> bool:
        """Tell whether any step failed."""
        return bool(self._errors)

    @property
    def summary(self) -> str:
        """Failed steps with the types of their errors; the messages are in the log."""
        return ", ".join(f"{step}: {type(error).__name__}" for step, error in self._errors)

    @contextmanager
    def collected(self, step: str) -> Iterator[None]:
        """Collect the error of the block, so that the next steps are taken too."""
        try:
            yield
        # Ctrl-C and exits included: `raise_first` raises it again, after the last step.
        except BaseException as exc:
            self._logger.exception("service step failed", extra={"step": step})
            self._errors.append((step, exc))

    def raise_first(self) -> None:
        """Raise the first error, if any, with a note for each of the others."""
        if not self._errors:
            return
        (_, first), *others = self._errors
        for step, error in others:
            first.add_note(redact(f"then {step} failed: {type(error).__name__}: {error}"))
        raise first
