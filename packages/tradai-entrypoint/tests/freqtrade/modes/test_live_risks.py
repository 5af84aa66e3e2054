"""The figures of a live bot, from its log and its database."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.entry_orders import EntryOrders
from tradai.entrypoint.freqtrade._evidence.strategy_errors import LOGGER, StrategyErrors
from tradai.entrypoint.freqtrade._modes._live.risks import LiveBot
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile


def control() -> EngineControl:
    with EngineControl.reserved() as made:
        return made


def book(database: Path, *sides: str) -> None:
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("CREATE TABLE IF NOT EXISTS orders (ft_order_side TEXT)")
        opened.executemany("INSERT INTO orders VALUES (?)", [(side,) for side in sides])
        opened.commit()


def test_orders_of_this_session_are_counted_and_those_before_it_are_not(tmp_path: Path) -> None:
    database = tmp_path / "trades.sqlite"
    book(database, "buy", "sell")
    orders, errors = EntryOrders(), StrategyErrors()
    bot = LiveBot(control(), orders, errors, SqliteFile(database))
    before = bot.sent_orders()
    for number in ("1", "2"):
        orders.take({"order_id": number, "pair": "BTC/USDT", "status": "open"})
    # The engine has removed the second entry from its database.
    book(database, "buy", "sell", "stoploss")
    orders.take({"rejected": "Could not create "})
    errors.feed(EngineRecord(logger=LOGGER, level="ERROR", text="it raised"))

    assert (before, bot.sent_orders()) == (0, 4)
    assert (bot.rejected_orders(), bot.callback_errors()) == (1, 1)
    assert bot.profit() is None


def test_a_database_that_cannot_be_read_leaves_the_number_as_it_was(tmp_path: Path) -> None:
    database = tmp_path / "trades.sqlite"
    book(database, "sell")
    orders = EntryOrders()
    bot = LiveBot(control(), orders, StrategyErrors(), SqliteFile(database))
    book(database, "sell")
    before = bot.sent_orders()
    database.write_bytes(b"no database at all" * 100)
    orders.take({"order_id": "1", "pair": "BTC/USDT", "status": "open"})

    assert (before, bot.sent_orders()) == (1, 2)
