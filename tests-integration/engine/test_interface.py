"""The tables of docs/reference/strategy-interface.md against the installed engine."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.core import Execution, StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint import RunParameters
from tradai.entrypoint.freqtrade._new_folder.key_notes import TEXTS
from tradai.entrypoint.freqtrade._preparation.class_settings import check_class
from tradai.entrypoint.freqtrade._preparation.engine_config import engine_config
from tradai.entrypoint.freqtrade._preparation.engine_options import OPTIONS
from tradai.entrypoint.freqtrade._preparation.engine_settings import AT_RUN_TIME, IN_FILE
from tradai.entrypoint.freqtrade._strategy.misspellings import INTERFACE, SIGNALS
from tradai.entrypoint.freqtrade._strategy.order_types import DEFAULTS
from tradai.entrypoint.freqtrade._strategy.protections import PROTECTIONS
from tradai.entrypoint.freqtrade._strategy.source import inspect_source

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/reference/strategy-interface.md"
SECTIONS: Final = dict(
    section.split("\n", 1) for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
)
ROW: Final = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<treatment>\w+) \| (?P<note>.*) ?\|$", re.MULTILINE
)
ATTRIBUTES: Final = {row["name"]: row for row in ROW.finditer(SECTIONS["Attributes"])}
CALLBACKS: Final = {row["name"]: row for row in ROW.finditer(SECTIONS["Callbacks"])}
OPTIONS_OF_PROTECTIONS: Final = {
    name: set(re.findall(r"`(\w+)`", options))
    for name, options in re.findall(
        r"^\| `(\w+)` \| (.*) \|$", SECTIONS["Protections"], re.MULTILINE
    )
}
OWN: Final = set(re.findall(r"`(\w+)`", SECTIONS["Methods of the engine"])) - {"IStrategy"}
CONFIG: Final = {
    "name": "wave",
    "version": "1.0.0",
    "timeframe": "5m",
    "pairs": ["BTC/USDT"],
    "execution": {"stake_amount": 50},
}
# A value of each attribute that holds, other than the engine's default.
VALUES: Final[dict[str, object]] = {
    "INTERFACE_VERSION": 2,
    "disable_dataframe_checks": True,
    "exit_profit_offset": 0.01,
    "exit_profit_only": True,
    "ignore_buying_expired_candle_after": 7,
    "ignore_roi_if_entry_signal": True,
    "max_entry_position_adjustment": 3,
    "max_open_trades": 5,
    "minimal_roi": {"0": 0.07, "30": -1},
    "order_time_in_force": {"entry": "IOC", "exit": "IOC"},
    "order_types": {
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
    },
    "plot_config": {"main_plot": {}},
    "position_adjustment_enable": True,
    "process_only_new_candles": False,
    "protections": [{"method": "CooldownPeriod", "stop_duration_candles": 9}],
    "startup_candle_count": 77,
    "stoploss": -0.07,
    "trailing_only_offset_is_reached": True,
    "trailing_stop": True,
    "trailing_stop_positive": 0.03,
    "trailing_stop_positive_offset": 0.04,
    "unfilledtimeout": {"entry": 3, "exit": 4},
    "use_custom_roi": True,
    "use_custom_stoploss": True,
    "use_exit_signal": False,
}
# The engine sets these, or the configuration of a run always does.
NEVER_HELD: Final = {"dp", "market_direction", "stake_amount", "stake_currency", "wallets"}
METHODS: Final = "".join(
    f"    def {name}(self, dataframe, metadata): return dataframe\n"
    for name in ("populate_indicators", "populate_entry_trend", "populate_exit_trend")
)
# Loads a strategy as a run does, and prints the attributes that it has then, the names of the
# interface, those that the engine's configuration may have, and the options that each protection
# asks its settings for.
SCRIPT: Final = """
import json, logging, sys
from freqtrade.commands.cli_options import AVAILABLE_CLI_OPTIONS
from freqtrade.config_schema.config_schema import CONF_SCHEMA
from freqtrade.configuration import Configuration, validate_config_consistency
from freqtrade.enums import RunMode, SignalTagType, SignalType
from freqtrade.resolvers import ProtectionResolver, StrategyResolver
from freqtrade.strategy import IStrategy
folder, names = sys.argv[1], json.loads(sys.argv[2])
arguments = {"config": [folder + "/config.json"], "strategy": "Wave", "strategy_path": folder,
             "user_data_dir": folder, "datadir": folder, "dry_run": True}
config = Configuration(arguments, RunMode.BACKTEST).get_config()
validate_config_consistency(config, preliminary=True)
strategy = StrategyResolver.load_strategy(config)
classes = [each for each in IStrategy.__mro__ if each.__module__.startswith("freqtrade")]
interface = {n for each in classes for n in {*vars(each), *vars(each).get("__annotations__", {})}}
class Asked(dict):
    def __contains__(self, name):
        asked.add(name)
        return False
    def get(self, name, default=None):
        asked.add(name)
        return default
options = {}
for name in [each["name"] for each in ProtectionResolver.search_all_objects(config, False)]:
    asked = set()
    ProtectionResolver.load_protection(name, config=config, protection_config=Asked())
    options[name] = sorted(asked | {"method"})
