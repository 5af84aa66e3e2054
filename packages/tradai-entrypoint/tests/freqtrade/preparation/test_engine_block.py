"""The block `engine`: what it refuses, and what the engine gets."""

from typing import Any

import pytest

from tradai.core import StrategyConfig, TradingMode, redact
from tradai.core.exceptions import ConfigurationError

# Not through the door: `check` and `run` show these rules of one block among many others.
from tradai.entrypoint.freqtrade._engine_keys.messages import EngineMessages
from tradai.entrypoint.freqtrade._engine_keys.ownership import ALLOWED, OWNED
from tradai.entrypoint.freqtrade._preparation.engine_config import engine_config
from tradai.entrypoint.freqtrade._preparation.engine_settings import AT_RUN_TIME, IN_FILE, place_of

WEBHOOK = {"enabled": True, "url": "env:TRADAI_TEST_HOOK", "status": {"text": "{status}"}}
TELEGRAM = {"enabled": True, "token": "env:TRADAI_TEST_TOKEN", "chat_id": "env:TRADAI_TEST_CHAT"}


def config(**more: object) -> StrategyConfig:
    """A configuration with `more` keys."""
    return StrategyConfig(
        name="wave",
        version="1.0.0",
        timeframe="5m",
        pairs=["BTC/USDT"],
        **{"execution": {"stake_amount": 50}, **more},
    )


def rendered(mode: TradingMode = TradingMode.DRY_RUN, **more: object) -> dict[str, Any]:
    """The engine's configuration for `more` keys."""
    return engine_config(config(**more), mode)


def refusal(engine: dict[str, Any], mode: TradingMode = TradingMode.DRY_RUN) -> str:
    """The error that the block `engine` causes."""
    with pytest.raises(ConfigurationError) as caught:
        rendered(mode, engine=engine)
    return str(caught.value)


@pytest.mark.parametrize("empty", [{}, None])
def test_an_empty_block_changes_no_configuration(empty: object) -> None:
    assert config(engine=empty).canonical() == config().canonical()
    assert "engine" not in config().canonical()


def test_a_block_is_a_part_of_the_configuration() -> None:
    assert config(engine={"backtest_breakdown": ["day"]}).canonical() != config().canonical()


@pytest.mark.parametrize("name", sorted(IN_FILE | AT_RUN_TIME | OWNED.keys()))
@pytest.mark.parametrize("mode", [TradingMode.BACKTEST, TradingMode.LIVE])
def test_each_key_of_the_engine_that_is_not_allowed_is_refused(
    name: str, mode: TradingMode
) -> None:
    if name not in ALLOWED:
        assert refusal({name: True}, mode).startswith(f"engine.{name} ")


def test_each_key_of_the_engines_file_is_allowed_owned_or_has_a_place() -> None:
    assert [
        name for name in IN_FILE if not (name in ALLOWED | OWNED.keys() or place_of(name))
    ] == []


def test_a_refusal_says_what_to_use_instead() -> None:
    text = refusal({"db_url": "sqlite://", "stoploss": -0.1, "webhok": {}})

    assert "engine.db_url is decided by tradai: a run has a database of its own" in text
    assert "engine.stoploss has a place of its own: execution.stoploss" in text
    assert "engine.webhok is not a setting of the engine that may be set" in text
    assert "webhook" in text


@pytest.mark.parametrize(
    "name", ["minimum_trade_amount", "startup_candle", "targeted_trade_amount"]
)
def test_a_setting_of_the_analysis_for_bias_is_refused_since_it_would_have_no_effect(
    name: str,
) -> None:
    assert refusal({name: 12}) == (
        f"engine.{name} is decided by tradai: `analyse CONFIG --bias` decides it"
    )


def test_three_settings_of_the_exchange_reach_the_engine() -> None:
    exchange = rendered(engine={"exchange": {"outdated_offset": 7}})["exchange"]

    assert exchange["outdated_offset"] == 7
    assert exchange["pair_whitelist"] == ["BTC/USDT"]


@pytest.mark.parametrize("minutes", [525_601, 10**400, -1, "7", True])
def test_an_offset_that_overflows_the_dates_of_the_engine_is_refused_with_its_bound(
    minutes: object,
) -> None:
    said = refusal({"exchange": {"outdated_offset": minutes}})

    assert "engine.exchange.outdated_offset must be from 1 to 525600 minutes" in said


@pytest.mark.parametrize("name", ["name", "key", "ccxt_config", "enable_ws", "log_responses"])
def test_others_of_the_exchange_are_refused(name: str) -> None:
    assert f"engine.exchange.{name} is decided by tradai" in refusal({"exchange": {name: "x"}})


def test_messages_are_off_unless_enabled_and_where_nothing_trades() -> None:
    block = {"webhook": {**WEBHOOK, "enabled": False}}

    assert "webhook" not in rendered(engine=block)
    assert "webhook" not in rendered(TradingMode.BACKTEST, engine={"webhook": WEBHOOK})
    assert rendered(engine={"webhook": WEBHOOK})["webhook"]["url"] == "env:TRADAI_TEST_HOOK"


