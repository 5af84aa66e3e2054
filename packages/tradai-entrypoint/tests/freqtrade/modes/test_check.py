"""`check` says what `run` would refuse."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.entrypoint._process.checks import CheckRow, CheckStatus
from tradai.entrypoint._process.exit_codes import ExitCode


def add(strategy: Path, line: str) -> None:
    """Add a line to the class of the strategy."""
    with (strategy.parent / "strategies" / "wave_rider.py").open("a") as source:
        source.write(f"    {line}\n")


def test_a_range_that_is_all_warm_up_fails(check: Callable[..., dict[str, CheckRow]]) -> None:
    row = check("run.startup_candles=900", "run.timerange=20250101-20250102")["candles"]

    assert (row.status, row.exit_code) == (CheckStatus.FAIL, ExitCode.DATA)
    assert "the strategy needs 900 before it trades" in row.detail


def test_a_module_that_the_engine_does_not_have_fails(
    strategy: Path, check: Callable[..., dict[str, CheckRow]]
) -> None:
    file = strategy.parent / "strategies" / "wave_rider.py"
    file.write_text("import no_such_module\n" + file.read_text())

    row = check(missing=["no_such_module"])["strategy"]

    assert (row.status, row.exit_code) == (CheckStatus.FAIL, ExitCode.CONFIGURATION)
    assert row.detail.startswith("wave_rider.py:1 imports no_such_module, which is neither beside")
    assert check()["strategy"].status is CheckStatus.OK


def test_a_number_of_the_order_types_without_a_meaning_fails(
    check: Callable[..., dict[str, CheckRow]],
) -> None:
    row = check("execution.order_types.stoploss_on_exchange_interval=-5")["strategy"]

    assert (row.status, row.exit_code) == (CheckStatus.FAIL, ExitCode.CONFIGURATION)
    assert row.detail == (
        "command line: execution.order_types.stoploss_on_exchange_interval is -5: write 0 or more "
        "seconds"
    )


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ("execution.order_types.exit=market",),
            (
                "execution.exit_pricing.price_side is same, and execution.order_types.exit is "
                "market: write other, or limit orders"
            ),
        ),
        (
            (
                "execution.order_types.entry=market",
                "execution.entry_pricing.price_side=bid",
            ),
            (
                "command line: execution.entry_pricing.price_side is bid, and "
                "execution.order_types.entry is market: write other, or limit orders"
            ),
        ),
    ],
)
def test_a_market_order_at_the_own_side_of_the_book_fails(
    check: Callable[..., dict[str, CheckRow]], overrides: tuple[str, ...], said: str
) -> None:
    row = check(*overrides)["strategy"]

    assert (row.status, row.exit_code) == (CheckStatus.FAIL, ExitCode.CONFIGURATION)
    assert row.detail == said


@pytest.mark.parametrize(("order", "side"), [("entry", "ask"), ("exit", "bid"), ("exit", "other")])
def test_a_market_order_at_the_other_side_of_the_book_passes(
    check: Callable[..., dict[str, CheckRow]], order: str, side: str
) -> None:
    overrides = (
        f"execution.order_types.{order}=market",
        f"execution.{order}_pricing.price_side={side}",
    )

    assert check(*overrides)["strategy"].status is CheckStatus.OK


def test_a_market_order_of_the_class_at_the_own_side_of_the_book_fails(
    strategy: Path, check: Callable[..., dict[str, CheckRow]]
) -> None:
    add(strategy, "order_types = {'exit': 'market'}")

    row = check()["strategy"]

    assert (row.status, row.exit_code) == (CheckStatus.FAIL, ExitCode.CONFIGURATION)
    assert row.detail == (
        "execution.exit_pricing.price_side is same, and class WaveRider.order_types.exit is "
        "market: write other, or limit orders"
    )


def test_contracts_without_the_order_book_fail(
    check: Callable[..., dict[str, CheckRow]],
) -> None:
    changes = ("exchange=binance_futures", "pairs=[BTC/USDT:USDT]")
    off = "execution.exit_pricing.use_order_book=false"

    assert check(off)["strategy"].status is CheckStatus.OK
    assert check(*changes, off)["strategy"].detail == (
        "command line: execution.exit_pricing.use_order_book is false, and binance_futures has no "
        "prices of contracts but in its order book: write true"
    )


@pytest.mark.parametrize(
    ("entry", "problems", "said"),
    [
        # Of the engine's schema, in whose place the scenario answers.
        (
            "'foo'",
            [{"path": ["order_types", "entry"], "text": "'foo' is not one", "names": []}],
            "{place}.entry is refused by the engine's schema: 'foo' is not one",
        ),
        (
            "'limit', 'stoploss_on_exchange_interval': -5",
            [],
            "{place}.stoploss_on_exchange_interval is -5: write 0 or more seconds",
        ),
    ],
)
def test_order_types_of_the_class_are_checked_too(
    strategy: Path,
    check: Callable[..., dict[str, CheckRow]],
    entry: str,
    problems: list[object],
    said: str,
) -> None:
    add(strategy, f"order_types = {{'entry': {entry}}}")

    row = check(refused_settings=problems)["strategy"]

    assert (row.status, row.exit_code) == (CheckStatus.FAIL, ExitCode.CONFIGURATION)
    assert row.detail == said.format(place="class WaveRider.order_types")


def test_problems_of_the_strategy_its_settings_and_the_engines_keys_are_named_at_once(
    check: Callable[..., dict[str, CheckRow]],
) -> None:
    answers = [{"path": ["backtest_breakdown", "0"], "text": "'x' is not one", "names": []}]

    row = check(
        "buy_params.buy_fsat=24",
        "parameters.enable_protection=false",
        "parameters.timeframe_detial=1m",
        "strategy.config={stoploss: -0.1}",
        "engine={db_url: 'sqlite:///x', backtest_breakdown: [x]}",
        refused_settings=answers,
    )["strategy"]

    assert (row.status, row.exit_code) == (CheckStatus.FAIL, ExitCode.CONFIGURATION)
    first, *lines = row.detail.splitlines()
    assert first == "several problems"
    assert [line.partition(" is ")[0].split()[-1].rstrip(":") for line in lines] == [
        "line",
        "parameters.enable_protection",
        "strategy.config.stoploss",
        "engine.db_url",
        "engine.backtest_breakdown.0",
    ]
    assert "buy_params.buy_fsat" in lines[0]
    assert "parameters.timeframe_detial is not a setting of the engine" in lines[1]
    assert "did you mean 'timeframe_detail'? A key that" in lines[1]


def test_a_misspelt_class_hides_no_other_problem(
    check: Callable[..., dict[str, CheckRow]],
) -> None:
    row = check("strategy.class=WaveRidr", "engine={db_url: 'sqlite:///x'}")["strategy"]

    assert "did you mean 'WaveRider'?\n" in row.detail
    assert "engine.db_url is decided by tradai" in row.detail


def test_a_key_that_is_refused_already_is_not_refused_again_by_the_schema(
    check: Callable[..., dict[str, CheckRow]],
) -> None:
    row = check("engine={foo: 1}", refused_settings=[{"path": ["foo"], "text": "no", "names": []}])

    assert row["strategy"].detail.count("engine.foo") == 1


WEBHOOK = "engine.webhook={enabled: true, url: 'env:TRADE_HOOK_OF_A_TEST'}"
HOOK = "http://127.0.0.1:9/not-a-real-hook"


def test_a_secret_of_a_message_is_resolved_and_not_shown(
    check: Callable[..., dict[str, CheckRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADE_HOOK_OF_A_TEST", HOOK)

    row = check(WEBHOOK, mode=TradingMode.DRY_RUN)["env:TRADE_HOOK_OF_A_TEST"]

    assert (row.status, row.detail) == (CheckStatus.OK, "by engine.webhook.url")


@pytest.mark.parametrize(
    ("value", "said"), [("", "TRADE_HOOK_OF_A_TEST"), ("hook", "is not a URL")]
)
def test_a_secret_of_a_message_that_is_missing_or_of_another_form_fails(
    check: Callable[..., dict[str, CheckRow]],
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv("TRADE_HOOK_OF_A_TEST", value)

    row = check(WEBHOOK, mode=TradingMode.DRY_RUN)["env:TRADE_HOOK_OF_A_TEST"]

    assert row.status is CheckStatus.FAIL
    assert row.exit_code in {ExitCode.CONFIGURATION, ExitCode.DATA}
    assert said in row.detail


def test_each_missing_secret_of_a_message_is_named(
    check: Callable[..., dict[str, CheckRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN_OF_A_TEST", raising=False)
    monkeypatch.delenv("CHAT_OF_A_TEST", raising=False)
    telegram = "{enabled: true, token: 'env:TOKEN_OF_A_TEST', chat_id: 'env:CHAT_OF_A_TEST'}"

    rows = check(f"engine.telegram={telegram}", mode=TradingMode.DRY_RUN)

    assert rows["env:TOKEN_OF_A_TEST"].status is CheckStatus.FAIL
    assert rows["env:CHAT_OF_A_TEST"].status is CheckStatus.FAIL
    assert rows["run folder"].status is CheckStatus.SKIP


def test_a_backtest_sends_no_message_and_asks_for_no_secret_of_one(
    check: Callable[..., dict[str, CheckRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRADE_HOOK_OF_A_TEST", raising=False)

    assert "env:TRADE_HOOK_OF_A_TEST" not in check(WEBHOOK)


def test_missing_candles_that_shorter_ones_make_up_fail_with_a_command_for_each_timeframe(
    candles: Path, check: Callable[..., dict[str, CheckRow]]
) -> None:
    row = check("run.informative=['@1h', '@4h']")["candles"]

    assert row.status is CheckStatus.FAIL
    convert = f"`tradai-entrypoint data convert {candles} {candles} --from 5m --timeframe"
    assert row.detail.endswith(f"; {convert} 1h` and {convert} 4h` make them")


@pytest.mark.usefixtures("stage_in_child")
def test_unsorted_candles_are_sent_to_the_commands_that_show_and_mend_them(
    tmp_path: Path, candles: Path, run: Callable[..., Any]
) -> None:
    import pandas as pd

    folder = tmp_path / "unsorted"
    shutil.copytree(candles, folder)
    file = next(folder.glob("BTC_USDT-5m.*"))
    frame = pd.read_parquet(file)
    frame.iloc[::-1].to_parquet(file)

    done = run(TradingMode.BACKTEST, places={"data": str(folder)})

    assert done.verdict.endswith(
        "`data check` lists all faults, and says which of them `data convert` mends"
    )


def test_computed_series_are_a_warning_until_the_run_names_some(
    strategy: Path, check: Callable[..., dict[str, CheckRow]]
) -> None:
    add(strategy, "def read(self, pair): return self.dp.get_pair_dataframe(pair, '5m')")

    row = check()["informative"]

    assert row.status is CheckStatus.WARN
    assert row.detail.startswith("wave_rider.py:7 asks for candles whose pair or timeframe")
    assert "informative" not in check("run.informative=[BTC/USDT@5m]")
