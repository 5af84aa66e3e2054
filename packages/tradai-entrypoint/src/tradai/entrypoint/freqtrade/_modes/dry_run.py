"""DRY_RUN: paper trading until a signal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from tradai.core import utc_now
from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._exchange.exchange import MarketRules
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._modes.bot_handler import Bot, BotHandler
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.sqlite_file import DATABASE_NAME, SqliteFile

# The fallback places no order, so no rule of its market matters.
_ANY_RULES: Final = MarketRules(tick="0.01", step="0.00001", min_notional="5")


@final
class DryRunHandler(BotHandler):
    """Runs the engine's paper trading until a signal."""

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        database = SqliteFile(context.folder.path / DATABASE_NAME)
        with _exchange_address(context) as address:
            bot = Bot(doing="trading on paper", address=address, database=database)
            return self._run_bot(job, context, bot)


@contextmanager
def _exchange_address(context: RunContext) -> Iterator[str | None]:
    """Return the address of the exchange, None for its own; the fallback has one on this machine.

    Without a configuration it is not known which exchange was meant.
    """
    address = context.parameters.exchange_url
    if address is not None or not context.record.is_fallback:
        yield address
        return
    rules = {str(pair): _ANY_RULES for pair in context.config.pairs}
    snapshot = MarketsSnapshot.made(rules, note="of the fallback", captured_at=utc_now())
    with MarketServer(snapshot) as server:
        yield server.base_url
