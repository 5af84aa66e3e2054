"""Checks run one by one, each under its time limit, and those of plug-ins beside ours."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from tradai.core import Lease, TradingMode
from tradai.core.exceptions import ConfigurationError, LeaseLostError, TradingError
from tradai.core.testing import FixedClock, MemoryLeaseStore
from tradai.entrypoint import CheckRow, CheckStatus, ExitCode
from tradai.entrypoint._live.check_table import refusals
from tradai.entrypoint._live.leases import HeldLeases
from tradai.entrypoint._preflight.checks import (
    PREFLIGHT_GROUP,
    PreflightCheck,
    Warned,
    open_items,
    plugin_checks,
    require_own_names,
    run_checks,
)
from tradai.entrypoint._preflight.facts import PreflightFacts

LONG_S = 600.0


def check(
    run: Callable[[PreflightFacts], object], name: str = "a", command: str = "do it"
) -> PreflightCheck:
    # A plug-in may return anything.
    return PreflightCheck(name=name, run=run, command=command)  # type: ignore[arg-type]


def row_of(run: Callable[[PreflightFacts], object], facts: PreflightFacts) -> CheckRow:
    (row,) = run_checks([check(run)], facts, timeout_s=LONG_S)
    return row


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event that is set after the test only."""
    event = threading.Event()
    yield event
    event.set()


