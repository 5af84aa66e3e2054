"""The table check x mode x outcome, cell by cell: in LIVE any doubt keeps a run from starting."""

from itertools import product
from typing import Final

import pytest
from hypothesis import given, strategies as st

from tradai.core import TradingMode
from tradai.entrypoint import CheckRow, CheckStatus, ExitCode
from tradai.entrypoint._live.check_table import (
    CheckFailedError,
    may_start,
    refusals,
    require_all,
)

OK, WARN, FAIL, SKIP, RAISES, TIMEOUT = CheckStatus
LIVE: Final = TradingMode.LIVE
CLOCK, OTHER, PLUG_IN = "clock", "disk", "house-rules"
# Whether a run starts, by check and outcome: ok, warn, fail, skip, raises, timeout.
LIVE_TABLE: Final = {
    CLOCK: (True, True, False, False, False, False),
    OTHER: (True, False, False, False, False, False),
    PLUG_IN: (True, False, False, False, False, False),
}
PAPER_TABLE: Final = dict.fromkeys(LIVE_TABLE, (True, True, False, True, True, True))
CELLS: Final = [
    (check, mode, status, starts)
    for mode in TradingMode
    for check, row in (LIVE_TABLE if mode is LIVE else PAPER_TABLE).items()
    for status, starts in zip(CheckStatus, row, strict=True)
]
ROWS: Final = st.builds(
    CheckRow,
    name=st.sampled_from([CLOCK, OTHER, PLUG_IN, "lease", "stake"]),
    status=st.sampled_from(CheckStatus),
    detail=st.just("a detail"),
)


def row(name: str, status: CheckStatus, exit_code: ExitCode = ExitCode.DONE) -> CheckRow:
    return CheckRow(name=name, status=status, detail=f"about {name}", exit_code=exit_code)


def test_the_cells_are_all_there() -> None:
    modes, checks = len(TradingMode), len(LIVE_TABLE)

    assert len(CELLS) == modes * checks * len(CheckStatus) == 90


@pytest.mark.parametrize(("check", "mode", "status", "starts"), CELLS)
def test_a_cell_lets_a_run_start_or_not(
    check: str, mode: TradingMode, status: CheckStatus, *, starts: bool
) -> None:
    rows = [row(check, status)]

    assert may_start(check, mode, status) is starts
    assert (not refusals(rows, mode=mode, expected=[check])) is starts


@given(st.lists(ROWS, max_size=6), st.sets(st.sampled_from([CLOCK, OTHER, "lease"])))
def test_in_live_only_all_ok_starts(rows: list[CheckRow], expected: set[str]) -> None:
    passed = {each.name for each in rows if each.status is OK}
    passed |= {each.name for each in rows if each.name == CLOCK and each.status is WARN}
    is_whole = bool(expected) and expected <= passed
    is_clean = len({each.name for each in rows}) == len(rows) == len(passed)

    starts = not refusals(rows, mode=LIVE, expected=expected)

    assert starts is (is_whole and is_clean)


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_a_refusal_never_ends_with_exit_code_0(rows: list[CheckRow]) -> None:
    for mode in TradingMode:
        for refused in refusals(rows, mode=mode, expected=[]):
            assert refused.exit_code is not ExitCode.DONE


@pytest.mark.parametrize(
    ("status", "exit_code"), [(WARN, 77), (SKIP, 77), (RAISES, 70), (TIMEOUT, 69), (FAIL, 70)]
)
def test_a_row_without_an_exit_code_is_given_one(status: CheckStatus, exit_code: int) -> None:
    (refused,) = refusals([row(OTHER, status)], mode=LIVE, expected=[OTHER])

    assert refused.exit_code == exit_code


def test_two_rows_of_one_name_refuse() -> None:
    rows = [row(OTHER, OK), row(OTHER, OK)]

    (refused,) = refusals(rows, mode=TradingMode.DRY_RUN, expected=[])

    assert refused.detail == "2 checks have this name: give each its own"


def test_the_error_names_all_checks_and_has_the_exit_code_of_the_first() -> None:
    rows = [
        row(CLOCK, WARN),
        row("latch", FAIL, ExitCode.HALTED),
        row(OTHER, SKIP),
    ]

    with pytest.raises(CheckFailedError) as caught:
        require_all(rows, mode=LIVE, expected=["lease"])

    error = caught.value
    assert str(error) == (
        "the run may not start in mode 'live': latch: about latch; disk: about disk; "
        "lease: it was not run: LIVE does not start before it was"
    )
    assert (error.checks, error.exit_code) == (("latch", OTHER, "lease"), 79)
    assert (error.reason, error.code) == ("latch", "check_failed")


def test_a_check_that_halts_gives_the_exit_code_wherever_it_stands() -> None:
    rows = [row(OTHER, FAIL, ExitCode.CONFIGURATION), row("restarts", FAIL, ExitCode.HALTED)]

    with pytest.raises(CheckFailedError) as caught:
        require_all(rows, mode=LIVE, expected=[OTHER])

    assert (caught.value.exit_code, caught.value.reason) == (79, OTHER)


def test_all_checks_ok_let_a_run_start() -> None:
    for mode, name in product(TradingMode, (CLOCK, OTHER)):
        require_all([row(name, OK)], mode=mode, expected=[name])


def test_live_does_not_start_without_checks() -> None:
    with pytest.raises(CheckFailedError, match="LIVE does not start without checks"):
        require_all([], mode=LIVE, expected=[])
