"""`status --watch` shows a dry-run each time that its status is new, until it ends."""

import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import JsonValue, TradingMode
from tradai.core.live import SessionState
from tradai.core.testing import MemoryJournal
from tradai.entrypoint import ExitCode, Interrupts, RunManifest, Verdict
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.paper import paper_run, screen
from tradai.entrypoint._commands.paper.paper_run import PaperRun
from tradai.entrypoint._paper.paper_session import PaperSession
from tradai.entrypoint._paper.paper_status import OpenTrade, PaperStatus
from tradai.entrypoint._paper.run_process import lives, locked_run
from tradai.entrypoint._process.output import OutputStream

START = datetime(2026, 11, 1, tzinfo=UTC)


class Steps:
    """A clock whose sleeps are the steps of the run that is watched."""

    def __init__(self, folder: Path, process: ExitStack) -> None:
        self._steps = self._run(folder / "scratch", process)

    def now(self) -> datetime:
        return START

    def sleep(self, _: float) -> None:
        next(self._steps)

    def _run(self, scratch: Path, process: ExitStack) -> Iterator[None]:
        PaperStatus(at=START, currency="USDT", last_candle="BTC/USDT 01").write(scratch)
        yield
        # Nothing is new.
        yield
        PaperStatus(at=START.replace(hour=1), currency="USDT", last_candle="BTC/USDT 02").write(
            scratch
        )
        process.close()
        yield


class LastLook:
    """A clock at whose first look, for the age of a status, the run ends."""

    def __init__(self, folder: Path, process: ExitStack) -> None:
        self._ends: Iterator[Callable[[], None]] = iter([lambda: end(folder, process)])

    def now(self) -> datetime:
        for ends in self._ends:
            ends()
        return START

    def sleep(self, _: float) -> None:
        """Nothing happens any more."""


def show(folder: Path, *, watch: bool = False) -> int:
    args = Namespace(watch=watch, json=False)
    return screen.show_paper(PaperRun(folder), args, interrupts=Interrupts())


def paper_manifest() -> RunManifest:
    return RunManifest(
        run_id="paper", trace_id="t", mode=TradingMode.DRY_RUN, state="running", started_at=START
    )


def end(folder: Path, process: ExitStack) -> None:
    manifest = paper_manifest()
    manifest.end(Verdict(exit_code=ExitCode.DONE, sentence="stopped in good order"), at=START)
    (folder / "manifest.json").write_text(manifest.as_json())
    process.close()


@pytest.fixture
def process(tmp_path: Path) -> ExitStack:
    """The process of a dry-run."""
    (tmp_path / "manifest.json").write_text(paper_manifest().as_json())
    (tmp_path / "journal.jsonl").touch()
    (tmp_path / "scratch").mkdir()
    process = ExitStack()
    process.enter_context(locked_run(tmp_path))
    return process


