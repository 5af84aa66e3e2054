"""The status of a dry-run's bot, as its engine answers."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, final

from tradai.core import JsonValue, redact, utc_now
from tradai.entrypoint._paper.paper_status import OpenTrade, PaperStatus
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._report.formatting import counted, decimals_for, instant, signed
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._modes.running_bot import RunningBot
from tradai.entrypoint.freqtrade._modes.stall_watch import StallWatch
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob

_LINE_EVERY: Final = timedelta(hours=1)


@final
class StatusLines:
    """Lines for those who read the output of a dry-run in a file, where no terminal shows it.

    There is one when trading begins, when the number of its trades or the engine's state changes,
    and each hour.
    """

    def __init__(self, progress: Progress, *, balance: float) -> None:
        """Take where lines go, and a balance, whose decimals are those of a profit."""
        self._progress = progress
        self._balance = balance
        self._shown: tuple[object, ...] = ()
        self._shown_at: datetime | None = None

    def add(self, status: PaperStatus, state: str | None) -> None:
        """Print a line for `status` when one is due; `state` is the engine's own."""
        facts = (state, status.positions, len(status.waiting_entries), status.closed_trades)
        is_due = self._shown_at is None or status.at - self._shown_at >= _LINE_EVERY
        # An engine that gives no answer has not changed.
        if is_due or (facts != self._shown and None not in facts):
            self._shown, self._shown_at = facts, status.at
            self._progress.line(", ".join(self._parts(status, state)))

    def _parts(self, status: PaperStatus, state: str | None) -> Iterator[str]:
        yield f"{instant(status.at)}: {'stands still' if status.problem else str(state).lower()}"
        if status.positions is None or status.closed_trades is None:
            yield "the engine did not answer"
            return
        yield counted(status.positions, "open trade")
        if status.waiting_entries:
            yield f"{len(status.waiting_entries)} waiting for a fill"
        yield f"{status.closed_trades} closed"
        if status.profit is not None:
            decimals = decimals_for([self._balance], status.currency)
            yield f"profit {signed(status.profit, decimals)} {status.currency}"
        yield f"last candle {status.last_candle or 'none yet'}"


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
        balance = float(context.config.execution.starting_balance)
        self._lines = StatusLines(context.progress, balance=balance)

    def __call__(self) -> None:
        """Write the status, and a line where one is due.

        Raises:
            StorageError: The disk refused.
        """
        # An engine that is being stopped gives fewer answers by and by, and is not asked; of a bot
        # that stands still the status says why, also when its engine has stopped trading.
        if self._evidence.is_running or self._watch.problem is not None:
            status = self._status()
            self._lines.add(status, self._evidence.state)
            status.write(self._context.folder.scratch)

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
