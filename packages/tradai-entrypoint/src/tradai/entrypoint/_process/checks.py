"""Checks before a run, each with a status; none of them starts anything."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self, final, runtime_checkable

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._process.exit_codes import ExitCode


@final
class CheckStatus(StrEnum):
    """Outcome of a check.

    Attributes:
        OK: It found nothing wrong.
        WARN: It found something that a person should look at.
        FAIL: It refused, with an error of ours.
        SKIP: It was not run.
        RAISES: It has a defect: it raised another error, or returned no detail.
        TIMEOUT: It did not end in time.
    """

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    RAISES = "raises"
    TIMEOUT = "timeout"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check: its subject, its outcome, a detail, and the exit code of a failure."""

    name: str
    status: CheckStatus
    detail: str
    exit_code: ExitCode = ExitCode.DONE

    @classmethod
    def failed(cls, name: str, error: TradAIError) -> Self:
        """Return the row of a check that raised `error`."""
        exit_code = ExitCode.of_error(error)
        return cls(name=name, status=CheckStatus.FAIL, detail=str(error), exit_code=exit_code)


@runtime_checkable
class CheckableHandler(Protocol):
    """A handler that can check its run beforehand."""

    def checks(self, checklist: "Checklist") -> Iterator[CheckRow]:
        """Yield a row of `checklist` per check, in the order of a run, without starting it."""
        ...


@final
class Checklist:
    """Runs checks in order; skips those that follow a failed one."""

    def __init__(self) -> None:
        """Start without a failure."""
        self.has_failed = False

    def row(self, name: str, check: Callable[[], str]) -> CheckRow:
        """Run `check`, which returns the detail of the row or raises an error of ours."""
        if self.has_failed:
            return CheckRow(name=name, status=CheckStatus.SKIP, detail="an earlier check failed")
        try:
            return CheckRow(name=name, status=CheckStatus.OK, detail=check())
        except TradAIError as exc:
            self.has_failed = True
            return CheckRow.failed(name, exc)

    def rows(self, checks: Iterable[tuple[str, Callable[[], str]]]) -> Iterator[CheckRow]:
        """Run `checks` that do not need each other: one that fails skips only those after them."""
        before = has_failed = self.has_failed
        for name, check in checks:
            self.has_failed = before
            row = self.row(name, check)
            self.has_failed = has_failed = has_failed or self.has_failed
            yield row