@pytest.mark.parametrize(
    ("block", "key"),
    [
        # A plain address is refused before, as the configuration is read.
        ({"webhook": {**WEBHOOK, "url": ""}}, "webhook.url"),
        ({"webhook": {"enabled": True}}, "webhook.url"),
        ({"discord": {"enabled": True, "webhook_url": ""}}, "discord.webhook_url"),
        ({"telegram": {**TELEGRAM, "chat_id": ""}}, "telegram.chat_id"),
        ({"telegram": {**TELEGRAM, "authorized_users": ["1"]}}, "telegram.authorized_users"),
        ({"webhook": {**WEBHOOK, "retries": 9}}, "webhook.retries"),
        ({"webhook": {**WEBHOOK, "retries": -1}}, "webhook.retries"),
        ({"webhook": {**WEBHOOK, "retries": True}}, "webhook.retries"),
        ({"webhook": {**WEBHOOK, "retry_delay": -0.5}}, "webhook.retry_delay"),
        ({"webhook": "on"}, "webhook"),
    ],
)
def test_a_message_without_a_secret_reference_or_with_commands_is_refused(
    block: dict[str, Any], key: str
) -> None:
    assert f"engine.{key} " in refusal(block)


def test_telegram_takes_no_commands_and_is_not_for_live() -> None:
    assert rendered(engine={"telegram": TELEGRAM})["telegram"]["authorized_users"] == []
    assert "could steer the session" in refusal({"telegram": TELEGRAM}, TradingMode.LIVE)
    assert "webhook" in rendered(TradingMode.LIVE, engine={"webhook": WEBHOOK})


def test_secrets_are_resolved_for_one_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_TEST_HOOK", "http://127.0.0.1:9/fake-hook-path")
    given = rendered(engine={"webhook": WEBHOOK})

    messages = EngineMessages.resolve(given)

    url = "http://127.0.0.1:9/fake-hook-path"
    assert messages.sections == {"webhook": {**given["webhook"], "url": url}}
    assert "fake-hook-path" not in str(given)
    # The engine's client of HTTP logs the path alone.
    assert redact("exceeded with url: /fake-hook-path (Caused") == "exceeded with url: *** (Caused"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TOKEN", "not-a-token", "engine.telegram.token: the secret env:TRADAI_TEST_TOKEN is not"),
        ("CHAT", "my chat", "engine.telegram.chat_id: the secret env:TRADAI_TEST_CHAT is not"),
        ("HOOK", "hooks.example/x", "engine.webhook.url: the secret env:TRADAI_TEST_HOOK is not"),
        ("HOOK", "ftp://h/some-fake-path", "engine.webhook.url"),
    ],
)
def test_a_secret_of_another_form_is_refused_without_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv("TRADAI_TEST_HOOK", "http://127.0.0.1:9/fake-hook-path")
    monkeypatch.setenv("TRADAI_TEST_TOKEN", "1:obviously-fake-token-of-a-test")
    monkeypatch.setenv("TRADAI_TEST_CHAT", "-100200300")
    given = rendered(engine={"webhook": WEBHOOK, "telegram": TELEGRAM})
    assert EngineMessages.resolve(given).sections.keys() == {"telegram", "webhook"}

    monkeypatch.setenv(f"TRADAI_TEST_{variable}", value)
    with pytest.raises(ConfigurationError) as refused:
        EngineMessages.resolve(given)

    assert said in str(refused.value)
    assert value not in str(refused.value)


def test_the_depth_of_the_market_is_a_condition_of_entries() -> None:
    check = {"check_depth_of_market": {"enabled": True, "bids_to_ask_delta": 1.5}}

    pricing = rendered(execution={"stake_amount": 50, "entry_pricing": check})["entry_pricing"]

    assert pricing["check_depth_of_market"] == {"enabled": True, "bids_to_ask_delta": 1.5}
    with pytest.raises(ConfigurationError, match=r"exit_pricing\.check_depth_of_market"):
        rendered(execution={"stake_amount": 50, "exit_pricing": check})


def rendered_futures(engine: dict[str, Any]) -> dict[str, Any]:
    """The engine's configuration of a backtest of futures with the block `engine`."""
    market = {"exchange": "binance_futures", "pairs": ["BTC/USDT:USDT"]}
    return engine_config(config(engine=engine).model_copy(update=market), TradingMode.BACKTEST)


def test_settings_of_futures_reach_the_engine_where_contracts_are_traded() -> None:
    block = {"liquidation_buffer": 0.1, "futures_funding_rate": 0}

    given = rendered_futures(block)

    assert {name: given[name] for name in block} == block
    assert "write `exchange: binance_futures`" in refusal(block, TradingMode.BACKTEST)


@pytest.mark.parametrize("rate", ["0.1", True, None])
def test_a_funding_rate_is_a_number(rate: object) -> None:
    with pytest.raises(ConfigurationError, match="futures_funding_rate must be a number"):
        rendered_futures({"futures_funding_rate": rate})
