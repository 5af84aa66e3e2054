"""Checks before a run: rows of ok, warn, fail or skip, none of which starts anything."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, final, runtime_checkable

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._process.exit_codes import ExitCode

__all__ = ["CheckRow", "CheckStatus", "CheckableHandler", "Checklist"]


@final
class CheckStatus(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check: what was checked, how it went, what was found, what a failure would exit with."""

    name: str
    status: CheckStatus
    detail: str
    exit_code: ExitCode = ExitCode.DONE


@runtime_checkable
class CheckableHandler(Protocol):
    """A handler that can say beforehand what would stop it."""

    def checks(self, checklist: "Checklist") -> Iterator[CheckRow]:
        """Yield a row of `checklist` per check, in the order of a run; nothing is started."""
        ...


@final
class Checklist:
    """Runs checks in order; after a failure the ones that build on it are skipped."""

    def __init__(self) -> None:
        """Start with nothing failed."""
        self.has_failed = False

    def row(self, name: str, check: Callable[[], str]) -> CheckRow:
        """Run `check`, whose text says what was found; an error is a failed row."""
        if self.has_failed:
            return CheckRow(name=name, status=CheckStatus.SKIP, detail="builds on a failed check")
        try:
            return CheckRow(name=name, status=CheckStatus.OK, detail=check())
        except TradAIError as exc:
            self.has_failed = True
            return CheckRow(
                name=name,
                status=CheckStatus.FAIL,
                detail=str(exc),
                exit_code=ExitCode.of_error(exc),
            )
