"""Orders in the engine's log, with the texts of freqtrade 2026.9."""

import pytest

from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._evidence.entry_orders import EntryOrders
from tradai.entrypoint.freqtrade._evidence.log_patterns import facts_in

REFUSED = "Could not create limit buy order on market BTC/USDT. Tried to buy amount 1.0 at rate 2."
NO_FUNDS = "Insufficient funds to create market sell order on market BTC/USDT. Tried to sell"
FAILED = "Could not place sell order due to ExchangeError. Message: binance -2010"


def orders(*texts: str, logger: str = "freqtrade.freqtradebot") -> EntryOrders:
    found = EntryOrders()
    for text in texts:
        found.take(facts_in(EngineRecord(logger=logger, level="WARNING", text=text)))
    return found


@pytest.mark.parametrize(
    "text",
    [
        f"Unable to create trade for BTC/USDT: {REFUSED}",
        f"Unable to exit trade BTC/USDT: {FAILED}",
        f"Unable to place order {NO_FUNDS}.",
        f"Unable to place stoploss order {NO_FUNDS}.",
        f"Unable to place a stoploss order on exchange. {REFUSED}",
    ],
)
def test_an_order_that_the_exchange_did_not_accept_is_counted(text: str) -> None:
    assert orders(text, text).rejected == 2


# freqtrade/freqtrade#7586, #9164: the wallet had less than the position, so each turn of the bot
# failed to sell it, for hours and without a word to its owner.
def test_an_exit_for_which_the_coins_are_missing_is_counted() -> None:
    text = (
        "Unable to exit trade BTC/USDT: Not enough amount to exit trade. Trade-amount: 21.0, "
        "Wallet: 0.09"
    )

    assert orders(text, text).rejected == 2


@pytest.mark.parametrize(
    "text",
    [
        "Unable to create trade for BTC/USDT: Available balance (1 USDT) is lower than stake",
        "Unable to fetch stoploss order: Order does not exist",
        "Order 17 was created for BTC/USDT and status is open.",
    ],
)
def test_a_problem_without_an_order_is_no_rejection(text: str) -> None:
    assert orders(text).rejected == 0


def test_an_entry_that_the_engine_removed_was_sent_nevertheless() -> None:
    found = orders(
        "Order 17 was created for BTC/USDT and status is open.",
        "LIMIT_BUY order with time in force FOK for BTC/USDT is expired by exchange. "
        "zero amount is fulfilled",
        "Order 18 was created for BTC/USDT and status is open.",
    )

    assert found.sent == 2
