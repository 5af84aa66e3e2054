"""Backtests of the look-ahead analysis: what they keep, and which of their orders are compared."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: TID253 - a test needs no fast start
import pytest

# Not public: a child process calls them, which runs on the real engine elsewhere.
from tradai.entrypoint.freqtrade._modes._bias.changed_orders import has_other_orders
from tradai.entrypoint.freqtrade._modes._bias.cut_runs import add_columns, in_child, in_turns
from tradai.entrypoint.freqtrade._modes._bias.left_files import nothing_left


def _order(at: int, amount: float, price: float = 10.0, *, is_entry: bool = True) -> dict[str, Any]:
    facts = {"amount": amount, "safe_price": price, "ft_is_entry": is_entry}
    return {"order_filled_timestamp": at, **facts}


def _trade(*orders: Mapping[str, Any], **more: object) -> dict[str, Any]:
    times = {"open_date": 1, "close_date": 9}
    return {"pair": "BTC/USDT", **times, "leverage": 1.0, "orders": list(orders), **more}


ENTRY, ADDED, EXIT = _order(1, 2.0), _order(5, 1.0), _order(9, 3.0, 11.0, is_entry=False)
WHOLE = _trade(ENTRY, ADDED, EXIT)
# The backtest that ends after the entry closes the trade there.
ENTERED = _trade(ENTRY, _order(2, 2.0, is_entry=False), close_date=2)


def test_a_trade_with_the_same_orders_is_the_same() -> None:
    assert not has_other_orders(WHOLE, [ENTERED], [WHOLE])


@pytest.mark.parametrize(
    "again",
    [
        _trade(_order(1, 2.5), ADDED, EXIT),
        _trade(_order(1, 2.0, 9.0), ADDED, EXIT),
        _trade(ENTRY, EXIT),
        _trade(ENTRY, _order(6, 1.0), EXIT),
        _trade(ENTRY, ADDED, _order(9, 3.0, 12.0, is_entry=False)),
        _trade(ENTRY, ADDED, EXIT, leverage=2.0),
    ],
)
def test_another_stake_price_order_or_leverage_is_seen(again: Mapping[str, Any]) -> None:
    assert has_other_orders(WHOLE, [ENTERED], [again])


def test_another_stake_is_seen_at_the_entry() -> None:
    entered = _trade(_order(1, 2.5), close_date=2)

    assert has_other_orders(WHOLE, [entered], [WHOLE])


def test_the_other_leverage_of_an_entry_is_seen() -> None:
    assert has_other_orders(WHOLE, [ENTERED | {"leverage": 3.0}], [WHOLE])


def test_a_trade_that_is_not_made_or_ends_elsewhere_is_counted_by_the_engine() -> None:
    elsewhere = _trade(ENTRY, _order(8, 2.0, is_entry=False), close_date=8)

    assert not has_other_orders(WHOLE, [], [])
    assert not has_other_orders(WHOLE, [ENTERED], [elsewhere])
    assert not has_other_orders(WHOLE, [_trade(_order(1, 9.0), pair="ETH/USDT")], [WHOLE])


def test_what_a_backtest_keeps_in_memory_ends_with_it() -> None:
    kept: list[int] = []

    def work() -> int:
        kept.append(1)
        return len(kept)

    assert [in_child(work), in_child(work)] == [1, 1]
    assert kept == []


def test_the_error_of_a_strategy_comes_through() -> None:
    def work() -> None:
        message = "of the strategy"
        raise LookupError(message)

    with pytest.raises(LookupError, match="of the strategy"):
        in_child(work)


def test_an_error_that_cannot_be_sent_comes_as_its_text() -> None:
    class LocalError(Exception):
        pass

    def work() -> None:
        message = "with a handle"
        raise LocalError(message)

    with pytest.raises(RuntimeError, match=r"LocalError.*with a handle"):
        in_child(work)


def test_a_backtest_that_ends_without_a_result_is_an_error() -> None:
    def work() -> None:
        os._exit(3)

    with pytest.raises(RuntimeError, match="ended with 3, without a result"):
        in_child(work)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that a strategy may write to, each with a file."""
    folders = [tmp_path / name for name in ("home", "temporary", "work")]
    for folder in folders:
        folder.mkdir()
        (folder / "before.txt").write_text("before")
    home, temporary, work = folders
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.chdir(work)
    return folders


def test_files_that_a_backtest_leaves_are_gone_before_the_next_one(
    tmp_path: Path, places: Sequence[Path]
) -> None:
    with nothing_left(Path("data")):
        for folder in places:
            (folder / "cache" / "deep").mkdir(parents=True)
            (folder / "cache" / "deep" / "later.pkl").write_text("later")
            (folder / "later.pkl").write_text("later")

    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["before.txt"] * 3
    assert not any(path.name == "cache" for path in tmp_path.rglob("*"))


def test_files_that_a_backtest_changes_have_their_content_back_before_the_next_one(
    places: Sequence[Path],
) -> None:
    files = [folder / "kept" / "cache.db" for folder in places]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(b"empty")

    with nothing_left(Path("data")):
        files[0].write_bytes(b"later")
        files[1].unlink()
        shutil.rmtree(files[2].parent)

    assert [file.read_bytes() for file in files] == [b"empty"] * 3


def test_candles_and_the_pipe_of_the_engine_are_left_alone(places: Sequence[Path]) -> None:
    candles = places[2] / "data" / "BTC_USDT-5m.feather"
    candles.parent.mkdir()
    candles.write_bytes(b"before")
    os.mkfifo(places[1] / "records")

    with nothing_left(Path("data")):
        candles.write_bytes(b"after")

    assert candles.read_bytes() == b"after"
    assert (places[1] / "records").is_fifo()


def test_numbers_are_added_as_the_last_columns(tmp_path: Path) -> None:
    table = tmp_path / "lookahead.csv"
    table.write_text('strategy,biased_indicators\nDemo,"later,sooner"\n')

    add_columns(table, {"biased_orders": 3, "trades_in_backtest": 30})

    assert table.read_text().splitlines() == [
        "strategy,biased_indicators,biased_orders,trades_in_backtest",
        'Demo,"later,sooner",3,30',
    ]


def test_the_first_trades_of_each_direction_tag_and_reason_come_first() -> None:
    kinds = [
        (False, "often", "roi"),
        (False, "often", "roi"),
        (False, "often", "roi"),
        (False, None, "roi"),
        (False, "often", "stop_loss"),
        (True, "often", "roi"),
        (False, None, "roi"),
    ]
    trades = pd.DataFrame(kinds, columns=["is_short", "enter_tag", "exit_reason"])
    trades["number"] = range(7)

    turns = in_turns(trades)

    assert list(turns["number"]) == [0, 3, 4, 5, 1, 6, 2]
    # The engine finds what it made of a trade by this.
    assert list(turns.index) == list(range(7))


def test_no_trades_have_no_order() -> None:
    columns = ["is_short", "enter_tag", "exit_reason"]

    assert in_turns(pd.DataFrame(columns=columns)).empty
