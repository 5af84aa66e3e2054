"""DRY_RUN from start to verdict, on a stand-in for the engine that is a process of its own."""

import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tradai.core import FileJournal, JsonValue, TradingMode
from tradai.entrypoint import ExitCode
from tradai.entrypoint.freqtrade import MARKETS_NAME, MarketsSnapshot
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl

LOGS = Path(__file__).resolve().parent.parent / "evidence/engine_log"
# Shown to a person when the engine trades, so a good moment to stop it.
TRADING = "engine: trading on paper, Ctrl-C stops it"
IDLE = "engine: running the built-in strategy, which places no order, Ctrl-C stops it"

Run = Callable[..., Any]
Listing = Callable[[MarketsSnapshot], AbstractContextManager[str]]
Tell = Callable[[int], Callable[[], None]]


def order(
    name: str, *, pair: str = "BTC/USDT", side: str = "buy", **more: object
) -> dict[str, Any]:
    usual = {"is_logged": True, "is_booked": True, "status": "open", "trade_id": 1, "then": ()}
    assert more.keys() <= usual.keys()
    return usual | more | {"order_id": f"dry_run_{side}_{pair}_{name}", "pair": pair, "side": side}


def trade(number: int) -> str:
    figures = "amount=0, is_short=False, leverage=1, open_rate=60000"
    return f"Trade(id={number}, pair=BTC/USDT, {figures}, open_since=2026-11-24 01:03:38)"


@pytest.fixture
def exchange(candles: Path, listing: Listing) -> Iterator[str]:
    """Address of an exchange that lists the pairs of the configuration."""
    with listing(MarketsSnapshot.load(candles / MARKETS_NAME)) as address:
        yield address


@pytest.fixture
def dry_run(run: Run, exchange: str) -> Run:
    """Run until something ends it."""
    return partial(run, TradingMode.DRY_RUN, f"run.exchange_url={exchange}", waits=True)


@pytest.fixture
def stopped(dry_run: Run, tell: Tell) -> Run:
    """Run, and send SIGTERM as soon as the engine trades."""
    reactions = {TRADING: tell(signal.SIGTERM)}
    return partial(dry_run, reactions=reactions, on_sigterm="stops")


def test_a_person_sees_that_a_bot_is_being_stopped(dry_run: Run, tell: Tell) -> None:
    seen: list[str] = []
    reactions = {
        TRADING: tell(signal.SIGTERM),
        "engine: stopping": lambda: seen.append("stopping"),
    }

    dry_run(reactions=reactions, on_sigterm="stops")

    assert seen == ["stopping"]


def test_a_log_has_a_line_that_names_the_way_to_ask_and_to_stop_a_bot(stopped: Run) -> None:
    done = stopped()

    (line,) = done.lines
    assert line.startswith(f"{TRADING}: ")
    assert "`tradai-entrypoint status run-0`" in line
    assert "`tradai-entrypoint stop run-0 --reason TEXT`" in line


def test_a_bot_that_is_asked_to_stop_pauses_first_and_its_books_agree(stopped: Run) -> None:
    done = stopped(orders=[order("1"), order("2", pair="ETH/USDT")])

    manifest = done.manifest
    assert done.code == manifest.exit_code == ExitCode.DONE
    assert not manifest.is_fallback
    assert done.verdict == "the engine stopped on request (SIGTERM)"
    assert [event for event in done.events if event != "order created"] == [
        *("run started", "engine starting", "engine running"),
        *("engine stopping", "engine ended", "run ended"),
    ]
    assert done.facts("engine starting") == {"subcommand": "trade"}
    assert done.facts("engine stopping") == {"signal": 15, "is_pausing": True}
    assert done.facts("engine ended") == {"return_code": 130}
    assert [entry.facts for entry in done.journal if entry.event == "order created"] == [
        {"order_id": "dry_run_buy_BTC/USDT_1", "pair": "BTC/USDT", "status": "open"},
        {"order_id": "dry_run_buy_ETH/USDT_2", "pair": "ETH/USDT", "status": "open"},
    ]
    assert manifest.results == {
        "strategy_errors": 0,
        "closed_trades": 0,
        "open_trades": 0,
        "realized_profit_USDT": 0.0,
        "orders_in_journal": 2,
        "orders_in_database": 2,
        "orders_removed": 0,
    }
    assert manifest.digests.keys() == {"source", "config", "run"}
    assert tuple(manifest.artifacts) == ("trades.sqlite",)
    assert "to: STOPPED" in (done.folder / "engine.log").read_text()
    assert done.files == {
        *("manifest.json", "journal.jsonl", "report.html", "report.json", "engine.log"),
        *("trades.sqlite", "strategy"),
    }


