"""A configuration of Freqtrade becomes a strategy folder, and each of its keys is accounted for."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tradai.core import JsonValue, LoadedConfig, StrategyConfigLoader, Timeframe, parse_time_range
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint.freqtrade import KeyStatus, MovedKey, StrategyMove, move_strategy
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import DEEPEST
from tradai.entrypoint.freqtrade._new_folder.move import moved_range
from tradai.entrypoint.freqtrade._new_folder.translation import translate
from tradai.entrypoint.freqtrade._preparation.engine_settings import IN_FILE

STRATEGY = """
import json
from pathlib import Path
from freqtrade.strategy import IntParameter, IStrategy
from signals import cross

class Wave(IStrategy):
    # wave.json
    timeframe = "1h"
    buy_fast = IntParameter(1, 50, default=10)
    protections = [{"method": "CooldownPeriod"}]
    blocked = json.loads((Path(__file__).parent / "blocked.json").read_text())
"""
READS = """
    inf_4h = "4h"
    later = "8h"

    @informative("30m")
    def populate_indicators_30m(self, dataframe, metadata):
        return self.dp.get_pair_dataframe(metadata["pair"], "30m")

    def populate_indicators(self, dataframe, metadata):
        self.later = "12h"
        pair = metadata["pair"]
        day = "1d"
        for changed in ("2h", "6h"):
            other = "ETH/USDT"
            other = "BNB/USDT"
            self.dp.get_pair_dataframe(pair, changed)
            self.dp.get_pair_dataframe(other, "1h")
        self.dp.get_pair_dataframe(pair=pair, timeframe=day)
        self.dp.get_pair_dataframe(timeframe=self.inf_4h, pair=metadata["pair"])
        self.dp.get_pair_dataframe(metadata["pair"], self.timeframe)
        self.dp.get_pair_dataframe(metadata["pair"], self.later)
        self.dp.get_pair_dataframe(metadata["pair"], "not a timeframe")
        self.dp.get_pair_dataframe("BTC/USDT", "1h")
        self.dp.get_pair_dataframe(f"ETH/USDT", MODULE_WIDE)
        self.dp.get_pair_dataframe("BTC/USDT:USDT", "1h")
        self.dp.get_pair_dataframe(self.dp.current_whitelist()[0], "1h")
        get = self.dp.get_pair_dataframe(metadata["pair"], "15m")
        return dataframe

MODULE_WIDE = "2h"
"""
CONFIG: dict[str, Any] = {
    "max_open_trades": 3,
    "stake_currency": "USDT",
    "stake_amount": "unlimited",
    "timeframe": "1h",
    "exchange": {"name": "binance", "pair_whitelist": ["BTC/USDT"]},
}
# As long as a real one, and no secret.
FAKE = "this-is-not-a-secret"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The folder of a class, a module that it imports, and files that it does not need."""
    folder = tmp_path / "user_data" / "strategies"
    folder.mkdir(parents=True)
    (folder / "wave.py").write_text(STRATEGY)
    (folder / "signals.py").write_text("import numbers_of_mine\ncross = 1")
    (folder / "numbers_of_mine.py").write_text("")
    (folder / "other.py").write_text("class Other: pass")
    (folder / "blocked.json").write_text("[]")
    (folder / "notes.txt").write_text("")
    return folder


