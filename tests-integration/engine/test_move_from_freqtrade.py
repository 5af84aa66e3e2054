"""A strategy that is moved from Freqtrade trades as it did there, on the same candles."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.entrypoint.freqtrade import MarketServer, MarketsSnapshot

# Not through the door: the settings of the engine's client are not public.
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named
from tradai.entrypoint.freqtrade._new_folder.config_json import plain_json_text
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import set_path
from tradai.entrypoint.freqtrade._new_folder.environment_keys import environment_keys
from tradai.entrypoint.freqtrade._new_folder.old_names import OLD_NAMES, with_present_names

# Writes a configuration from the template of the installed engine, as its `new-config` does.
RENDER: Final = """
import sys
from pathlib import Path
from freqtrade.configuration.deploy_config import deploy_new_config
deploy_new_config(Path(sys.argv[1]), {
    "dry_run": True, "stake_currency": "USDT", "stake_amount": '"unlimited"', "max_open_trades": 2,
    "timeframe": "5m", "fiat_display_currency": "USD", "exchange_name": "binance",
    "trading_mode": "spot", "margin_mode": "", "exchange_api_key": "not-a-key-of-anyone",
    "exchange_secret": "not-a-secret-of-anyone", "telegram": True,
    "telegram_token": "not-a-token-of-anyone", "telegram_chat_id": "not-a-chat-of-anyone",
    "api_server": True, "api_server_listen_addr": "127.0.0.1",
    "api_server_username": "not-a-user-of-anyone",
    "api_server_jwt_key": "not-a-jwt-key-but-32-letters-long-of-anyone",
    "api_server_ws_token": "not-a-ws-token-of-anyone",
    "api_server_password": "not-a-password-of-anyone",
})
"""
# The user's own file over it: a pair list that Freqtrade can test, and a strategy's settings.
OWN: Final = """{
    "pairlists": [{"method": "StaticPairList"}], // the template's needs a running exchange
    "exchange": {
        "pair_whitelist": ["ETH/USDT", "BNB/USDT", "BTC/USDT"],
    },
    "strategy": "Moved", /* the class */ "stoploss": -0.04, "trailing_stop": true,
    "dry_run_wallet": 2500, "fee": 0.0007, "tradable_balance_ratio": 0.5,
    "order_of_signals": 3,
    "timerange": "20250105-20250130", "use_exit_signal": false,
}"""
STRATEGY: Final = """
from demo import Demo


class Moved(Demo):
    timeframe = "5m"
    protections = [{"method": "CooldownPeriod", "stop_duration_candles": 200}]

    def populate_exit_trend(self, dataframe, metadata):
        assert self.config["order_of_signals"] == 3
        return super().populate_exit_trend(dataframe, metadata)
