"""The table check x mode x outcome: whether a run may start after its checks.

In LIVE a check that was skipped, is late, raises, or was not run at all has failed.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, final

from tradai.core import TradingMode
from tradai.core.exceptions import TradingError
from tradai.entrypoint._process.checks import CheckRow, CheckStatus
from tradai.entrypoint._process.exit_codes import ExitCode

NOT_RUN: Final = "it was not run: LIVE does not start before it was"
# In LIVE every other warning is a doubt, and a doubt refuses.
HARMLESS_WARNINGS: Final = frozenset({"clock"})

_IN_LIVE: Final = frozenset({CheckStatus.OK})
_ON_PAPER: Final = frozenset(CheckStatus) - {CheckStatus.FAIL}
_STARTING: Final[Mapping[TradingMode, frozenset[CheckStatus]]] = {
    mode: _IN_LIVE if mode is TradingMode.LIVE else _ON_PAPER for mode in TradingMode
}
# Exit codes of rows that no error of ours has given one.
_EXIT_CODES: Final[Mapping[CheckStatus, ExitCode]] = {
    CheckStatus.WARN: ExitCode.NOT_PERMITTED,
    CheckStatus.SKIP: ExitCode.NOT_PERMITTED,
    CheckStatus.RAISES: ExitCode.CRASHED,
    CheckStatus.TIMEOUT: ExitCode.UNAVAILABLE,
}


@final
class CheckFailedError(TradingError):
    """Checks keep the run from starting.

    Attributes:
        checks: Names of these checks.
    """

    code = "check_failed"

    def __init__(self, message: str, /, *, checks: tuple[str, ...], exit_code: ExitCode) -> None:
        """Keep the names; the first of them is the reason."""
        super().__init__(message, reason=checks[0])
        self.checks = checks
        self.exit_code = exit_code


def may_start(check: str, mode: TradingMode, status: CheckStatus) -> bool:
    """Return whether a run of `mode` may start when `check` has this outcome.

    >>> may_start("clock", TradingMode.LIVE, CheckStatus.WARN)
    True
    >>> may_start("disk", TradingMode.LIVE, CheckStatus.WARN)
    False
    """
    is_harmless = status is CheckStatus.WARN and check in HARMLESS_WARNINGS
    return is_harmless or status in _STARTING[mode]


def refusals(
    rows: Sequence[CheckRow], *, mode: TradingMode, expected: Collection[str]
) -> tuple[CheckRow, ...]:
    """Return the rows that keep a run of `mode` from starting, each with its exit code.

    Args:
        rows: Outcomes of the checks.
        mode: Mode of the run.
        expected: Names of the checks that must be among `rows`; in LIVE at least one.
    """
    return (
        *(_with_exit_code(row) for row in rows if not may_start(row.name, mode, row.status)),
        *_contradictions(rows),
        *_absences(rows, mode=mode, expected=expected),
    )


def require_all(rows: Sequence[CheckRow], *, mode: TradingMode, expected: Collection[str]) -> None:
    """Let a run of `mode` start after these checks; see `refusals`.

    Raises:
        CheckFailedError: A check keeps it from starting; all of them are named.
    """
    refused = refusals(rows, mode=mode, expected=expected)
    if refused:
        sentences = "; ".join(f"{row.name}: {row.detail}" for row in refused)
        raise CheckFailedError(
            f"the run may not start in mode {mode.value!r}: {sentences}",
            checks=tuple(row.name for row in refused),
            exit_code=_exit_code(refused),
        )


def _exit_code(refused: Sequence[CheckRow]) -> ExitCode:
    """Return the code of the first row, unless one halts trading, which a person must clear."""
    is_halted = any(row.exit_code is ExitCode.HALTED for row in refused)
    return ExitCode.HALTED if is_halted else refused[0].exit_code


def _with_exit_code(row: CheckRow) -> CheckRow:
    if row.exit_code is not ExitCode.DONE:
        return row
    return replace(row, exit_code=_EXIT_CODES.get(row.status, ExitCode.CRASHED))


def _contradictions(rows: Sequence[CheckRow]) -> Iterator[CheckRow]:
    for name, number in Counter(row.name for row in rows).items():
        if number > 1:
            yield _failure(name, f"{number} checks have this name: give each its own")


def _absences(
    rows: Sequence[CheckRow], *, mode: TradingMode, expected: Collection[str]
) -> Iterator[CheckRow]:
    if mode is not TradingMode.LIVE:
        return
    if not expected:
        yield _failure("checks", "none was asked for: LIVE does not start without checks")
    present = {row.name for row in rows}
    for name in sorted({*expected} - present):
        yield _failure(name, NOT_RUN)


def _failure(name: str, detail: str) -> CheckRow:
    exit_code = ExitCode.NOT_PERMITTED
    return CheckRow(name=name, status=CheckStatus.FAIL, detail=detail, exit_code=exit_code)
