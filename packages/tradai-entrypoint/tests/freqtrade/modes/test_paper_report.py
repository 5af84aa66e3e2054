"""The status of a dry-run is that of its engine, also when the engine has stopped trading."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tradai.core import StrategyConfig
from tradai.entrypoint._paper.paper_status import PaperStatus
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._modes.paper_report import PaperReport

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

    def __init__(self, *, can_read: bool = True, enter_tag: str | None = "dip") -> None:
        self.can_read = can_read
        self.enter_tag = enter_tag

    def profit(self) -> dict[str, float]:
        return {"profit_all_coin": 1.5, "profit_closed_coin": 1.0, "closed_trade_count": 2}

    def open_trades(self) -> list[dict[str, Any]] | None:
        trade = {"pair": "BTC/USDT", "open_date": "now", "amount": 1, "stake_amount": 50}
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
        context = SimpleNamespace(config=CONFIG, folder=SimpleNamespace(scratch=tmp_path))
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