def test_the_end_of_a_run_that_comes_between_two_looks_is_shown(
    tmp_path: Path,
    process: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    PaperStatus(at=START, currency="USDT").write(tmp_path / "scratch")
    clock = LastLook(tmp_path, process)
    monkeypatch.setattr(screen, "SystemClock", lambda: clock)

    assert show(tmp_path, watch=True) == 0

    out = capsys.readouterr().out
    assert out.count("starting") == 1
    assert out.count("ended with exit code 0") == 1


def test_a_run_that_ends_while_it_is_looked_at_was_not_killed(
    tmp_path: Path, process: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(folder: Path) -> bool:
        end(folder, process)
        return lives(folder)

    monkeypatch.setattr(paper_run, "lives", ended)

    assert PaperRun(tmp_path).state == "ended with exit code 0"


@pytest.mark.parametrize(("is_killed", "name"), [(False, "reason"), (True, "last reason")])
def test_the_reason_of_a_killed_run_is_called_its_last_one(
    tmp_path: Path,
    process: ExitStack,
    capsys: pytest.CaptureFixture[str],
    *,
    is_killed: bool,
    name: str,
) -> None:
    session = PaperSession.start(tmp_path / "scratch", run_id="paper", journal=MemoryJournal())
    session.move(SessionState.WARM_UP, "the engine is running")
    if is_killed:
        process.close()

    with process:
        show(tmp_path)

    shown = capsys.readouterr().out
    assert re.search(rf"^{name} +the engine is running$", shown, re.MULTILINE)


def test_each_new_status_is_shown_once(
    tmp_path: Path,
    process: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = Steps(tmp_path, process)
    monkeypatch.setattr(screen, "SystemClock", lambda: steps)

    code = show(tmp_path, watch=True)

    out = capsys.readouterr().out
    assert code == 0
    assert [out.count(text) for text in ("BTC/USDT 01", "BTC/USDT 02")] == [1, 1]
    assert out.count("starting") == 2
    assert "its process is gone" in out


class Unused:
    """A clock that never sleeps."""

    def now(self) -> datetime:
        return START

    def sleep(self, _: float) -> None:
        pytest.fail("the watch goes on")


def test_a_watch_ends_when_its_output_is_lost(
    tmp_path: Path, process: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(screen, "SystemClock", Unused)

    with process, os.fdopen(writing, "w") as broken:
        monkeypatch.setattr(sys, "stdout", OutputStream(broken))
        assert show(tmp_path, watch=True) == 0


@pytest.mark.parametrize(("amount", "shown"), [(0.0, "not filled yet"), (1.5, "1.5")])
def test_an_entry_that_waits_to_be_filled_is_shown_as_such(
    tmp_path: Path,
    process: ExitStack,
    amount: float,
    shown: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trade = OpenTrade(pair="ETH/USDT", opened_at="now", amount=amount, open_rate=9, stake=4)
    # As an earlier version wrote it.
    PaperStatus(at=START, currency="USDT", open_trades=(trade,)).write(tmp_path / "scratch")

    with process:
        show(tmp_path)

    out = capsys.readouterr().out
    assert f"  {shown}  " in out
    # An entry that waits to be filled is no open trade.
    assert re.search(rf"^open trades +{1 if amount else 0}$", out, re.MULTILINE)
    waits = re.findall(r"^entries that wait *(.*)$", out, re.MULTILINE)
    assert waits == ([] if amount else ["ETH/USDT"])


def test_figures_that_are_not_known_are_dashes_without_a_currency(
    tmp_path: Path, process: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    PaperStatus(at=START, currency="USDT").write(tmp_path / "scratch")

    with process:
        show(tmp_path)
        shown = capsys.readouterr().out
        screen.show_papers([PaperRun(tmp_path)], as_json=False)

    assert re.search(r"^open trades +the engine did not answer$", shown, re.MULTILINE)
    for name in ("closed trades", "profit", "closed profit"):
        assert re.search(rf"^{name} +-$", shown, re.MULTILINE)
    assert capsys.readouterr().out.splitlines()[1].split()[-3:] == ["-", "-", "-"]


def test_an_open_trade_is_shown_with_its_price_its_profit_in_percent_and_its_tag(
    tmp_path: Path, process: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    trade = OpenTrade(
        pair="ETH/USDT",
        opened_at="now",
        amount=2.0,
        open_rate=100.0,
        stake=200.0,
        last_rate=98.5,
        profit=-3.25,
        profit_ratio=-0.01625,
        stop=90.0,
        enter_tag="dip in an uptrend",
    )
    bare = OpenTrade(pair="BTC/USDT", opened_at="now", amount=1, open_rate=9, stake=4)
    PaperStatus(at=START, currency="USDT", open_trades=(trade, bare)).write(tmp_path / "scratch")

    with process:
        show(tmp_path)

    *_, heads, first, second = capsys.readouterr().out.rstrip().splitlines()
    assert re.split("  +", heads) == [
        *("open trade", "since", "amount", "at", "now", "stake", "profit", "percent", "stop"),
        "entry tag",
    ]
    minus = "\N{MINUS SIGN}"
    assert re.split("  +", first)[3:] == [
        *("100", "98.5", "200", f"{minus}3.25", f"{minus}1.62 %", "90", "dip in an uptrend")
    ]
    assert re.split("  +", second)[3:] == ["9", "-", "4", "-", "-", "-", "-"]


def test_the_row_of_a_bot_that_stands_still_says_so(
    tmp_path: Path, process: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    PaperStatus(at=START, currency="USDT", problem="it hangs").write(tmp_path / "scratch")

    with process:
        screen.show_papers([PaperRun(tmp_path)], as_json=False)

    assert "starting (stands still)" in capsys.readouterr().out


def test_the_status_of_a_fallback_says_that_it_places_no_order(
    tmp_path: Path, process: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = paper_manifest()
    manifest.is_fallback = True
    (tmp_path / "manifest.json").write_text(manifest.as_json())

    with process:
        show(tmp_path)
        screen.show_papers([PaperRun(tmp_path)], as_json=False)

    shown = capsys.readouterr().out
    assert "configuration" in shown
    assert shown.count("places no order") == 2
    assert PaperRun(tmp_path).to_json()["is_fallback"] is True


@pytest.mark.parametrize(
    ("results", "continuation", "is_shown"),
    [
        ({"closed_trades": 2}, {}, True),
        ({"closed_trades": 2}, {"continued_by": "next"}, False),
        ({}, {}, False),
    ],
)
def test_the_status_of_an_ended_run_names_the_command_that_goes_on_with_it(
    tmp_path: Path,
    process: ExitStack,
    capsys: pytest.CaptureFixture[str],
    results: dict[str, JsonValue],
    continuation: dict[str, JsonValue],
    *,
    is_shown: bool,
) -> None:
    manifest = paper_manifest()
    manifest.results |= results
    manifest.continuation |= continuation
    manifest.end(Verdict(exit_code=ExitCode.DONE, sentence="stopped"), at=START)
    (tmp_path / "manifest.json").write_text(manifest.as_json())

    with process:
        show(tmp_path)
    lived = capsys.readouterr().out
    show(tmp_path)

    assert "run --continue" not in lived
    assert ("tradai-entrypoint run --continue paper" in capsys.readouterr().out) is is_shown


@pytest.mark.parametrize("code", [ExitCode.CONFIGURATION, ExitCode.DATA])
@pytest.mark.parametrize(
    ("trades", "said"),
    [
        ((0, 0), None),
        ((2, 0), "correct CONFIG, then tradai-entrypoint run CONFIG --continue paper --accept"),
        ((0, 1), "correct CONFIG, then tradai-entrypoint run CONFIG --continue paper --accept"),
    ],
)
def test_a_run_that_would_end_in_the_same_way_is_not_to_be_continued_as_it_was(
    tmp_path: Path,
    process: ExitStack,
    capsys: pytest.CaptureFixture[str],
    trades: tuple[int, int],
    said: str | None,
    code: ExitCode,
) -> None:
    manifest = paper_manifest()
    closed, opened = trades
    manifest.results |= {"closed_trades": closed, "open_trades": opened}
    manifest.end(Verdict(exit_code=code, sentence="the engine left out LTC/USDT"), at=START)
    (tmp_path / "manifest.json").write_text(manifest.as_json())
    process.close()

    show(tmp_path)

    shown = capsys.readouterr().out
    assert "tradai-entrypoint run --continue" not in shown
    assert ("go on" in shown) is bool(said)
    assert (said or "") in shown


BIASED_BY = "20261101T000000Z-bias-1"


@pytest.fixture
def biased(tmp_path: Path) -> Path:
    """Folder of a dry-run, beside the analysis that found bias in its source."""
    check = {"results": {"bias": "found"}, "mode": TradingMode.BACKTEST}
    for run_id, more in (("paper", {}), (BIASED_BY, check)):
        manifest = paper_manifest().model_copy(
            update={"run_id": run_id, "digests": {"source": "5" * 64}, **more}
        )
        (tmp_path / run_id).mkdir()
        (tmp_path / run_id / "manifest.json").write_text(manifest.as_json())
        (tmp_path / run_id / "journal.jsonl").touch()
    return tmp_path / "paper"


@pytest.mark.parametrize(
    ("words", "mark"),
    [
        ("status paper", f"bias     bias was found in this strategy source by run {BIASED_BY}: "),
        ("status", "paper    starting (biased)"),
        (
            "status paper --json",
            f'"bias": "bias was found in this strategy source by run {BIASED_BY}: ',
        ),
        ("runs list --mode dry-run", f"bias was found in its source by {BIASED_BY}"),
        ("runs list --json", f'"biased_by": "{BIASED_BY}"'),
    ],
)
def test_a_dry_run_of_a_source_that_was_found_biased_is_marked_while_it_trades(
    biased: Path, capsys: pytest.CaptureFixture[str], words: str, mark: str
) -> None:
    with locked_run(biased):
        run_command([*words.split(), "--runs", str(biased.parent)], interrupts=Interrupts())

    assert capsys.readouterr().out.count(mark) == 1


def test_the_page_of_a_dry_run_that_is_made_again_names_bias_that_was_found_after_it(
    biased: Path,
) -> None:
    ended = RunManifest.read(biased)
    ended.end(Verdict(exit_code=ExitCode.DONE, sentence="stopped in good order"), at=START)
    (biased / "manifest.json").write_text(ended.as_json())

    run_command(["report", "paper", "--runs", str(biased.parent)], interrupts=Interrupts())

    page = (biased / "report.html").read_text()
    assert f"bias was found in this strategy source by run {BIASED_BY}" in page