"""
PARAMS: Final = {"buy": {"buy_fast": 8}, "sell": {"sell_slow": 30}, "roi": {"0": 0.04, "600": 0.03}}
# Prints the trades of a result of Freqtrade, or of a run.
TRADES: Final = """
import json, sys
import pandas as pd
from freqtrade.data.btanalysis import load_backtest_data
path, columns = sys.argv[1], sys.argv[2].split(",")
is_ours = path.endswith(".parquet")
trades = pd.read_parquet(path) if is_ours else load_backtest_data(path, "Moved")
trades = trades[columns].sort_values(columns[:2])
print(trades.to_json(orient="values", date_format="iso", double_precision=15))
"""
COLUMNS: Final = (
    "open_date,pair,close_date,open_rate,close_rate,amount,stake_amount,fee_open,profit_abs,"
    "exit_reason"
)
# Texts for the tolerant reader, and whether the engine's takes them.
TEXTS: Final = (
    *('{"a": 1,}', '{"a": [1, 2 /* , */ , // , \n ],}', '{"a": "b, // c", /* " */ "d": ",}"}'),
    *('{"a": "\\\\", }', '// "x\n{}', "{} // end", "/**/ {} /***/", '{"a": 1 /* open }'),
    *('{"a": 1,,}', '{"a" 1}', "{\"a\": 'b'}", '{"a": "line\nbreak"}', "{/}", '{"a": "/*"}'),
    *('{"a": 1, "a": 2}', '{"a": 1e-7, "b": -0.1, "c": 1E3}', '{"a": 01}', '{"a": .5}'),
    *('{"a": [1, // }, ]\n 2]}', '{"a": [1, /* ] */ 2]}', '{"a": [1, /* ] */ /* } */ // ]\n ]}'),
)
READ: Final = """
import json, sys
from freqtrade.configuration.load_config import CONFIG_PARSE_MODE
import rapidjson
def read(text):
    try:
        return [rapidjson.loads(text, parse_mode=CONFIG_PARSE_MODE)]
    except rapidjson.JSONDecodeError:
        return []
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
"""

# Renames settings as the engine does when it starts.
RENAME: Final = """
import json, sys
from freqtrade.configuration.config_validation import validate_migrated_strategy_settings
from freqtrade.configuration.deprecated_settings import process_temporary_deprecated_settings
config = json.load(sys.stdin)
process_temporary_deprecated_settings(config)
validate_migrated_strategy_settings(config)
print(json.dumps(config))
"""

# Variables for both readers, with values of each kind.
VARIABLES: Final = {
    "FREQTRADE__STAKE_AMOUNT": "33",
    "FREQTRADE__FEE": "1e-3",
    "FREQTRADE__DRY_RUN": "TRUE",
    "FREQTRADE__TELEGRAM__CHAT_ID": "12",
    "FREQTRADE__API_SERVER__PASSWORD": "1",
    "FREQTRADE__API_SERVER__password": "f",
    "FREQTRADE__EXCHANGE__PAIR_WHITELIST": '["BTC/USDT", 1]',
    "FREQTRADE__EXCHANGE__CCXT_CONFIG__apiKey": "null",
    "FREQTRADE__exchange__NAME": '{"a": 1}',
    "FREQTRADE__UNFILLEDTIMEOUT__ENTRY": " 7 ",
    "HOME": "/",
}
VARIABLES_READ: Final = """
import json, sys
from freqtrade.configuration.environment_vars import _flat_vars_to_nested_dict
print(json.dumps(_flat_vars_to_nested_dict(json.load(sys.stdin), "FREQTRADE__")))
"""


@pytest.fixture
def old(tmp_path: Path, strategy: Path, engine_bin: Path) -> Path:
    """A folder as Freqtrade's users have it: two configurations, the class and its parameters."""
    folder = tmp_path / "old"
    source = folder / "user_data" / "strategies"
    shutil.copytree(strategy.parent / "strategies", source)
    (source / "moved.py").write_text(STRATEGY)
    content = {"strategy_name": "Moved", "params": PARAMS, "ft_stratparam_v": 1}
    (source / "moved.json").write_text(json.dumps(content))
    subprocess.run([engine_bin / "python", "-c", RENDER, folder / "config.json"], check=True)
    (folder / "own.json").write_text(OWN)
    return folder