def test_a_dry_run_of_a_source_that_was_found_biased_says_so_before_it_trades_and_on_its_page(
    run: Run, dry_run: Run, tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    clean = run(TradingMode.BACKTEST)
    folder = clean.folder.with_name("20260131T120000Z-bias-1")
    check = {"results": {"bias": "found"}, "run_id": folder.name}
    folder.mkdir()
    (folder / "manifest.json").write_text(clean.manifest.model_copy(update=check).as_json())
    warned: list[int] = []

    def stop() -> None:
        warned.append(caplog.text.count("source is biased"))
        tell(signal.SIGTERM)()

    biased = dry_run(reactions={TRADING: stop}, on_sigterm="stops")

    notice = f"bias was found in this strategy source by run {folder.name}"
    assert warned == [1]
    assert biased.code == ExitCode.DONE
    assert [each.partition(":")[0] for each in biased.manifest.notices] == [notice]
    assert notice in (biased.folder / "report.html").read_text()


def test_the_database_is_kept_whole_though_its_last_writes_were_in_its_log(stopped: Run) -> None:
    done = stopped(orders=[order("1")])

    with closing(sqlite3.connect(done.folder / "trades.sqlite")) as database:
        assert list(database.execute("SELECT order_id, ft_pair FROM orders")) == [
            ("dry_run_buy_BTC/USDT_1", "BTC/USDT")
        ]


def test_the_password_of_the_rest_interface_is_in_no_file_of_the_run(stopped: Run) -> None:
    done = stopped()

    server = done.given["config"]["api_server"]
    assert server["enabled"] is True
    assert server["listen_ip_address"] == "127.0.0.1"
    assert len(server["password"]) >= 32
    kept = [path.read_bytes() for path in done.folder.rglob("*") if path.is_file()]
    assert not any(server["password"].encode() in content for content in kept)
    assert "api_server" not in str(done.manifest.engine)


def test_a_disk_that_is_nearly_full_stops_the_bot_in_good_order_and_its_database_is_kept(
    dry_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill() -> None:
        for name, number in (("_LEAST_BYTES", 2**80), ("_SMALL_DISK_SHARE", 1)):
            monkeypatch.setattr(f"tradai.entrypoint.freqtrade._engine.free_space.{name}", number)

    done = dry_run(orders=[order("1")], reactions={TRADING: fill}, on_sigterm="stops")

    assert done.code == ExitCode.RESULT
    assert "is nearly full" in done.verdict
    assert done.facts("engine stopping") == {"signal": None, "is_pausing": True}
    assert tuple(done.manifest.artifacts) == ("trades.sqlite",)
    assert done.manifest.results["orders_in_database"] == 1


def test_the_original_database_stays_when_its_copy_lacks_an_order_of_the_journal(
    stopped: Run,
) -> None:
    done = stopped(orders=[order("1", is_booked=False)])

    assert done.code == ExitCode.MISMATCH
    assert (done.folder / "scratch" / "tradesv3.dryrun.sqlite").exists()
    assert any("was left in place" in notice for notice in done.manifest.notices)


def test_the_figures_of_a_database_that_was_removed_are_not_known(
    stopped: Run,
) -> None:
    done = stopped(orders=[order("1")], loses_database=True)

    figures = ("closed_trades", "open_trades", "realized_profit_USDT")
    assert [done.manifest.results[name] for name in figures] == [None, None, None]
    assert done.code == ExitCode.MISMATCH


@pytest.mark.parametrize(
    "books",
    [order("1", is_booked=False), order("1", is_logged=False)],
    ids=["not booked", "not logged"],
)
def test_books_that_disagree_need_a_person_to_look(stopped: Run, books: dict[str, Any]) -> None:
    done = stopped(orders=[order("0"), books])

    assert done.code == ExitCode.MISMATCH
    assert "disagree on 1 orders, the first dry_run_buy_BTC/USDT_1" in done.verdict
    assert str(done.folder) in done.verdict
    assert tuple(done.manifest.artifacts) == ("trades.sqlite",)


def test_an_entry_that_the_engine_removed_with_its_trade_is_no_mismatch(stopped: Run) -> None:
    timed_out = (
        f"Buy order cancelled due to timeout for {trade(2)}.",
        f"Buy order fully cancelled. Removing {trade(2)} from database.",
    )
    orders = [
        order("1", trade_id=1),
        order("2", trade_id=2),
        order("3", trade_id=2, then=timed_out),
        order("4", trade_id=3),
    ]

    done = stopped(orders=orders)

    assert done.code == ExitCode.DONE
    assert done.facts("entry order cancelled") == {
        "trade_id": "2",
        "pair": "BTC/USDT",
        "reason": "cancelled due to timeout",
    }
    removed = [entry.facts["order_id"] for entry in done.journal if entry.event == "order removed"]
    assert removed == ["dry_run_buy_BTC/USDT_2", "dry_run_buy_BTC/USDT_3"]
    assert done.manifest.results == {
        "strategy_errors": 0,
        "closed_trades": 0,
        "open_trades": 0,
        "realized_profit_USDT": 0.0,
        "orders_in_journal": 4,
        "orders_in_database": 2,
        "orders_removed": 2,
    }
    assert not (done.folder / "scratch").exists()


@pytest.mark.parametrize(
    ("books", "expected"),
    [("booked", ExitCode.DONE), ("lost", ExitCode.MISMATCH)],
)
def test_an_entry_that_is_cancelled_after_a_part_was_filled_must_be_in_the_books(
    stopped: Run, books: str, expected: ExitCode
) -> None:
    cancelled = (
        f"Buy order cancelled due to timeout for {trade(1)}.",
        f"Partial buy order timeout for {trade(1)}. Filled: 0.1, total: 0.2",
    )

    done = stopped(orders=[order("1", then=cancelled, is_booked=books == "booked")])

    assert done.code == expected
    assert done.facts("entry order cancelled")["reason"] == "cancelled due to timeout"
    assert done.manifest.results["orders_removed"] == 0


def test_an_entry_that_the_exchange_refused_was_never_booked(stopped: Run) -> None:
    text = "Long FOK order with time in force limit for BTC/USDT is expired by Binance."
    refused = (f"{text} zero amount is fulfilled.",)

    done = stopped(orders=[order("1", status="expired", is_booked=False, then=refused)])

    assert done.code == ExitCode.DONE
    assert done.facts("order removed")["order_id"] == "dry_run_buy_BTC/USDT_1"


def test_a_removal_that_only_the_strategy_prints_does_not_count(stopped: Run) -> None:
    said = f"Buy order fully cancelled. Removing {trade(1)} from database."

    done = stopped(orders=[order("1", is_booked=False)], loops=[[said]])

    assert done.code == ExitCode.MISMATCH
    assert "order removed" not in done.events


def test_exit_orders_are_not_compared(stopped: Run) -> None:
    done = stopped(orders=[order("1"), order("2", side="sell", is_logged=False)])

    assert done.code == ExitCode.DONE
    assert done.manifest.results["orders_in_database"] == 1


def test_an_engine_that_does_not_answer_is_stopped_without_a_pause(stopped: Run) -> None:
    done = stopped(on_stop="hangs_up")

    assert done.code == ExitCode.DONE
    assert done.facts("engine stopping") == {"signal": 15, "is_pausing": False}
    assert done.facts("engine ended") == {"return_code": 130}


def test_an_engine_that_does_not_stop_in_time_is_killed_and_a_person_must_look(
    dry_run: Run, tell: Tell, is_alive: Callable[[int], bool]
) -> None:
    done = dry_run(
        "run.stop_timeout_s=0.2",
        reactions={TRADING: tell(signal.SIGTERM)},
        on_stop="says nothing",
        on_sigterm="ignores",
    )

    assert done.code == ExitCode.MISMATCH
    assert "did not stop in time and was killed" in done.verdict
    assert not is_alive(done.given["pid"])


def test_an_engine_whose_work_does_not_end_is_said_to_be_interrupted(stopped: Run) -> None:
    done = stopped("run.stop_timeout_s=0.2", on_stop="says nothing")

    assert done.code == ExitCode.DONE
    assert done.facts("engine stopping")["is_pausing"] is True
    assert "interrupted because its work did not end in time" in done.verdict


def test_a_second_signal_kills_the_engine_at_once(dry_run: Run, tell: Tell) -> None:
    done = dry_run(
        "run.stop_timeout_s=600",
        reactions={TRADING: tell(signal.SIGTERM)},
        on_stop="interrupts",
        on_sigterm="ignores",
    )

    assert done.code == ExitCode.MISMATCH
    assert done.facts("engine stopping")["signal"] == signal.SIGTERM
    assert done.facts("engine ended") == {"return_code": None}


def test_an_engine_that_does_not_start_in_time_is_stopped(
    dry_run: Run, is_alive: Callable[[int], bool]
) -> None:
    done = dry_run("run.start_deadline_s=0.5", never_starts=True)

    assert done.code == ExitCode.START_DEADLINE
    assert "raise run.start_deadline_s" in done.verdict
    assert "engine running" not in done.events
    assert done.given is None or not is_alive(done.given["pid"])


def pause(folder: Path) -> None:
    """Record that an operator paused the dry-run in `folder`."""
    with closing(FileJournal(folder / "journal.jsonl")) as journal:
        journal.append("bot paused", by="ann", reason="the news")


def test_a_run_that_continues_a_paused_one_is_paused_from_its_start(dry_run: Run) -> None:
    first = dry_run(waits=False)
    pause(first.folder)

    second = dry_run(waits=False, continues=first.folder)
    third = dry_run(waits=False, continues=second.folder)

    assert first.given["config"]["initial_state"] == "running"
    for done in (second, third):
        assert done.given["config"]["initial_state"] == "paused"
        assert "bot paused" in done.events
        assert any("paused from start to end" in each for each in done.manifest.notices)


def test_a_program_that_takes_the_port_of_the_engine_gets_no_password(
    dry_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses: list[str] = []
    configure = EngineControl.config

    def config(control: EngineControl) -> dict[str, JsonValue]:
        addresses.append(control.url)
        return configure(control)

    monkeypatch.setattr(EngineControl, "config", config)
    with ExitStack() as stack:
        listeners: list[socket.socket] = []

        def take_port() -> None:
            port = int(addresses[0].rpartition(":")[2])
            listeners.append(stack.enter_context(socket.create_server(("127.0.0.1", port))))

        done = dry_run(
            "run.start_deadline_s=0.5",
            never_starts=True,
            reactions={"engine: starting": take_port},
        )

        (listener,) = listeners
        listener.settimeout(0)
        assert done.code == ExitCode.START_DEADLINE
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_an_engine_whose_port_was_taken_ends_at_once_and_says_so(
    dry_run: Run, is_alive: Callable[[int], bool]
) -> None:
    said = (LOGS / "api-port-taken.txt").read_text().splitlines()

    # Longer than a test may take.
    done = dry_run("run.start_deadline_s=7200", says=said, never_starts=True)

    assert done.code == ExitCode.START_DEADLINE
    assert "another program took port 34911 of this machine" in done.verdict
    assert "engine running" not in done.events
    assert not is_alive(done.given["pid"])


def test_a_signal_before_the_engine_trades_ends_it_before_its_work_was_done(
    dry_run: Run, tell: Tell
) -> None:
    done = dry_run(never_starts=True, reactions={"engine: starting": tell(signal.SIGTERM)})

    assert done.code == ExitCode.TERMINATED
    assert done.facts("engine stopping") == {"signal": 15, "is_pausing": False}


def test_a_configuration_error_with_exit_code_0_is_one(run: Run, exchange: str) -> None:
    said = (LOGS / "configuration-refused.txt").read_text().splitlines()

    done = run(TradingMode.DRY_RUN, f"run.exchange_url={exchange}", says=said, never_starts=True)

    assert done.code == ExitCode.CONFIGURATION
    assert "max_open_trades: 'x' is not of type" in done.verdict
    assert done.facts("engine ended") == {"return_code": 0}


def test_an_exchange_that_is_away_is_unavailable(run: Run) -> None:
    done = run(TradingMode.DRY_RUN, "run.exchange_url=http://127.0.0.1:9")

    assert done.code == ExitCode.UNAVAILABLE
    assert "Could not load markets" in done.verdict


def test_a_bot_that_crashes_while_it_trades_is_a_crash(run: Run, exchange: str) -> None:
    done = run(TradingMode.DRY_RUN, f"run.exchange_url={exchange}", killed_by=int(signal.SIGSEGV))

    assert done.code == ExitCode.CRASHED
    assert "SIGSEGV" in done.verdict
    assert "engine running" in done.events


@pytest.mark.parametrize("never_starts", [False, True])
def test_a_bot_that_ends_without_being_asked_to_is_no_success_and_its_database_is_kept(
    run: Run, exchange: str, *, never_starts: bool
) -> None:
    done = run(
        TradingMode.DRY_RUN,
        f"run.exchange_url={exchange}",
        never_starts=never_starts,
        orders=[order("1")],
    )

    assert done.code == ExitCode.CRASHED
    assert "ended without being asked to" in done.verdict
    assert done.facts("engine ended") == {"return_code": 0}
    assert done.manifest.results["orders_in_database"] == (0 if never_starts else 1)


def test_a_bot_whose_callbacks_raised_is_not_done_though_it_stopped_on_request(
    stopped: Run,
) -> None:
    said = (LOGS / "dry-run-strategy-raises.txt").read_text().splitlines()
    raised = [line for line in said if "worker" not in line and "SIGINT" not in line]

    done = stopped(says=raised)

    assert done.code == ExitCode.STRATEGY_ERRORS
    assert "the engine stopped on request (SIGTERM); but the strategy raised 2" in done.verdict
    assert "RuntimeError('live exploded') at raises_live.py:7" in done.verdict
    assert done.manifest.results["strategy_errors"] == 2
    report = (done.folder / "report.html").read_text()
    assert "<dt>strategy errors by callback</dt><dd>analyze_ticker 2</dd>" in report
    assert "<dt>orders in journal</dt><dd>0</dd>" in report
    assert tuple(done.manifest.artifacts) == ("trades.sqlite",)


def test_a_pair_the_exchange_does_not_list_stops_the_bot(
    run: Run, candles: Path, listing: Listing
) -> None:
    rules = MarketsSnapshot.load(candles / MARKETS_NAME)
    with listing(rules.restricted_to(["BTC/USDT", "ETH/USDT"])) as address:
        done = run(
            TradingMode.DRY_RUN,
            f"run.exchange_url={address}",
            waits=True,
            on_sigterm="stops",
        )

    assert done.code == ExitCode.DATA
    assert "the engine left out XRP/USDT" in done.verdict
    assert done.verdict.endswith("does not offer: remove it from pairs")


def test_a_pair_that_is_left_out_once_the_bot_trades_stops_it_too(dry_run: Run) -> None:
    text = "Ignoring XRP/USDT from whitelist. Market is not active."
    left_out = f"2026-11-24 01:03:38,504 - freqtrade.plugins.pairlist.IPairList - INFO - {text}"

    done = dry_run(loops=[[left_out]], on_sigterm="stops")

    assert done.code == ExitCode.DATA
    assert "the engine left out XRP/USDT" in done.verdict
    assert done.facts("engine stopping") == {"signal": None, "is_pausing": True}


def test_a_dry_run_that_begins_paused_says_so_at_once_and_at_its_end_how_it_went_on(
    dry_run: Run, tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    first = dry_run(waits=False)
    pause(first.folder)
    warned: list[int] = []

    def stop() -> None:
        warned.append(caplog.text.count("the dry-run begins paused"))
        tell(signal.SIGTERM)()

    second = dry_run(continues=first.folder, reactions={TRADING: stop}, on_sigterm="stops")

    notice = f"it was paused from start to end, as run {first.folder.name} was before it"
    assert warned == [1]
    assert second.given["config"]["initial_state"] == "paused"
    assert second.manifest.notices == [notice]
    assert notice in (second.folder / "report.html").read_text()


def test_without_a_valid_configuration_a_strategy_runs_that_places_no_order(
    run: Run, strategy: Path, tell: Tell
) -> None:
    strategy.write_text("name: [")

    done = run(
        TradingMode.DRY_RUN,
        reactions={IDLE: tell(signal.SIGTERM)},
        waits=True,
        on_sigterm="stops",
    )

    assert done.code == ExitCode.DONE
    assert done.manifest.is_fallback
    assert done.given["config"]["max_open_trades"] == 0
    assert "class TradaiIdle(IStrategy)" in done.given["files"]["strategies/tradai_idle.py"]
    assert any("places no order" in notice for notice in done.manifest.notices)
    # It is not known which exchange was meant, so the bot goes to none.
    assert address_of(done.given).startswith("http://127.0.0.1:")


def test_the_fallback_uses_the_exchange_that_was_asked_for(
    dry_run: Run, strategy: Path, exchange: str, tell: Tell
) -> None:
    strategy.unlink()

    done = dry_run(reactions={IDLE: tell(signal.SIGTERM)}, on_sigterm="stops")

    assert done.code == ExitCode.DONE
    assert done.manifest.is_fallback
    assert address_of(done.given) == f"{exchange}/api/v3"


def address_of(given: dict[str, Any]) -> str:
    """Return the address of the exchange that the engine was given."""
    return str(given["config"]["exchange"]["ccxt_config"]["urls"]["api"]["public"])
