"""The risks of a live session, as its engine, its log and its database report them."""

import logging
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final, final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._live._risk.risk_record import RiskRecords, opened_record
from tradai.entrypoint._live._risk.risk_watch import RiskWatch
from tradai.entrypoint._live.gate import Admission
from tradai.entrypoint._live.live_places import latch_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.entry_orders import EntryOrders
from tradai.entrypoint.freqtrade._evidence.strategy_errors import StrategyErrors
from tradai.entrypoint.freqtrade._results.database import (
    EngineDatabase,
    count_exit_orders,
    funds_in_trades,
)

_log: Final = logging.getLogger(__name__)


@final
class LiveBot:
    """A `WatchedBot`: the engine's REST API, its log and its database.

    The engine books its own trades, so its profit has no part in deposits, withdrawals and other
    currencies. Asking for it seldom sends anything to the exchange: the bot's loop has the prices,
    and the engine asks for one only when those of the last five minutes are gone.
    """

    def __init__(
        self,
        control: EngineControl,
        orders: EntryOrders,
        errors: StrategyErrors,
        database: EngineDatabase,
    ) -> None:
        """Watch the engine behind `control`, which has not started; the others follow its log."""
        self._control = control
        self._orders, self._errors = orders, errors
        self._database = database
        self._exits = self._earlier_exits = count_exit_orders(database)

    def profit(self) -> Decimal | None:
        """Ask the engine for its profit."""
        return self._control.total_profit()

    def sent_orders(self) -> int:
        """Count entries in the log, as the engine removes some, and other orders in the database.

        A database that cannot be read now leaves the number as it was.
        """
        try:
            self._exits = count_exit_orders(self._database)
        except TradAIError as exc:
            _log.warning("the orders were not counted", extra={"error": str(exc)})
        return self._orders.sent + self._exits - self._earlier_exits

    def rejected_orders(self) -> int:
        """Count them in the log."""
        return self._orders.rejected

    def callback_errors(self) -> int:
        """Count them in the log, those of accepted callbacks as well."""
        return self._errors.total


def risks_of(
    admission: Admission,
    settings: LiveSettings,
    context: RunContext,
    database: EngineDatabase,
) -> Callable[[LiveBot], RiskWatch]:
    """Return the maker of the watch of a bot; its record is read now.

    Raises:
        TradAIError: The record of losses, or the trade database, cannot be read.
        HaltedError: The latch cannot be read.
        ExternalServiceError: A store refused or did not answer.
    """
    approval, strategy = admission.approval, context.config.name
    place = settings.place("latch")
    records = RiskRecords.beside(place, account=admission.signed_in.account, strategy=strategy)
    record = opened_record(
        records,
        latch_of(settings),
        run_id=context.run_id,
        capital=partial(_capital, admission, database),
    )

    def watch(bot: LiveBot) -> RiskWatch:
        return RiskWatch(
            bot,
            approval.risk_limits,
            records,
            record,
            journal=context.journal,
        )

    return watch


def _capital(admission: Admission, database: EngineDatabase) -> Decimal:
    """Return the funds of the strategy before any profit, by the first look at the account."""
    currency = admission.approval.stake_currency
    held = sum(
        (
            balance.free + balance.locked
            for balance in admission.signed_in.state.balances
            if balance.asset == currency
        ),
        start=Decimal(),
    )
    return held + funds_in_trades(database)
