"""The status of a dry-run is that of its engine, also when the engine has stopped trading."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tradai.core import StrategyConfig
from tradai.entrypoint._paper.paper_status import OpenTrade, PaperStatus
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._modes.paper_report import PaperReport, StatusLines

CONFIG = StrategyConfig.model_validate(
    {
        "name": "waves",
        "version": "1.0.0",
        "timeframe": "5m",
        "pairs": ["BTC/USDT"],
        "execution": {"stake_amount": 50},
    }
)
Report = Callable[..., PaperStatus | None]


class Control:
    """An engine that answers; of trades only if it can read its database."""

    def __init__(
        self, *, can_read: bool = True, enter_tag: str | None = "dip", amount: float = 1
    ) -> None:
        self.can_read = can_read
        self.enter_tag = enter_tag
        self.amount = amount

    def profit(self) -> dict[str, float]:
        return {"profit_all_coin": 1.5, "profit_closed_coin": 1.0, "closed_trade_count": 2}

    def open_trades(self) -> list[dict[str, Any]] | None:
        trade = {"pair": "BTC/USDT", "open_date": "now", "amount": self.amount, "stake_amount": 50}
        seen = {"current_rate": 49, "profit_ratio": -0.02, "enter_tag": self.enter_tag}
        return [trade | seen] if self.can_read else None

    def newest_candle_s(self, _pair: str, _timeframe: str) -> float:
        return 1_790_000_000.0


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Write the status of an engine in a state, which stands still for a reason or does not."""

    def write(
        state: str, problem: str | None, control: Control | None = None
    ) -> PaperStatus | None:
        evidence = EngineEvidence()
        evidence.state = state
        facts = SimpleNamespace(root=tmp_path, files=())
        job = SimpleNamespace(evidence=evidence, user_data=tmp_path, facts=facts)
        folder, progress = SimpleNamespace(scratch=tmp_path), Progress(enabled=False)
        context = SimpleNamespace(config=CONFIG, folder=folder, progress=progress)
        parts = (job, context, control or Control(), SimpleNamespace(problem=problem))
        PaperReport(*(cast("Any", part) for part in parts))()
        return PaperStatus.read(tmp_path)

    return write


@pytest.mark.parametrize("state", ["RUNNING", "PAUSED"])
def test_an_engine_that_trades_is_reported(report: Report, state: str) -> None:
    status = report(state, None)

    assert status is not None
    assert (status.profit, status.closed_trades, status.problem) == (1.5, 2, None)


@pytest.mark.parametrize(("given", "tag"), [("dip", "dip"), (None, "")])
def test_an_open_trade_is_reported_with_its_price_its_profit_and_its_tag(
    report: Report, given: str | None, tag: str
) -> None:
    status = report("RUNNING", None, Control(enter_tag=given))

    (trade,) = (status and status.open_trades) or ()
    assert (trade.last_rate, trade.profit_ratio, trade.enter_tag) == (49.0, -0.02, tag)


def test_an_entry_that_waits_to_be_filled_is_apart_from_open_trades_in_json(
    report: Report,
) -> None:
    status = report("RUNNING", None, Control(amount=0))

    assert status is not None
    shown = status.model_dump(mode="json")
    assert shown["open_trades"] == []
    assert [each["pair"] for each in shown["waiting_entries"]] == ["BTC/USDT"]


def test_an_engine_that_has_stopped_trading_is_reported_with_the_reason(report: Report) -> None:
    status = report("STOPPED", "the engine stopped trading by itself (the server is gone)")

    assert status is not None
    assert status.problem == "the engine stopped trading by itself (the server is gone)"
    assert len(status.open_trades or ()) == 1


def test_an_engine_that_is_being_stopped_keeps_its_last_report(report: Report) -> None:
    assert report("STOPPED", None) is None


def test_figures_beside_trades_that_cannot_be_read_are_not_known(report: Report) -> None:
    status = report("RUNNING", None, Control(can_read=False))

    assert status is not None
    figures = (status.open_trades, status.profit, status.closed_profit, status.closed_trades)
    assert figures == (None, None, None, None)


BEGUN = datetime(2026, 11, 30, 23, 10, 5, tzinfo=UTC)
BEGUN_LINE = "2026-11-30 23:10:05 UTC: running, 0 open trades, 0 closed, profit 0.00 USDT"


def status_of(after_s: float = 0, **facts: object) -> PaperStatus:
    """The status of a bot that trades, so many seconds after it began."""
    at = BEGUN + timedelta(seconds=after_s)
    known = {"currency": "USDT", "open_trades": (), "closed_trades": 0, "profit": 0.0}
    return PaperStatus.model_validate({"at": at, **known, **facts})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_of(
    *seen: tuple[PaperStatus, str], output_type: type[io.StringIO] = io.StringIO
) -> list[str]:
    """The lines in the output of a bot with these statuses and states."""
    output = output_type()
    lines = StatusLines(Progress(stream=output), balance=1000)
    for status, state in seen:
        lines.add(status, state)
    return output.getvalue().splitlines()


def test_a_bot_without_news_says_once_an_hour_that_it_lives() -> None:
    statuses = [status_of(after_s, last_candle="BTC/USDT now") for after_s in range(0, 7200, 5)]

    began, later = lines_of(*((status, "RUNNING") for status in statuses))

    assert began == f"{BEGUN_LINE}, last candle BTC/USDT now"
    assert later.startswith("2026-12-01 00:10:05 UTC: running, ")


def test_an_entry_its_fill_an_exit_and_a_pause_are_a_line_each() -> None:
    trade = OpenTrade(pair="BTC/USDT", opened_at="now", amount=1.0, open_rate=50, stake=50)
    seen = (
        (status_of(), "RUNNING"),
        (status_of(5, waiting_entries=(trade,)), "RUNNING"),
        (status_of(10, open_trades=(trade,), profit=-0.5), "RUNNING"),
        (status_of(15, open_trades=(trade,), profit=-0.25), "RUNNING"),
        (status_of(20, closed_trades=1, profit=1.5), "RUNNING"),
        (status_of(25, closed_trades=1, profit=1.5), "PAUSED"),
    )

    texts = [line.partition(" UTC: ")[2].rpartition(", last")[0] for line in lines_of(*seen)]

    assert texts == [
        "running, 0 open trades, 0 closed, profit 0.00 USDT",
        "running, 0 open trades, 1 waiting for a fill, 0 closed, profit 0.00 USDT",
        "running, 1 open trade, 0 closed, profit \N{MINUS SIGN}0.50 USDT",
        "running, 0 open trades, 1 closed, profit +1.50 USDT",
        "paused, 0 open trades, 1 closed, profit +1.50 USDT",
    ]


def test_an_engine_without_an_answer_is_no_news_before_an_hour_is_over() -> None:
    silent = {"open_trades": None, "closed_trades": None, "profit": None}

    _, later = lines_of(
        (status_of(), "RUNNING"),
        (status_of(5, **silent), "RUNNING"),
        (status_of(10), "RUNNING"),
        (status_of(3600, **silent, problem="it hangs"), "RUNNING"),
    )

    assert later == "2026-12-01 00:10:05 UTC: stands still, the engine did not answer"


def test_a_terminal_which_has_the_spinner_gets_no_line() -> None:
    assert lines_of((status_of(), "RUNNING"), output_type=Terminal) == []