def test_a_moved_strategy_makes_the_trades_of_bare_freqtrade(
    tradai: Any, old: Path, candles: Path, engine_bin: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    bare = _bare_trades(old, candles, engine_bin, environ)
    options = ("--from-freqtrade", old / "config.json", old / "own.json", "--json")

    moved = tradai(
        "init", tmp_path / "new", "--strategy-path", old / "user_data/strategies", *options
    )

    answer = json.loads(moved.stdout)
    config = tmp_path / "new" / "strategy.yaml"
    command = ("run", config, "--mode", "backtest", "--data", candles)
    ran = tradai(*command, *answer["overrides"])
    assert ran.code == 0, ran.stderr
    ours = _trades(ran.folder / "trades.parquet", engine_bin)
    assert len(bare) >= 10
    # A trade is open at the end, so that its exit shows which candle is the last one.
    assert ["2025-01-30T00:00:00.000Z", "force_exit"] in [[each[2], each[9]] for each in bare]
    assert ours == bare
    files = [file.read_text() for file in (tmp_path / "new").rglob("*") if file.is_file()]
    assert "of-anyone" not in "".join([*files, moved.stdout, moved.stderr])
    assert {each["key"] for each in answer["keys"]} >= _keys(old)


def test_comments_and_commas_are_read_as_the_engine_reads_them(engine_bin: Path) -> None:
    done = subprocess.run(
        [engine_bin / "python", "-c", READ],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
    )

    assert [_read(text) for text in TEXTS] == json.loads(done.stdout)


def test_old_names_become_those_that_the_engine_gives_them(engine_bin: Path) -> None:
    olds: dict[str, Any] = {}
    # The engine keeps old names of webhooks apart; one timeout of each side has two old names.
    names = [name for name in OLD_NAMES if not name.startswith(("webhook.", "order_types.force"))]
    for name in names:
        if name != "order_types.emergencyexit":
            set_path(olds, name, name)

    done = subprocess.run(
        [engine_bin / "python", "-c", RENAME],
        input=json.dumps(olds),
        capture_output=True,
        text=True,
        check=True,
    )

    present, _ = with_present_names(olds)
    assert present == _without_empty(json.loads(done.stdout))


@pytest.mark.deep
def test_variables_become_the_keys_that_the_engine_reads(engine_bin: Path) -> None:
    done = subprocess.run(
        [engine_bin / "python", "-c", VARIABLES_READ],
        input=json.dumps(VARIABLES),
        capture_output=True,
        text=True,
        check=True,
    )

    assert environment_keys(VARIABLES) == json.loads(done.stdout)


def test_the_folder_of_a_new_strategy_runs(tradai: Any, candles: Path, tmp_path: Path) -> None:
    tradai("init", tmp_path / "mine")

    ran = tradai(
        "run", tmp_path / "mine" / "strategy.yaml", "--mode", "backtest", "--data", candles
    )

    assert ran.code == 0, ran.stderr
    assert ran.manifest["results"]["trades"] >= 10


def _bare_trades(
    old: Path, candles: Path, engine_bin: Path, environ: Mapping[str, str]
) -> list[list[Any]]:
    """Return the trades of `freqtrade backtesting`, whose exchange is on this machine."""
    with MarketServer(MarketsSnapshot.load(candles / "markets.json")) as server:
        client = exchange_named("binance").ccxt_config(server.base_url)
        overlay = {"exchange": {"enable_ws": False, "ccxt_config": client}}
        (old / "loopback.json").write_text(json.dumps(overlay))
        files = ("--config", "config.json", "--config", "own.json", "--config", "loopback.json")
        options = ("--datadir", str(candles), "--cache", "none", "--export", "trades")
        command = [str(engine_bin / "freqtrade"), "backtesting", *files, *options]
        subprocess.run(command, check=True, cwd=old, env=dict(environ), timeout=600)
    return _trades(old / "user_data" / "backtest_results", engine_bin)


def _trades(path: Path, engine_bin: Path) -> list[list[Any]]:
    command = [str(engine_bin / "python"), "-c", TRADES, str(path), COLUMNS]
    done = subprocess.run(command, capture_output=True, check=True)
    trades: list[list[Any]] = json.loads(done.stdout)
    return trades


def _keys(old: Path) -> set[str]:
    """Return the keys of the rendered configuration at the depth at which they are listed."""
    config = json.loads(plain_json_text((old / "config.json").read_text()))
    listed = {"telegram", "api_server", "exchange", "entry_pricing", "exit_pricing", "internals"}
    return {
        name
        for key, value in config.items()
        for name in ([f"{key}.{each}" for each in value] if key in listed else [key])
    }


def _without_empty(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value != {}}


def _read(text: str) -> list[object]:
    try:
        return [json.loads(plain_json_text(text))]
    except json.JSONDecodeError:
        return []