def plugins(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    found = EntryPoints(
        EntryPoint(name=name, value=value, group=PREFLIGHT_GROUP) for name, value in points
    )
    monkeypatch.setattr("tradai.entrypoint._preflight.checks.entry_points", found.select)


def test_a_check_that_returns_a_text_is_ok(facts: PreflightFacts) -> None:
    row = row_of(lambda given: f"trades {given.config.name}", facts)

    assert row == CheckRow(name="a", status=CheckStatus.OK, detail="trades wave")


def test_a_check_may_warn(facts: PreflightFacts) -> None:
    row = row_of(lambda _: Warned("look at it"), facts)

    assert (row.status, row.detail) == (CheckStatus.WARN, "look at it")


def test_an_error_of_ours_fails_with_its_exit_code(facts: PreflightFacts) -> None:
    def refuse(_: PreflightFacts) -> str:
        raise TradingError("buy a faster car", reason="slow")

    row = row_of(refuse, facts)

    assert (row.status, row.detail, row.exit_code) == (
        CheckStatus.FAIL,
        "buy a faster car",
        ExitCode.NOT_PERMITTED,
    )


@pytest.mark.parametrize("error", [ValueError("oops"), SystemExit(0), KeyboardInterrupt()])
def test_any_other_error_is_a_defect_of_the_check(
    error: BaseException, facts: PreflightFacts
) -> None:
    def crash(_: PreflightFacts) -> str:
        raise error

    row = row_of(crash, facts)

    assert row.status is CheckStatus.RAISES
    assert row.detail.startswith(f"it raised {type(error).__name__}: ")


@pytest.mark.parametrize("result", [None, True, 0, b"ok"])
def test_a_check_that_returns_no_text_is_a_defect(result: object, facts: PreflightFacts) -> None:
    row = row_of(lambda _: result, facts)

    assert row.status is CheckStatus.RAISES


def test_a_check_that_hangs_is_late_and_the_next_one_runs(
    facts: PreflightFacts, never: threading.Event
) -> None:
    hanging = check(lambda _: str(never.wait()), "hangs")

    (late,) = run_checks([hanging], facts, timeout_s=0.01)
    (good,) = run_checks([check(lambda _: "fine", "good")], facts, timeout_s=LONG_S)

    assert (late.name, late.status) == ("hangs", CheckStatus.TIMEOUT)
    assert (good.name, good.status) == ("good", CheckStatus.OK)


def test_every_check_is_run_whatever_came_before(
    facts: PreflightFacts, never: threading.Event
) -> None:
    checks = [check(lambda _: str(never.wait()), name) for name in ("a", "b", "c")]

    rows = run_checks(checks, facts, timeout_s=0.01)

    assert [(row.name, row.status) for row in rows] == [
        (name, CheckStatus.TIMEOUT) for name in ("a", "b", "c")
    ]


def test_a_process_ends_although_a_check_hangs() -> None:
    program = (
        "import threading\n"
        "from tradai.entrypoint._preflight.checks import PreflightCheck, run_checks\n"
        "hangs = PreflightCheck(name='a', run=lambda _: threading.Event().wait(), command='')\n"
        "print(run_checks([hangs], None, timeout_s=0.01)[0].status)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )

    assert done.stdout == "timeout\n"


def test_a_secret_in_a_detail_is_masked(facts: PreflightFacts) -> None:
    row = row_of(lambda _: "postgresql://bot:not-a-real-password@db/trades", facts)

    assert "not-a-real-password" not in row.detail


def test_two_checks_of_one_name_are_refused() -> None:
    checks = [check(lambda _: "fine", "clock"), check(lambda _: "fine", "clock")]

    with pytest.raises(ConfigurationError, match="2 checks of the preflight are called 'clock'"):
        require_own_names(checks)


def test_checks_with_names_of_their_own_keep_their_order() -> None:
    checks = tuple(check(lambda _: "fine", name) for name in ("b", "a"))

    assert require_own_names(checks) == checks


def test_a_lease_is_kept_while_checks_take_longer_than_it_lives(facts: PreflightFacts) -> None:
    clock = FixedClock()
    lease = Lease(MemoryLeaseStore(), name="account", ttl_s=60.0, clock=clock)
    leases = HeldLeases([lease], clock=clock)
    leases.acquire()

    def slow(_: PreflightFacts) -> str:
        clock.advance(timedelta(seconds=20))
        return "fine"

    run_checks([check(slow)] * 10, facts, timeout_s=LONG_S, keep=leases.keep)

    assert leases.remaining_s > 0


def test_checks_end_when_the_lease_cannot_be_kept(facts: PreflightFacts) -> None:
    clock = FixedClock()
    store = MemoryLeaseStore()
    leases = HeldLeases([Lease(store, name="account", ttl_s=60.0, clock=clock)], clock=clock)
    leases.acquire()
    ran: list[int] = []

    def late(_: PreflightFacts) -> str:
        ran.append(1)
        clock.advance(timedelta(seconds=60))
        return "fine"

    with pytest.raises(LeaseLostError):
        run_checks([check(late)] * 3, facts, timeout_s=LONG_S, keep=leases.keep)

    assert len(ran) == 1


def test_a_plug_in_is_found_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch, facts: PreflightFacts
) -> None:
    plugins(monkeypatch, ("broken", "tradai.core:Nothing"), ("absent", "no_such_module:check"))

    rows = run_checks(plugin_checks(), facts, timeout_s=LONG_S)

    assert [(row.name, row.status, row.exit_code) for row in rows] == [
        ("absent", CheckStatus.FAIL, ExitCode.CONFIGURATION),
        ("broken", CheckStatus.FAIL, ExitCode.CONFIGURATION),
    ]
    assert "cannot be loaded" in rows[0].detail


def test_a_plug_in_that_is_loaded_judges_the_facts(
    monkeypatch: pytest.MonkeyPatch, facts: PreflightFacts
) -> None:
    plugins(monkeypatch, ("shown", "builtins:repr"))

    (row,) = run_checks(plugin_checks(), facts, timeout_s=LONG_S)

    assert row.status is CheckStatus.OK
    assert row.detail.startswith("PreflightFacts(")


def test_a_plug_in_that_two_paths_list_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins(monkeypatch, ("shown", "builtins:repr"), ("shown", "builtins:repr"))

    assert len(require_own_names(plugin_checks())) == 1


def test_two_plug_ins_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins(monkeypatch, ("shown", "builtins:repr"), ("shown", "builtins:str"))

    with pytest.raises(ConfigurationError, match="'shown'"):
        require_own_names(plugin_checks())


def test_a_refused_row_comes_with_the_command_that_mends_it(facts: PreflightFacts) -> None:
    checks = [check(lambda _: None, "a", command="tradai-entrypoint doctor")]

    ((row, command),) = open_items(checks, run_checks(checks, facts))

    assert (row.name, command) == ("a", "tradai-entrypoint doctor")


def test_checks_that_were_not_run_are_one_row_without_a_command() -> None:
    checks = [check(lambda _: "", name, command=f"mend {name}") for name in ("a", "b", "c")]
    failed = CheckRow.failed("a", ConfigurationError("no"))
    refused = refusals([failed], mode=TradingMode.LIVE, expected=["a", "b", "c"])

    first, (row, command) = open_items(checks, refused)

    assert first == (failed, "mend a")
    assert (row.name, row.exit_code, command) == ("preflight", 77, "")
    assert row.detail == "2 checks not run, waiting for the session facts above"
