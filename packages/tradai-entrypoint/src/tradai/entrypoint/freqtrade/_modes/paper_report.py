"""The status of a dry-run's bot, as its engine answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import final

from tradai.core import JsonValue, redact, utc_now
from tradai.entrypoint._paper.paper_status import OpenTrade, PaperStatus
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._modes.running_bot import RunningBot
from tradai.entrypoint.freqtrade._modes.stall_watch import StallWatch
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob


@final
class PaperReport:
    """Writes the status of a dry-run, each time that it is called."""

    def __init__(
        self, job: EngineJob, context: RunContext, control: EngineControl, watch: StallWatch
    ) -> None:
        """Take the engine's job, the run, the engine's REST API, and the watch over the bot."""
        self._context = context
        self._control = control
        self._evidence = job.evidence
        self._watch = watch
        self._bot = RunningBot(job, context, control)

    def __call__(self) -> None:
        """Write the status.

        Raises:
            StorageError: The disk refused.
        """
        # An engine that is being stopped gives fewer answers by and by, and is not asked; of a bot
        # that stands still the status says why, also when its engine has stopped trading.
        if self._evidence.is_running or self._watch.problem is not None:
            self._status().write(self._context.folder.scratch)

    def _status(self) -> PaperStatus:
        trades = self._control.open_trades()
        # Of a database that is gone the engine gives no trades, and figures of zero.
        profit = {} if trades is None else self._control.profit()
        closed = profit.get("closed_trade_count")
        return PaperStatus(
            at=utc_now(),
            currency=self._context.config.stake_currency,
            open_trades=None if trades is None else tuple(map(_open_trade, trades)),
            profit=_number(profit, "profit_all_coin"),
            closed_profit=_number(profit, "profit_closed_coin"),
            closed_trades=closed if isinstance(closed, int) else None,
            last_candle=self._last_candle(),
            last_error=self._last_error(),
            problem=self._watch.problem,
        ).parted()

    def _last_candle(self) -> str | None:
        pair = self._bot.pairs[0]
        opened_s = self._bot.newest_candle_s(pair)
        if not opened_s:
            return None
        return f"{pair} {datetime.fromtimestamp(opened_s, UTC):%Y-%m-%d %H:%M:%S} UTC"

    def _last_error(self) -> str | None:
        evidence = self._evidence
        last = evidence.stopped_by or evidence.strategy_errors.last or evidence.exception
        return redact(last) if last else None


def _open_trade(trade: Mapping[str, JsonValue]) -> OpenTrade:
    return OpenTrade(
        pair=str(trade.get("pair")),
        opened_at=str(trade.get("open_date")),
        amount=_number(trade, "amount") or 0.0,
        open_rate=_number(trade, "open_rate") or 0.0,
        stake=_number(trade, "stake_amount") or 0.0,
        last_rate=_number(trade, "current_rate"),
        profit=_number(trade, "profit_abs"),
        profit_ratio=_number(trade, "profit_ratio"),
        stop=_number(trade, "stop_loss_abs"),
        enter_tag=str(trade.get("enter_tag") or ""),
    )


def _number(answer: Mapping[str, JsonValue], name: str) -> float | None:
    value = answer.get(name)
    return float(value) if isinstance(value, int | float) else None