def texts(name):
    part = CONF_SCHEMA["properties"][name]
    if "$ref" in part:
        part = CONF_SCHEMA["definitions"][part["$ref"].rpartition("/")[2]]
    kinds = {key: each.get("type", "string") for key, each in part["properties"].items()}
    return sorted(key for key, kind in kinds.items() if kind in ("array", "object", "string"))
print(json.dumps({
    "protections": options,
    "signals": [*SignalType, *SignalTagType],
    "values": {name: getattr(strategy, name, None) for name in names},
    "interface": sorted(name for name in interface if not name.startswith("_")),
    "order_types": IStrategy.order_types,
    "in_file": sorted(CONF_SCHEMA["properties"]),
    "texts": {name: texts(name) for name in json.loads(sys.argv[3])},
    "settings": sorted({*CONF_SCHEMA["properties"], *AVAILABLE_CLI_OPTIONS}),
}))
"""


@pytest.fixture(scope="module")
def loaded(engine_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Answers of the engine about a strategy that sets every attribute."""
    folder = tmp_path_factory.mktemp("interface")
    lines = "".join(f"    {name} = {value!r}\n" for name, value in VALUES.items())
    head = (
        "from freqtrade.strategy import IStrategy\nclass Wave(IStrategy):\n    timeframe = '5m'\n"
    )
    (folder / "wave.py").write_text(head + lines + METHODS)
    rendered = engine_config(StrategyConfig.model_validate(CONFIG), TradingMode.BACKTEST)
    (folder / "config.json").write_text(json.dumps(rendered))
    done = subprocess.run(
        [
            engine_bin / "python",
            "-c",
            SCRIPT,
            folder,
            json.dumps(list(VALUES)),
            json.dumps(list(TEXTS)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_each_name_of_the_interface_is_in_one_of_the_tables(loaded: dict[str, Any]) -> None:
    assert {*ATTRIBUTES, *CALLBACKS, *OWN} - {"stake_amount", "unfilledtimeout"} == set(
        loaded["interface"]
    )
    assert not OWN & {*ATTRIBUTES, *CALLBACKS}


def test_an_attribute_of_the_class_that_no_key_goes_over_holds(loaded: dict[str, Any]) -> None:
    held = {
        name
        for name, row in ATTRIBUTES.items()
        if row["treatment"] in {"honoured", "mapped"} and name not in NEVER_HELD
    }
    values = {**VALUES, "minimal_roi": {"0": 0.07, "30": -1}}

    assert VALUES.keys() == held
    assert loaded["values"] == values


@pytest.mark.parametrize("name", [*ATTRIBUTES, *CALLBACKS])
def test_the_key_of_a_row_exists(name: str) -> None:
    row = (ATTRIBUTES | CALLBACKS)[name]
    known = {
        *StrategyConfig.model_fields,
        *(f"execution.{field}" for field in Execution.model_fields),
        *(f"parameters.{option}" for option in OPTIONS),
        *(f"run.{field}" for field in RunParameters.model_fields),
    }

    assert row["treatment"] in {"honoured", "mapped", "equal", "refused"}
    if row["treatment"] in {"mapped", "equal"}:
        key = re.match(r"`([\w.]+)`", row["note"])
        assert key is not None
        assert key[1] in known


@pytest.mark.parametrize(
    ("name", "value"),
    [("can_short", True), ("timeframe", "1h")],
)
def test_a_value_that_a_row_refuses_is_refused(tmp_path: Path, name: str, value: object) -> None:
    (tmp_path / "wave.py").write_text(f"class Wave(IStrategy):\n    {name} = {value!r}\n")

    assert ATTRIBUTES[name]["treatment"] in {"equal", "refused"}
    with pytest.raises(ConfigurationError, match=name):
        check_class(StrategyConfig.model_validate(CONFIG), inspect_source(tmp_path, "Wave"))


def test_every_setting_of_the_engine_that_takes_a_text_in_a_block_is_known(
    loaded: dict[str, Any],
) -> None:
    assert {block: frozenset(names) for block, names in loaded["texts"].items()} == TEXTS


def test_the_page_explains_every_parameter() -> None:
    assert set(re.findall(r"\| `parameters\.(\w+)` \|", SECTIONS["`parameters`"])) == OPTIONS


def test_every_setting_of_the_engine_is_known(loaded: dict[str, Any]) -> None:
    in_file, all_settings = set(loaded["in_file"]), set(loaded["settings"])

    assert in_file == IN_FILE
    assert all_settings <= IN_FILE | AT_RUN_TIME
    assert all_settings | {"use_custom_stoploss"} >= OPTIONS


def test_order_types_are_filled_with_those_of_the_engine(loaded: dict[str, Any]) -> None:
    assert loaded["order_types"] == DEFAULTS


def test_the_options_of_each_protection_are_those_of_the_engine(loaded: dict[str, Any]) -> None:
    assert {name: set(options) for name, options in loaded["protections"].items()} == PROTECTIONS
    named = {name: {*options} - {"method"} for name, options in PROTECTIONS.items()}
    assert named == OPTIONS_OF_PROTECTIONS


def test_misspelt_names_are_compared_with_those_of_the_engine(loaded: dict[str, Any]) -> None:
    assert {*ATTRIBUTES, *CALLBACKS} == INTERFACE
    assert set(loaded["signals"]) == SIGNALS