@pytest.fixture
def move(tmp_path: Path, source: Path) -> Callable[..., StrategyMove]:
    """Move `CONFIG` with further keys to the folder `new`."""

    def run(
        more: dict[str, Any] | None = None,
        *,
        class_name: str | None = "Wave",
        params: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> StrategyMove:
        file = tmp_path / "config.json"
        file.write_text(json.dumps(CONFIG | (more or {})))
        return move_strategy(
            [file],
            tmp_path / "new",
            class_name=class_name,
            params=params,
            source=source,
            environ=environ,
        )

    return run


def key(moved: StrategyMove, name: str) -> MovedKey:
    (found,) = (each for each in moved.keys if each.key == name)
    return found


def execution(moved: StrategyMove) -> dict[str, Any]:
    block: dict[str, Any] = json.loads(json.dumps(loaded(moved).config.canonical()["execution"]))
    return block


def loaded(moved: StrategyMove) -> LoadedConfig:
    return StrategyConfigLoader(environ={}).load_config(str(moved.folder / "strategy.yaml"))


def test_the_folder_has_a_valid_configuration_and_the_files_that_the_class_needs(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({"minimal_roi": {"0": 0.04, "30": 1e-7}, "fee": 0.001, "bot_name": "on"})

    config = loaded(moved).config
    names = sorted(file.name for file in (moved.folder / "strategies").iterdir())
    assert config.name == "on"
    assert config.pairs == ("BTC/USDT",)
    assert config.execution.stake_amount == "unlimited"
    assert execution(moved)["minimal_roi"] == {"0": "0.04", "30": "0.0000001"}
    assert names == ["blocked.json", "numbers_of_mine.py", "signals.py", "wave.py"]
    assert any("notes.txt" in notice for notice in moved.notices)


@pytest.mark.parametrize(
    ("beside", "named"),
    [
        (["a.txt", "b.txt"], "a.txt, b.txt, notes.txt"),
        (["a.txt", "b.txt", "p.txt", "q.txt"], "a.txt, b.txt, notes.txt and 2 more"),
        (["Other.json", "other.json", "third.json"], "notes.txt, third.json"),
        (["Wave.json", "wave.json"], "Wave.json, notes.txt"),
    ],
)
def test_at_most_three_files_beside_the_class_are_named_and_no_parameters_of_others(
    move: Callable[..., StrategyMove], source: Path, beside: list[str], named: str
) -> None:
    for name in beside:
        (source / name).write_text('{"strategy_name": "Wave", "params": {}}')

    notices = move().notices

    assert f"files beside the class that its code does not name: {named}" in notices


@pytest.mark.parametrize("name", ["freqtrade", ""])
def test_a_bot_without_a_name_of_its_own_has_that_of_its_class(
    move: Callable[..., StrategyMove], name: str
) -> None:
    moved = move({"bot_name": name})

    assert loaded(moved).config.name == "Wave"
    assert key(moved, "bot_name").status is KeyStatus.UNNEEDED


@pytest.mark.parametrize("name", ["a\0b", "\x1b[2J", "\u202eliar", "a\nb"])
def test_a_name_with_characters_that_are_not_shown_is_not_taken(
    move: Callable[..., StrategyMove], name: str
) -> None:
    moved = move({"bot_name": name})

    assert loaded(moved).config.name == "Wave"
    assert key(moved, "bot_name").status is KeyStatus.UNSUPPORTED
    assert "characters that are not shown" in key(moved, "bot_name").note


@pytest.mark.parametrize(
    ("modes", "is_another"),
    [
        ({"trading_mode": "futures", "margin_mode": "cross"}, True),
        ({"trading_mode": "margin"}, True),
        ({"trading_mode": "futures", "margin_mode": "isolated"}, False),
        ({"trading_mode": "spot"}, False),
        ({}, False),
    ],
)
def test_the_last_notice_says_that_another_market_is_traded(
    move: Callable[..., StrategyMove], modes: dict[str, Any], *, is_another: bool
) -> None:
    moved = move({"exchange": {"name": "binance", "pair_whitelist": ["BTC/USDT"]}, **modes})

    last = moved.notices[-1]
    assert last.startswith("the new folder trades the spot market") is is_another
    assert (f"trading_mode is {modes.get('trading_mode')}" in last) is is_another


def test_no_key_that_freqtrade_knows_is_dropped() -> None:
    blocks: dict[str, JsonValue] = {
        "telegram": {"enabled": True, "token": FAKE},
        "internals": {"sd_notify": True},
    }

    translation = translate(dict.fromkeys(IN_FILE, "text") | blocks)

    known = {moved.key.partition(".")[0] for moved in translation.keys}
    silent = [
        moved.key
        for moved in translation.keys
        if moved.status is not KeyStatus.MAPPED and not moved.note
    ]
    assert known == IN_FILE
    assert silent == []


def test_secrets_are_in_no_file_and_no_text(move: Callable[..., StrategyMove]) -> None:
    values = [f"{FAKE}-{number}" for number in range(9)]
    moved = move(
        {
            "exchange": CONFIG["exchange"]
            | {"key": values[0], "secret": values[1], "password": values[2], "uid": values[8]},
            "telegram": {"enabled": True, "token": values[3], "chat_id": values[4]},
            "api_server": {"enabled": True, "password": values[5], "jwt_secret_key": values[6]},
            "db_url": f"postgresql://me:{values[7]}@host/trades",
            "my_api_key": values[8],
        }
    )

    written = "".join(file.read_text() for file in moved.folder.rglob("*") if file.is_file())
    said = json.dumps([each.as_json() for each in moved.keys]) + " ".join(moved.notices)
    assert not any(value in written + said for value in values)
    assert key(moved, "exchange.key").status is KeyStatus.PRIVATE
    assert key(moved, "exchange.secret").place == "TRADAI_LIVE_API_SECRET"
    assert key(moved, "telegram.token").status is KeyStatus.PRIVATE
    assert key(moved, "my_api_key").status is KeyStatus.PRIVATE


def test_a_source_that_holds_a_secret_of_the_configuration_is_not_copied(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    (source / "signals.py").write_text(f"TOKEN = {FAKE!r}")

    with pytest.raises(ConfigurationError, match=r"signals\.py.*telegram\.token") as refused:
        move({"telegram": {"token": FAKE}})

    assert FAKE not in str(refused.value)
    assert not (source.parents[1] / "new").exists()


def test_a_secret_that_is_under_another_key_too_is_not_written(
    move: Callable[..., StrategyMove],
) -> None:
    with pytest.raises(ConfigurationError, match=r"strategy\.yaml.*telegram\.token") as refused:
        move({"telegram": {"token": FAKE}, "bot_name": FAKE})

    assert FAKE not in str(refused.value)


@pytest.mark.parametrize(
    ("more", "name", "reason"),
    [
        ({"trading_mode": "futures"}, "trading_mode", "futures"),
        ({"trading_mode": "futures", "margin_mode": "cross"}, "margin_mode", "isolated alone"),
        ({"liquidation_buffer": 0.1}, "liquidation_buffer", "a setting of futures"),
        ({"pairlists": [{"method": "VolumePairList"}]}, "pairlists", "VolumePairList"),
        ({"telegram": {"enabled": True, "reload": True}}, "telegram.reload", "no commands"),
        ({"webhook": {"enabled": True, "retries": 9}}, "webhook.retries", "from 0 to 2"),
        ({"orderflow": {"scale": 1}}, "orderflow", "not provided"),
        ({"version": "3"}, "version", "write that of the strategy yourself"),
        ({"pairs": ["ETH/USDT"]}, "pairs", "exchange.pair_whitelist has"),
        ({"exchange": {"demo_trading": True}}, "exchange.demo_trading", "a dry-run trades without"),
        ({"internals": {"sd_notify": True}}, "internals.sd_notify", "systemd cannot watch"),
        ({"force_entry_enable": True}, "force_entry_enable", "only the strategy"),
        ({"hyperopt_jobs": -1}, "hyperopt_jobs", "run.jobs must"),
        ({"unknown_of_freqtrade": 1, "exchange": {"odd": 1}}, "exchange.odd", "does not pass"),
        ({"dry_run_wallet": {"ETH": 1, "BTC": 2}}, "dry_run_wallet", "USDT alone"),
    ],
)
def test_a_key_that_is_not_supported_is_listed_with_its_reason(
    move: Callable[..., StrategyMove], more: dict[str, Any], name: str, reason: str
) -> None:
    moved = key(move(more), name)

    assert moved.status is KeyStatus.UNSUPPORTED
    assert reason in moved.note


def test_a_timeframe_that_goes_over_that_of_the_class_is_in_its_copy_too(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    moved = move({"timeframe": "5m"})

    timeframe = key(moved, "timeframe")
    assert (timeframe.status, timeframe.place) == (KeyStatus.MAPPED, "timeframe")
    assert timeframe.note.endswith("class Wave has 1h, and its copy 5m")
    copied = (moved.folder / "strategies" / "wave.py").read_text()
    assert copied == STRATEGY.replace('"1h"', '"5m"')
    assert (source / "wave.py").read_text() == STRATEGY


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("buy_fast = ", "hours = int(timeframe[0])\n    buy_fast = "),
        ("timeframe = ", "timeframe = '4h'\n    timeframe = "),
        ("IStrategy):\n    # wave.json\n    timeframe", "Base):\n    timeframes"),
    ],
)
def test_a_timeframe_that_the_class_computes_with_or_inherits_is_left_to_the_reader(
    move: Callable[..., StrategyMove], source: Path, old: str, new: str
) -> None:
    base = "class Base(IStrategy):\n    timeframe = '1h'\n\n\nclass Wave"
    text = STRATEGY.replace(old, new).replace("class Wave", base)
    (source / "wave.py").write_text(text)

    timeframe = key(move({"timeframe": "5m"}), "timeframe")

    assert timeframe.status is KeyStatus.UNSUPPORTED
    assert timeframe.note == "class Wave has 1h, and a run is refused: write 5m there"


@pytest.mark.parametrize(
    ("more", "environ", "shown"),
    [
        ({"timeframe": "15 m"}, {}, "'15 m'"),
        ({"timeframe": 5}, {}, "'5'"),
        ({}, {"FREQTRADE__TIMEFRAME": "5"}, "'5'"),
    ],
)
def test_a_timeframe_that_is_none_is_named(
    move: Callable[..., StrategyMove], more: dict[str, Any], environ: dict[str, str], shown: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        move(more, environ=environ)

    assert str(refused.value).startswith(
        f"the timeframe of the configuration, or of FREQTRADE__TIMEFRAME, is {shown}: write "
    )
    assert "such as" in str(refused.value)


def test_a_timeframe_of_the_class_that_is_none_is_named(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    (source / "wave.py").write_text(STRATEGY.replace('"1h"', '"1 h"'))

    with pytest.raises(ConfigurationError, match=r"^the timeframe of class Wave is '1 h': write "):
        move({"timeframe": None})


def test_candles_that_the_class_reads_besides_its_own_are_laid_out_for_it(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    (source / "wave.py").write_text(STRATEGY + READS)

    moved = move()

    series = ("@15m", "@1d", "@4h", "BTC/USDT@1h", "ETH/USDT@2h")
    assert loaded(moved).run["informative"] == series
    assert any(notice.endswith(f"besides its own: {', '.join(series)}") for notice in moved.notices)
    computed = ("wave.py:28", "wave.py:29", "wave.py:33", "wave.py:38")
    (note,) = (notice for notice in moved.notices if "is computed" in notice)
    assert note.startswith(f"{', '.join(computed)} ask for candles")


@pytest.mark.parametrize("name", ["exchange.demo_trading", "internals.sd_notify"])
def test_a_switch_that_is_off_is_not_needed(move: Callable[..., StrategyMove], name: str) -> None:
    block, _, switch = name.partition(".")

    moved = key(move({block: {**CONFIG.get(block, {}), switch: False}}), name)

    assert (moved.status, moved.note) == (KeyStatus.UNNEEDED, "is off")


def test_the_pairs_are_those_that_freqtrade_would_trade(move: Callable[..., StrategyMove]) -> None:
    names = ["BTC/USDT", "BNB/USDT", "ETH/BTC", ".*/USDT", "ETH/USDT", "SOL/USDT:USDT", "BTC/USDT"]
    exchange = {"name": "binance", "pair_whitelist": names, "pair_blacklist": ["bnb/.*"]}

    moved = move({"exchange": exchange})

    assert loaded(moved).config.pairs == ("BTC/USDT", "ETH/USDT")
    note = key(moved, "exchange.pair_whitelist").note
    assert key(moved, "exchange.pair_whitelist").status is KeyStatus.PARTIAL
    assert moved.keys[0].key == "exchange.pair_whitelist"
    assert all(name in note for name in names[1:4])
    assert "SOL/USDT:USDT is a futures pair" in note


def test_the_balance_of_the_stake_currency_is_kept_without_those_of_others(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({"dry_run_wallet": {"BTC": 2, "USDT": 2000}})

    wallet = key(moved, "dry_run_wallet")
    assert execution(moved)["starting_balance"] == "2000"
    assert (wallet.status, wallet.place) == (KeyStatus.PARTIAL, "execution.starting_balance")
    assert "without BTC" in wallet.note


def test_a_class_that_uses_the_folder_of_user_data_is_named(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    (source / "signals.py").write_text("""
cross = 1  # not user_data_dir
def targets(config):
    return config["user_data_dir"] / "targets.json"
""")

    moved = move()

    note = "signals.py:4 uses user_data_dir: each run has a new one, without your files"
    assert note in moved.notices


@pytest.mark.parametrize("name", ["execution", "jobs", "name", "run", "starting_balance"])
def test_a_name_that_freqtrade_does_not_know_is_a_key_of_the_strategy_s_own(
    move: Callable[..., StrategyMove], name: str
) -> None:
    moved = move({name: 7})

    assert key(moved, name).place == f"strategy.config.{name}"
    assert loaded(moved).config.model_dump()["strategy"]["config"] == {name: 7}
    assert loaded(moved).config.name == "Wave"


def test_whole_numbers_with_a_point_are_counts(move: Callable[..., StrategyMove]) -> None:
    moved = move({"max_open_trades": 2.0, "max_entry_position_adjustment": -1.0})

    settings = execution(moved)
    assert (settings["max_open_trades"], settings["max_entry_position_adjustment"]) == (2, -1)


def test_a_part_of_a_trade_is_no_count(move: Callable[..., StrategyMove]) -> None:
    moved = move({"max_open_trades": 2.5})

    assert "max_open_trades" not in execution(moved)
    assert key(moved, "max_open_trades").status is KeyStatus.UNSUPPORTED


def test_a_setting_without_a_value_is_not_needed(move: Callable[..., StrategyMove]) -> None:
    moved = move({"timerange": "", "fee": None})

    assert [key(moved, name).note for name in ("timerange", "fee")] == ["is empty"] * 2


def test_keys_of_the_strategy_s_own_reach_it(move: Callable[..., StrategyMove]) -> None:
    own = {"my_window": 7, "slow": "4h", "leads": ["BTC/USDT", "ETH/USDT:USDT"]}

    moved = move(own)

    assert "my_window: 7" in (moved.folder / "strategy.yaml").read_text()
    assert loaded(moved).config.model_dump()["strategy"]["config"] == own


def test_a_mistyped_key_of_freqtrade_is_listed_first_with_the_right_name(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({"trailing_stop_positive_ofset": 0.02})

    first = moved.keys[0]
    assert (first.key, first.status) == ("trailing_stop_positive_ofset", KeyStatus.DOUBTFUL)
    assert first.note.endswith("; did you mean 'trailing_stop_positive_offset'?")


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("pair_whitelist", "exchange.pair_whitelist"),
        ("process_throttle_secs", "internals.process_throttle_secs"),
    ],
)
def test_a_key_outside_of_its_block_is_listed_first_with_its_block(
    move: Callable[..., StrategyMove], key: str, path: str
) -> None:
    # Freqtrade's own user interface has a report of such a configuration: frequi 2377.
    first = move({key: ["BTC/USDT"]}).keys[0]

    assert (first.key, first.status) == (key, KeyStatus.DOUBTFUL)
    assert first.note.endswith(f": Freqtrade reads {path} alone")


def test_the_parameter_file_beside_the_class_is_read_and_the_configuration_goes_over_it(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    params = {"buy": {"buy_fast": 7}, "roi": {"0": 0.1}, "stoploss": {"stoploss": -0.2}}
    content = {"strategy_name": "Wave", "params": params, "ft_stratparam_v": 1}
    (source / "wave.json").write_text(json.dumps(content))

    moved = move({"stoploss": -0.1})

    config = loaded(moved).config
    assert config.buy_params == {"buy_fast": 7}
    assert execution(moved)["stoploss"] == "-0.1"
    assert execution(moved)["minimal_roi"] == {"0": "0.1"}
    assert key(moved, "wave.json: stoploss.stoploss").status is KeyStatus.UNNEEDED
    assert not (moved.folder / "strategies" / "wave.json").exists()


def test_a_parameter_file_of_another_class_is_refused(
    move: Callable[..., StrategyMove], tmp_path: Path
) -> None:
    (tmp_path / "other.json").write_text('{"strategy_name": "Other"}')

    with pytest.raises(ConfigurationError, match="of class Other, not of Wave"):
        move(params=tmp_path / "other.json")


def test_the_end_of_a_range_is_said_and_kept(move: Callable[..., StrategyMove]) -> None:
    moved = move({"timerange": "20250101-20250201"})

    assert loaded(moved).run["timerange"] == "1735689600-1738371600"
    assert moved.notices[0].startswith("the end of a range: Freqtrade")
    assert moved_range("20250101-", Timeframe("1h")) == "20250101-"


def test_a_range_with_a_detail_timeframe_ends_after_one_candle_of_that(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({"timerange": "20250101-20250201", "timeframe_detail": "5m"})

    assert loaded(moved).run["timerange"] == "1735689600-1738368300"


@pytest.mark.parametrize(
    ("timeframe", "stop"),
    [("4h", "2025-02-01T04:00Z"), ("1w", "2025-02-03T00:00Z"), ("1M", "2025-03-01T00:00Z")],
)
def test_a_moved_range_ends_with_the_candle_that_holds_its_stop(timeframe: str, stop: str) -> None:
    # 1 February 2025 is a Saturday: Freqtrade trades the week that opened on 27 January last.
    moved = moved_range("20250101-20250201", Timeframe(timeframe))

    assert parse_time_range(moved).stop == datetime.fromisoformat(stop)


def test_protections_are_left_out_as_freqtrade_s_backtest_does(
    move: Callable[..., StrategyMove], tmp_path: Path
) -> None:
    asked = move()
    (tmp_path / "new").rename(tmp_path / "first")
    decided = move({"enable_protections": True})

    assert asked.overrides == ("parameters.enable_protections=false",)
    assert decided.overrides == ()


def test_an_unset_order_book_keeps_freqtrade_s_default(move: Callable[..., StrategyMove]) -> None:
    moved = move({"entry_pricing": {"price_side": "other"}})

    pricing = execution(moved)["entry_pricing"]
    assert (pricing["price_side"], pricing["use_order_book"]) == ("other", False)


def test_variables_that_freqtrade_reads_go_over_the_files_and_are_named(
    move: Callable[..., StrategyMove],
) -> None:
    variables = {"FREQTRADE__EXCHANGE__KEY": FAKE, "FREQTRADE__STAKE_AMOUNT": "33", "HOME": "/"}

    moved = move(environ=variables)

    assert execution(moved)["stake_amount"] == "33"
    assert key(moved, "exchange.key").status is KeyStatus.PRIVATE
    assert [notice.split()[0] for notice in moved.notices[-2:]] == sorted(variables)[:2]
    assert FAKE not in (moved.folder / "strategy.yaml").read_text()


@pytest.mark.parametrize(
    ("more", "name", "status", "note"),
    [
        (
            {"my_feed": {"window": 5, "logins": [{"api_token": FAKE}]}},
            "my_feed",
            KeyStatus.PRIVATE,
            "secret in it: logins.0.api_token; write the rest to strategy.config.my_feed",
        ),
        (
            {"webhook": {"enabled": True, "exit": {"password": FAKE, "text": "out"}}},
            "webhook.exit",
            KeyStatus.PRIVATE,
            "secret in it: password; write the rest to engine.webhook.exit",
        ),
        (
            {"webhook": {"enabled": True, "entry": {"Auth": FAKE, "text": "in"}}},
            "webhook.entry",
            KeyStatus.PRIVATE,
            "secret in it: Auth; write the rest to engine.webhook.entry",
        ),
        (
            {"exchange": CONFIG["exchange"] | {"ccxt_config": {"apiKey": FAKE}}},
            "exchange.ccxt_config",
            KeyStatus.UNSUPPORTED,
            "tradai sets up the client of the exchange itself; secret in it: apiKey",
        ),
    ],
)
def test_a_secret_inside_a_value_is_named_and_the_value_is_not_copied(
    move: Callable[..., StrategyMove],
    more: dict[str, Any],
    name: str,
    status: KeyStatus,
    note: str,
) -> None:
    moved = move(more)

    assert (key(moved, name).status, key(moved, name).place) == (status, "")
    assert key(moved, name).note.endswith(note)
    assert FAKE not in (moved.folder / "strategy.yaml").read_text()


def test_a_source_that_holds_a_secret_from_inside_a_value_is_not_copied(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    (source / "signals.py").write_text(f"TOKEN = {FAKE!r}")

    with pytest.raises(ConfigurationError, match=r"signals\.py.*exchange\.ccxt_config\.apiKey"):
        move({"exchange": CONFIG["exchange"] | {"ccxt_config": {"apiKey": FAKE}}})


def test_each_secret_among_names_of_one_block_is_kept_out_of_the_source(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    (source / "signals.py").write_text(f"HEADER = 'token={FAKE}'")

    with pytest.raises(ConfigurationError, match=r"signals\.py.*my_value\.\*\*\*") as caught:
        move({"my_value": {f"token={FAKE}": 1, "token=of-another-service": 2}})

    assert FAKE not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {"jwt": FAKE},
        {"headers": [["Authorization", f"Basic {FAKE}1"]]},
        f"Basic {FAKE}1",
        {"headers": [{"name": "X-Api-Key", "value": FAKE}]},
        ["bearer", FAKE],
        ["--fast", "--auth", FAKE],
        f"X-Auth-Token: {FAKE}",
        f"user=bob password={FAKE}",
        f"token={FAKE}",
        json.dumps({"api_key": FAKE}),
        json.dumps(["bearer", FAKE]),
        f"https://hooks.example.com/services/T000/B000/{FAKE}",
        f"https://example.com/api/webhooks/1/{FAKE}",
        # Invented, and as long as real ones.
        {"note": f"ghp_{'A1b2' * 9} {FAKE}"},
        {"note": f"sk-{'A1b2' * 9} {FAKE}"},
        {"note": f"xoxb-123456789012-{FAKE}"},
        {f"token={FAKE}": True},
    ],
    ids=str,
)
def test_a_value_that_may_hold_a_secret_is_listed_and_not_copied(
    move: Callable[..., StrategyMove], value: object
) -> None:
    moved = move({"my_value": value})

    assert key(moved, "my_value").status is KeyStatus.PRIVATE
    assert FAKE not in (moved.folder / "strategy.yaml").read_text()
    assert not any(FAKE in str(each) for each in moved.keys)


def test_the_key_in_the_body_of_a_message_is_a_secret(move: Callable[..., StrategyMove]) -> None:
    moved = move({"webhook": {"enabled": True, "entry": {"key": FAKE, "text": "in"}}})

    assert key(moved, "webhook.entry").status is KeyStatus.PRIVATE
    assert FAKE not in (moved.folder / "strategy.yaml").read_text()


def test_a_key_whose_name_looks_like_a_secret_is_listed_without_it(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({f"token={FAKE}": 1})

    assert key(moved, "***").status is KeyStatus.PRIVATE
    assert FAKE not in (moved.folder / "strategy.yaml").read_text()


@pytest.mark.parametrize(
    "value",
    [
        {"windows": [5, 20], "key": "close", "pass": 2, "pin": True, "auth": False},
        ["token", "volume", "key"],
        ["close", "volume"],
        {"name": "rsi", "value": 14},
        "a basic crossover of 2 averages: buy low, sell high",
        "https://example.com/docs?page=2",
        '{"window": 5, "pairs": ["BTC/USDT"]}',
        "sk-learn-random-forest-classifier",
        {"BTC/USDT": 0.5, "fee_token": "BNB"},
    ],
    ids=str,
)
def test_an_ordinary_value_is_no_secret(move: Callable[..., StrategyMove], value: object) -> None:
    moved = move({"freqai": {"enabled": True, "model_training_parameters": {"my_value": value}}})

    assert key(moved, "freqai").status is KeyStatus.MAPPED


WORD, NUMBER = "hunter", "20406080"


@pytest.mark.parametrize(
    ("more", "name", "named"),
    [
        ({"note": WORD}, "note", "does not know note,"),
        ({"login": f"bob:S{WORD}"}, "login", "no setting takes it"),
        ({"login_of_broker": 20406080}, "login_of_broker", "no setting takes it"),
        ({"my_feed": {"n": 1, "users": ["", WORD]}}, "my_feed", "know my_feed.users.1,"),
        ({"access": {"apiKeyId": WORD}}, "access", "secret in it: apiKeyId"),
        ({"freqai": {"enabled": True, "bot": WORD}}, "freqai", "know freqai.bot,"),
        ({"telegram": {"enabled": True, "bot": WORD}}, "telegram.bot", "know telegram.bot,"),
        (
            {"webhook": {"enabled": True, "status": {"my_login": WORD}}},
            "webhook.status",
            "secret in it: my_login",
        ),
        ({"unfilledtimeout": {"bot": WORD}}, "unfilledtimeout", "know unfilledtimeout.bot,"),
        ({"entry_pricing": {"bot": WORD}}, "entry_pricing.bot", "entry_pricing.bot"),
        ({"order_types": {"bot": WORD}}, "order_types", "know order_types.bot,"),
        ({"trailing_stop_positive_ofset": WORD}, "trailing_stop_positive_ofset", "did you mean"),
    ],
)
def test_a_word_whose_key_freqtrade_does_not_know_or_that_names_a_credential_is_not_copied(
    move: Callable[..., StrategyMove], more: dict[str, Any], name: str, named: str
) -> None:
    moved = move(more)

    assert key(moved, name).place == ""
    assert named in key(moved, name).note
    written = "".join(file.read_text() for file in moved.folder.rglob("*") if file.is_file())
    said = written + json.dumps([each.as_json() for each in moved.keys])
    assert WORD not in said
    assert NUMBER not in said


def test_a_secret_in_a_block_that_is_off_has_no_place_to_write_the_rest_to(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({"webhook": {"enabled": False, "status": {"my_login": WORD}}})

    assert key(moved, "webhook.status").status is KeyStatus.UNNEEDED
    assert key(moved, "webhook.status").note == "webhook is off"
    assert not any(WORD in file.read_text() for file in moved.folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("value", [math.nan, {"x": 1, "y": [math.inf]}, [-math.inf]], ids=str)
def test_a_number_that_is_not_finite_is_not_supported(
    move: Callable[..., StrategyMove], value: object
) -> None:
    moved = move({"my_value": value, "my_window": 7})

    assert key(moved, "my_value").status is KeyStatus.UNSUPPORTED
    assert key(moved, "my_value").note == "has a number that is not finite"
    assert loaded(moved).config.model_dump()["strategy"]["config"] == {"my_window": 7}


def test_the_deepest_value_that_is_taken_is_read_by_a_run(
    move: Callable[..., StrategyMove],
) -> None:
    value: dict[str, Any] = {"a": 1}
    for _ in range(DEEPEST - 1):
        value = {"a": value}
    webhook = {"enabled": True, "url": FAKE, "entry": value["a"]}

    moved = move({"my_tree": value, "webhook": webhook})

    block = loaded(moved).config.model_dump()
    assert block["strategy"]["config"]["my_tree"] == value
    assert block["engine"]["webhook"]["entry"] == value["a"]


def test_a_variable_with_a_dot_in_its_name_leaves_the_block_as_it_is(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({"minimal_roi": {"0": 0.5}}, environ={"FREQTRADE__MINIMAL_ROI.X": "1"})

    assert execution(moved)["minimal_roi"] == {"0": "0.5"}
    assert key(moved, "minimal_roi.x").status is KeyStatus.UNSUPPORTED


def test_a_name_with_a_dot_is_not_the_key_of_a_block(move: Callable[..., StrategyMove]) -> None:
    moved = key(move({"unfilledtimeout.entry": 5}), "unfilledtimeout.entry")

    assert moved.status is KeyStatus.UNSUPPORTED
    assert moved.note == "no setting takes a name with a dot: rename it"


def test_a_folder_that_is_there_is_not_overwritten(
    move: Callable[..., StrategyMove], tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine")

    with pytest.raises(ConfigurationError, match="is there already"):
        move()

    assert [file.name for file in (tmp_path / "new").iterdir()] == ["mine.txt"]
    assert not list(tmp_path.glob(".new*"))


def test_a_class_that_is_nowhere_is_named_with_the_folders(
    move: Callable[..., StrategyMove],
) -> None:
    with pytest.raises(NotFoundError, match=r"no class Wavee in .*did you mean 'Wave'"):
        move(class_name="Wavee")


@pytest.mark.parametrize(
    ("old", "hint"),
    [("", ""), ("ticker_interval = '4h'", r" \(its ticker_interval 4h is read no longer\)")],
)
def test_a_class_and_a_configuration_without_a_timeframe_are_refused(
    move: Callable[..., StrategyMove], source: Path, old: str, hint: str
) -> None:
    (source / "wave.py").write_text(STRATEGY.replace('timeframe = "1h"', old))

    with pytest.raises(ConfigurationError, match=f"nor class Wave has a timeframe{hint}: write it"):
        move({"timeframe": None})


def test_a_configuration_without_a_class_asks_for_one(move: Callable[..., StrategyMove]) -> None:
    with pytest.raises(ConfigurationError, match="--strategy"):
        move(class_name=None)


@pytest.mark.parametrize(
    ("more", "name", "place"),
    [
        ({"exchange": {"outdated_offset": 7}}, "exchange.outdated_offset", "engine."),
        ({"exchange": {"unknown_fee_rate": 1}}, "exchange.unknown_fee_rate", "engine."),
        ({"backtest_breakdown": ["day"]}, "backtest_breakdown", "engine."),
        (
            {"entry_pricing": {"check_depth_of_market": {"enabled": True}}},
            "entry_pricing.check_depth_of_market",
            "execution.",
        ),
    ],
)
def test_a_key_of_the_engine_without_a_place_of_its_own_is_mapped_to_the_block(
    move: Callable[..., StrategyMove], more: dict[str, Any], name: str, place: str
) -> None:
    moved = key(move(more), name)

    assert (moved.status, moved.place) == (KeyStatus.MAPPED, f"{place}{name}")


@pytest.mark.parametrize(
    "name", ["minimum_trade_amount", "startup_candle", "targeted_trade_amount"]
)
def test_a_setting_of_the_analysis_for_bias_has_no_place(
    move: Callable[..., StrategyMove], name: str
) -> None:
    moved = key(move({name: 12}), name)

    assert (moved.status, moved.note) == (
        KeyStatus.UNSUPPORTED,
        "`analyse CONFIG --bias` decides it",
    )


def test_the_file_of_a_lookahead_analysis_is_not_needed_because_its_run_keeps_it(
    move: Callable[..., StrategyMove],
) -> None:
    name = "lookahead_analysis_exportfilename"

    assert key(move({name: "bias.csv"}), name).status is KeyStatus.UNNEEDED


@pytest.mark.parametrize(
    ("block", "is_on", "status"),
    [
        ("entry_pricing", False, KeyStatus.UNNEEDED),
        ("exit_pricing", False, KeyStatus.UNNEEDED),
        ("exit_pricing", True, KeyStatus.UNSUPPORTED),
    ],
)
def test_a_depth_of_the_market_that_checks_no_entry_is_not_written(
    move: Callable[..., StrategyMove], block: str, *, is_on: bool, status: KeyStatus
) -> None:
    check = {"enabled": is_on, "bids_to_ask_delta": 1}
    folder = move({block: {"check_depth_of_market": check}})

    moved = key(folder, f"{block}.check_depth_of_market")
    assert (moved.status, moved.place) == (status, "")
    assert "check_depth_of_market" not in execution(folder)[block]


def futures(pairs: list[str], **more: object) -> dict[str, Any]:
    """A configuration of isolated futures on Binance with `pairs`."""
    exchange = {"name": "binance", "pair_whitelist": pairs, "pair_blacklist": ["BNB/.*"]}
    return {
        "trading_mode": "futures",
        "margin_mode": "isolated",
        "exchange": exchange,
        **more,
    }


@pytest.mark.parametrize("name", ["binance", "binanceusdm"])
def test_isolated_futures_of_binance_become_its_futures_exchange(
    move: Callable[..., StrategyMove], name: str
) -> None:
    more = {"liquidation_buffer": 0.1, "futures_funding_rate": 0}
    old = futures(["BTC/USDT:USDT", "BTC/USDC:USDC", "ETH/USDT", "BNB/USDT:USDT"], **more)
    old["exchange"]["name"] = name

    moved = move(old)

    config = loaded(moved).config
    assert (config.exchange, config.pairs) == ("binance_futures", ("BTC/USDT:USDT",))
    assert config.model_dump()["engine"] == more
    for mode in ("trading_mode", "margin_mode"):
        assert key(moved, mode).status is KeyStatus.UNNEEDED
        assert "isolated futures" in key(moved, mode).note
    note = key(moved, "exchange.pair_whitelist").note
    assert "BTC/USDC:USDC is not a contract settled in USDT" in note
    assert "ETH/USDT is not a contract settled in USDT" in note
    assert "BNB/USDT:USDT is on the blacklist" in note


def test_cross_margin_leaves_no_pair_and_says_why(move: Callable[..., StrategyMove]) -> None:
    moved = move(futures(["BTC/USDT:USDT"], margin_mode="cross"))

    whitelist = key(moved, "exchange.pair_whitelist")
    assert whitelist.status is KeyStatus.UNSUPPORTED
    assert "margin_mode isolated alone" in whitelist.note
    assert loaded(moved).config.exchange == "binance"


def test_messages_are_moved_with_references_in_place_of_their_secrets(
    move: Callable[..., StrategyMove],
) -> None:
    address = f"http://127.0.0.1:9/{FAKE}"
    moved = move(
        {
            "telegram": {"enabled": True, "token": f"1:{FAKE}", "chat_id": "0", "topic_id": "7"},
            "webhook": {
                "enabled": True,
                "url": address,
                "format": "json",
                "entry": {"a": "{pair}"},
            },
            "discord": {"enabled": False, "webhook_url": f"{address}/2", "entry": [{"a": "b"}]},
        }
    )

    assert loaded(moved).config.canonical()["engine"] == {
        "telegram": {
            "enabled": True,
            "token": "env:TELEGRAM_TOKEN",
            "chat_id": "env:TELEGRAM_CHAT_ID",
            "topic_id": "7",
        },
        "webhook": {
            "enabled": True,
            "url": "env:WEBHOOK_URL",
            "format": "json",
            "entry": {"a": "{pair}"},
        },
    }
    assert key(moved, "webhook.url").place == "engine.webhook.url"
    assert "WEBHOOK_URL" in key(moved, "webhook.url").note
    assert key(moved, "discord.webhook_url").note == "its value is not copied: discord is off"
    assert key(moved, "discord.entry").status is KeyStatus.UNNEEDED
    written = "".join(file.read_text() for file in moved.folder.rglob("*") if file.is_file())
    assert FAKE not in written


def test_an_empty_roi_goes_over_the_one_of_the_class_as_in_freqtrade(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move({"minimal_roi": {}, "log_config": {}})

    assert key(moved, "minimal_roi").place == "execution.minimal_roi"
    assert execution(moved)["minimal_roi"] == {}
    assert key(moved, "log_config").status is KeyStatus.UNNEEDED


def test_settings_by_their_old_names_are_mapped_to_the_present_ones(
    move: Callable[..., StrategyMove],
) -> None:
    moved = move(
        {
            "sell_profit_only": True,
            "order_types": {"buy": "limit", "sell": "market", "emergencysell": "market"}
            | {"stoploss": "market", "stoploss_on_exchange": False},
            "unfilledtimeout": {"buy": 7, "unit": "minutes"},
            "bid_strategy": {"price_side": "ask", "ask_last_balance": 0.5},
            "ask_strategy": {"order_book_min": 1, "use_sell_signal": True},
            "webhook": {"enabled": True, "webhookbuyfill": {"text": "in"}, "webhookstatus": {}},
        }
    )

    config = loaded(moved).config
    settings = execution(moved)
    assert settings["exit_profit_only"] is True
    assert settings["order_types"]["emergency_exit"] == "market"
    assert settings["order_types"].keys() >= {"entry", "exit"}
    assert settings["unfilledtimeout"] == {"entry": 7, "unit": "minutes"}
    assert settings["entry_pricing"]["price_last_balance"] == "0.5"
    assert "entry_fill" in json.dumps(config.model_dump(mode="json")["engine"])
    assert "strategy.config" not in {each.place.rpartition(".")[0] for each in moved.keys}


@pytest.mark.parametrize(
    ("name", "status", "note"),
    [
        ("sell_profit_only", KeyStatus.MAPPED, "is exit_profit_only now"),
        ("order_types", KeyStatus.MAPPED, "buy is entry now; sell is exit now"),
        ("bid_strategy.ask_last_balance", KeyStatus.MAPPED, "entry_pricing.price_last_balance now"),
        ("webhook.webhookbuy", KeyStatus.MAPPED, "is webhook.entry now"),
        ("webhook.webhookstatus", KeyStatus.UNSUPPORTED, "write status, startup"),
        ("ask_strategy.order_book_min", KeyStatus.UNSUPPORTED, "write order_book_top"),
        ("ask_strategy.use_sell_signal", KeyStatus.UNSUPPORTED, "write use_exit_signal"),
    ],
)
def test_a_setting_is_listed_by_the_old_name_that_the_file_has(
    move: Callable[..., StrategyMove], name: str, status: KeyStatus, note: str
) -> None:
    orders = {"buy": "limit", "sell": "limit", "stoploss": "market", "stoploss_on_exchange": False}
    moved = move(
        {
            "sell_profit_only": True,
            "order_types": orders,
            "bid_strategy": {"ask_last_balance": 0.5},
            "ask_strategy": {"order_book_min": 1, "use_sell_signal": True},
            "webhook": {"enabled": True, "webhookbuy": {"a": "b"}, "webhookstatus": {"a": "b"}},
        }
    )

    assert key(moved, name).status is status
    assert note in key(moved, name).note


def test_two_old_rows_of_the_book_that_are_one_are_the_row_of_today(
    move: Callable[..., StrategyMove],
) -> None:
    rows = {"use_order_book": True, "order_book_min": 2, "order_book_max": 2}

    moved = move({"ask_strategy": rows})

    assert execution(moved)["exit_pricing"]["order_book_top"] == 2
    assert key(moved, "ask_strategy.order_book_min").status is KeyStatus.MAPPED
    assert key(moved, "ask_strategy.order_book_max").status is KeyStatus.UNNEEDED


@pytest.mark.parametrize(
    "rows",
    [
        {"use_order_book": True, "order_book_min": 1, "order_book_max": 3},
        {"use_order_book": False, "order_book_min": 2, "order_book_max": 2},
    ],
)
def test_several_old_rows_of_the_book_or_rows_that_are_not_used_are_not_supported(
    move: Callable[..., StrategyMove], rows: dict[str, object]
) -> None:
    moved = move({"ask_strategy": rows})

    for name in ("order_book_min", "order_book_max"):
        assert key(moved, f"ask_strategy.{name}").status is KeyStatus.UNSUPPORTED


def test_a_class_that_is_refused_is_named_in_its_own_folder(
    move: Callable[..., StrategyMove], source: Path
) -> None:
    (source / "wave.py").write_text(STRATEGY.replace("class Wave(", "class Wave ("))

    with pytest.raises(ConfigurationError, match="the engine cannot find class Wave") as refused:
        move()

    assert str(refused.value).startswith(f"{source / 'wave.py'}:7: ")
    assert refused.value.source == f"{source / 'wave.py'}:7"


def test_a_setting_by_both_of_its_names_is_refused_as_by_freqtrade(
    move: Callable[..., StrategyMove],
) -> None:
    both = {"sell_profit_only": True, "exit_profit_only": False}

    with pytest.raises(ConfigurationError, match="sell_profit_only and exit_profit_only are one"):
        move(both)


@pytest.mark.parametrize(
    ("name", "status", "note"),
    [
        ("kraken", KeyStatus.MAPPED, "in backtests only; `markets capture` fetches"),
        ("probit", KeyStatus.UNSUPPORTED, "a run refuses it: it is not supported"),
    ],
)
def test_another_exchange_is_kept_with_the_modes_that_it_has(
    move: Callable[..., StrategyMove], name: str, status: KeyStatus, note: str
) -> None:
    moved = move({"exchange": {"name": name, "pair_whitelist": ["BTC/USDT"]}})

    assert loaded(moved).config.exchange == name
    assert key(moved, "exchange.name").status is status
    assert note in key(moved, "exchange.name").note


@pytest.mark.parametrize("stake", [100, None, ...])
def test_a_configuration_without_a_stake_is_said_to_need_one(
    move: Callable[..., StrategyMove], monkeypatch: pytest.MonkeyPatch, stake: object
) -> None:
    # The last one stands for a configuration without the key.
    monkeypatch.delitem(CONFIG, "stake_amount")

    moved = move({} if stake is ... else {"stake_amount": stake})

    note = "no stake: write that of a trade to `execution.stake_amount` before the first run"
    assert (note in moved.notices) is (stake != 100)


@pytest.mark.parametrize("names", [["BTC/USDT"], []])
def test_a_configuration_without_pairs_is_said_to_need_some(
    move: Callable[..., StrategyMove], names: list[str]
) -> None:
    moved = move({"exchange": {"name": "binance", "pair_whitelist": names}})

    note = "no pairs: write those to trade to `pairs` before the first run"
    assert (note in moved.notices) is not bool(names)
