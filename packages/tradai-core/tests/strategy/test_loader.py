"""The loader: one frozen configuration from layers, or one error that lists every problem."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tradai.core import (
    ConfigLayer,
    Execution,
    JsonValue,
    LayerData,
    LoadedConfig,
    MemoryStore,
    Origin,
    OverridesLayer,
    StrategyConfigLoader,
    YamlLayer,
)

# Counted by a test: where a value was written must not be searched for again and again.
from tradai.core._documents import tree
from tradai.core.exceptions import ConfigurationError, NotFoundError

TREND = """\
name: trend
version: 1.0.0
timeframe: 5m
pairs: [BTC/USDT, ETH/USDT]
strategy:
  class: Trend
  source: trend.py
execution:
  stake_amount: 50
  minimal_roi: {0: 0.1, 30: 0.05}
run:
  timerange: 20250101-20250401
"""
FAKE = "obviously-fake-value-1"
FAKE_AWS = "AKIA" + "FAKE" * 4
FAKE_EXCHANGE_KEY = "Fake" * 16


class Layer:
    """A layer with the given values."""

    name = "test layer"

    def __init__(self, **values: JsonValue) -> None:
        self._values = values

    def load(self) -> LayerData:
        # Only the outer keys: a layer need not know more.
        origins = {key: Origin(source="layer") for key in self._values}
        return LayerData(values=self._values, origins=origins)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trend.yaml"
    path.write_text(TREND)
    return path


def _load(
    file: Path,
    text: str = TREND,
    *,
    environ: dict[str, str] | None = None,
    overrides: tuple[str, ...] = (),
) -> LoadedConfig:
    file.write_text(text)
    return StrategyConfigLoader(environ=environ or {}).load_config(file, overrides=overrides)


def _problems(
    file: Path,
    text: str,
    *,
    environ: dict[str, str] | None = None,
    overrides: tuple[str, ...] = (),
) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        _load(file, text, environ=environ, overrides=overrides)
    lines = str(caught.value).replace(str(file), "f").splitlines()
    return lines[1:] if lines[0].endswith("problems") else lines


def _reachable(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (repr(error), str(error), repr(error.args), repr(vars(error)))
        error = error.__cause__ or error.__context__


def test_a_file_becomes_a_frozen_configuration(file: Path) -> None:
    loaded = _load(file)

    assert loaded.config.pairs == ("BTC/USDT", "ETH/USDT")
    assert loaded.run == {"timerange": "20250101-20250401"}
    assert loaded.folder == file.parent
    assert loaded.warnings == ()


def test_the_run_block_is_not_part_of_the_digest(file: Path) -> None:
    assert _load(file).digest == _load(file, TREND.replace("20250401", "20250501")).digest


def test_each_leaf_says_where_it_was_written(file: Path) -> None:
    provenance = {key: str(origin) for key, origin in _load(file).provenance.items()}

    assert {key: where.replace(str(file), "f") for key, where in provenance.items()} == {
        "name": "f:1",
        "version": "f:2",
        "timeframe": "f:3",
        "pairs": "f:4",
        "strategy.class": "f:6",
        "strategy.source": "f:7",
        "execution.stake_amount": "f:9",
        "execution.minimal_roi.0": "f:10",
        "execution.minimal_roi.30": "f:10",
        "run.timerange": "f:12",
        "execution.starting_balance": "default",
        "stake_currency": "default",
        "exchange": "default",
        "parameters": "default",
        "buy_params": "default",
        "sell_params": "default",
    }


def test_where_each_leaf_was_written_is_looked_up_once(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[str] = []
    asked: list[object] = []

    def count_walk(values: Mapping[str, JsonValue]) -> dict[tuple[str | int, ...], JsonValue]:
        walks.append("leaves")
        return tree.leaves(values)

    def count_lookup(values: JsonValue, path: tuple[str | int, ...]) -> bool:
        asked.append(path)
        return tree.defines_path(values, path)

    monkeypatch.setattr("tradai.core._layers.merge.leaves", count_walk)
    monkeypatch.setattr("tradai.core._layers.merge.defines_path", count_lookup)

    loaded = _load(file, environ={"TRADAI_STRATEGY__EXCHANGE": "kraken"})

    written = [key for key, origin in loaded.provenance.items() if str(origin) != "default"]
    layers = 3
    assert len(walks) == 1
    assert len(asked) == layers * len(written)


@pytest.mark.parametrize("key", ["class", "class_name"])
def test_both_keys_for_the_class_of_the_strategy_are_one_key(file: Path, key: str) -> None:
    text = TREND.replace("class:", f"{key}:")

    loaded = _load(file, text, overrides=("strategy.class_name=Other",))

    assert loaded.config.strategy is not None
    assert loaded.config.strategy.class_name == "Other"
    assert str(loaded.provenance["strategy.class"]) == "command line"
    assert str(loaded.shadowed["strategy.class"][0]) == f"{file}:6"
    assert "strategy.class_name" not in loaded.provenance


def test_a_key_with_a_dot_has_a_place_of_its_own(file: Path) -> None:
    loaded = _load(file, TREND + "parameters:\n  a.b: 1\n  a:\n    b: 2\n")

    assert loaded.provenance['parameters."a.b"'].line == 14
    assert loaded.provenance["parameters.a.b"].line == 16


def test_a_configuration_has_a_short_name(file: Path) -> None:
    loaded = _load(file)

    assert loaded.id == f"v1-{loaded.digest[:8]}"


class TagsLayer:
    """Tags of a model registry: flat names, all values text; as a plug-in would write it."""

    name = "registry"

    def __init__(self, tags: dict[str, str]) -> None:
        self._tags = tags

    def load(self) -> LayerData:
        entries = [
            OverridesLayer([f"{key}={text}"]).load().values for key, text in self._tags.items()
        ]
        values: dict[str, JsonValue] = {key: one for entry in entries for key, one in entry.items()}
        origins = {key: Origin(source=f"registry tag {key}") for key in self._tags}
        return LayerData(values=values, origins=origins)


def test_a_store_and_a_registry_plug_in_as_layers(file: Path) -> None:
    store = MemoryStore()
    store.write("memory:desk.yaml", b"exchange: kraken\nexecution: {stoploss: -0.2}\n")
    layers: list[ConfigLayer] = [
        YamlLayer("memory:desk.yaml", store=store),
        TagsLayer({"execution.fee": "0.0010000000000000001", "version": "2.0.0"}),
    ]

    loaded = StrategyConfigLoader(layers=layers, environ={}).load_config(file)

    assert loaded.config.exchange == "kraken"
    assert str(loaded.config.execution.fee) == "0.0010000000000000001"
    assert str(loaded.provenance["execution.stoploss"]) == "memory:desk.yaml:2"
    assert str(loaded.provenance["version"]) == "registry tag version"
    assert [str(one) for one in loaded.shadowed["version"]] == [f"{file}:2"]


def test_a_block_that_was_replaced_is_missing_where_it_was_replaced(file: Path) -> None:
    environ = {"TRADAI_STRATEGY__STRATEGY": "null", "TRADAI_STRATEGY__STRATEGY__CLASS": "Other"}

    (problem,) = _problems(file, TREND, environ=environ)

    assert problem == "TRADAI_STRATEGY__STRATEGY__CLASS: strategy.source: is missing; set it"


def test_higher_layers_win_and_lower_ones_are_remembered(file: Path, tmp_path: Path) -> None:
    patch = tmp_path / "patch.yaml"
    patch.write_text("execution:\n  stake_amount: 60\n  fee: 0.001\nexchange: kraken\n")
    file.write_text(TREND)
    loader = StrategyConfigLoader(
        layers=[Layer(exchange="binance", parameters={"a": 1})],
        environ={"TRADAI_STRATEGY__EXECUTION__STAKE_AMOUNT": "70"},
    )

    loaded = loader.load_config(file, patches=[patch], overrides=["execution.stake_amount=80"])

    assert loaded.config.execution.stake_amount == 80
    assert loaded.config.exchange == "binance"
    assert str(loaded.provenance["execution.stake_amount"]) == "command line"
    assert str(loaded.provenance["execution.fee"]) == f"{patch}:3"
    assert str(loaded.provenance["exchange"]) == "layer"
    assert str(loaded.provenance["parameters.a"]) == "layer"
    assert {key: [str(one) for one in lower] for key, lower in loaded.shadowed.items()} == {
        "execution.stake_amount": [
            f"{file}:9",
            f"{patch}:2",
            "TRADAI_STRATEGY__EXECUTION__STAKE_AMOUNT",
        ],
        "exchange": [f"{patch}:4"],
    }


@pytest.mark.parametrize("text", ["", "# partial\n", "{}\n"])
def test_an_empty_patch_is_refused(file: Path, tmp_path: Path, text: str) -> None:
    patch = tmp_path / "patch.yaml"
    patch.write_text(text)
    file.write_text(TREND)

    with pytest.raises(ConfigurationError, match=r"patch\.yaml is an empty patch"):
        StrategyConfigLoader(environ={}).load_config(file, patches=[patch])


def test_a_configuration_needs_no_file() -> None:
    loader = StrategyConfigLoader(environ={})

    loaded = loader.load_config(overrides=["name=trend", "version=1.0.0", "timeframe=5m"])

    assert loaded.config.name == "trend"
    assert loaded.folder is None


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        StrategyConfigLoader(environ={}).load_config(tmp_path / "none.yaml")


def test_everything_that_is_wrong_is_listed_at_once(file: Path) -> None:
    text = """\
name: ""
version: 01.0.0
timeframe: 0m
pairs: [BTC/USDT, btc_usdt]
strategy:
  class: Tr-end
execution:
  stake_amount: all
  stoploss: 0.1
  stake_amout: 3
  entry_pricing: {price_sid: ask}
run: 5
"""

    assert set(_problems(file, text)) == {
        "f:1: name: must not be empty",
        "f:2: version: must be three numbers without leading zeros, such as 1.0.0",
        (
            "f:3: timeframe: must be a whole number without leading zeros, six digits at most, "
            "and one of s, m, h, d, w, M, such as 5m"
        ),
        "f:4: pairs.1: must be BASE/QUOTE in capital letters and digits, such as BTC/USDT",
        "f:5: strategy.source: is missing; set it",
        "f:6: strategy.class: must be a Python class name, such as TrendFollower",
        (
            "f:8: execution.stake_amount: must be a finite number such as 0.05, "
            "or must be 'unlimited'"
        ),
        "f:9: execution.stoploss: must be less than 0",
        "f:10: execution.stake_amout: is not a key we know; did you mean 'stake_amount'?",
        (
            "f:11: execution.entry_pricing.price_sid: is not a key we know; "
            "did you mean 'price_side'?"
        ),
        "f:12: run: must be a mapping of parameters",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f: name: is missing; set it"),
        (TREND.replace("stake_amount: 50", "fee: x"), "f:9: execution.fee: must be a finite"),
        (
            TREND.replace("stake_amount: 50", "fee: 1"),
            "f:9: execution.fee: must be less than or equal to 0.1",
        ),
        (TREND + "execution_rules: [1]\nparameters: 5\n", "f:14: parameters: must be a mapping"),
        (
            TREND.replace("[BTC/USDT, ETH/USDT]", "BTC/USDT"),
            "f:4: pairs: must be a list, such as [BTC/USDT,ETH/USDT]",
        ),
        (TREND.replace("name: trend", "name: 5"), "f:1: name: must be text"),
        (TREND.replace("1.0.0", "0.1"), 'f:2: version: must be text, such as "1.0.0"'),
        (TREND.replace("timeframe: 5m", "timeframe: 15"), "f:3: timeframe: must be text, such"),
        (
            TREND.replace("  class: Trend\n  source: trend.py\n", "  5\n"),
            "f:5: strategy: must be a",
        ),
    ],
)
def test_a_problem_is_put_at_its_line(file: Path, text: str, problem: str) -> None:
    assert _problems(file, text)[0].startswith(problem)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("parameters: {a: [1, {b: .inf}]}", "f:13: parameters.a.1.b: must be null, a boolean, a"),
        ("an_extra: .nan", "f:13: an_extra: must be null, a boolean, a finite number"),
        ("execution: {fee: .nan}", "f:13: execution.fee: must be a finite number such as 0.05"),
        ("execution: {fee: 1e-300}", "f:13: execution.fee: must be a number of at most 30 digits"),
        ("run: {epochs: -.inf}", "f:13: run.epochs: must be a finite number"),
    ],
)
def test_no_field_allows_nan_or_infinity(file: Path, block: str, problem: str) -> None:
    key = block.split(":", maxsplit=1)[0]
    text = TREND.replace(f"{key}:", f"x_{key}:") + f"{block}\n"

    assert _problems(file, text)[0].startswith(problem)


def test_every_digit_of_an_amount_arrives_from_every_layer(file: Path) -> None:
    digits = "0.1000000000000000055"
    text = TREND.replace("stake_amount: 50", f"stake_amount: {digits}")
    environ = {"TRADAI_STRATEGY__EXECUTION__FEE": "0.01000000000000000055"}

    loaded = _load(file, text, environ=environ, overrides=(f"execution.stoploss=-{digits}",))

    execution = loaded.config.execution
    assert str(execution.stake_amount) == digits
    assert str(execution.fee) == "0.01000000000000000055"
    assert str(execution.stoploss) == f"-{digits}"


def test_a_free_parameter_is_a_plain_float(file: Path) -> None:
    loaded = _load(file, TREND + "parameters: {a: 0.1000000000000000055}\n")

    assert loaded.config.parameters == {"a": 0.1}
    assert type(loaded.config.parameters["a"]) is float


def test_the_first_problem_is_in_the_fields(file: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _load(file, TREND.replace("timeframe: 5m", "timeframe: 0m"))

    assert caught.value.key == "timeframe"
    assert caught.value.source == f"{file}:3"


def test_an_unknown_top_level_key_is_kept_and_warned_about(file: Path) -> None:
    loaded = _load(file, TREND + "parametrs: {a: 1}\n")

    assert loaded.config.extra_keys == ("parametrs",)
    assert loaded.warnings == (
        f"{file}:13: parametrs: is not a key we know, kept as an extra; did you mean 'parameters'?",
    )


def test_an_unknown_key_without_a_value_is_warned_about_and_not_kept(file: Path) -> None:
    loaded = _load(file, TREND + "zzz:\n")

    assert loaded.config.extra_keys == ()
    assert loaded.warnings == (f"{file}:13: zzz: is not a key we know",)


def test_an_extra_that_resembles_nothing_is_only_mentioned(file: Path) -> None:
    (warning,) = _load(file, TREND + "zzz: 1\n").warnings

    assert warning == (
        f"{file}:13: zzz: is not a key we know, kept as an extra; a key that the strategy reads "
        "has its place at strategy.config"
    )


@pytest.mark.parametrize("key", Execution.model_fields)
def test_a_key_of_execution_at_the_top_level_is_an_error_that_names_its_place(
    file: Path, key: str
) -> None:
    assert _problems(file, f"{TREND}{key}: 1\n") == [
        f"f:13: {key}: has its place at execution.{key}; write it there"
    ]


def test_all_misplaced_keys_are_listed_with_their_lines(file: Path) -> None:
    problems = _problems(file, TREND + "stoploss: -0.1\nzzz: 1\nfee:\n")

    assert [problem.partition(": ")[0] for problem in problems] == ["f:15", "f:13", "f:14"]


def test_a_misplaced_key_of_the_command_line_is_refused_too(file: Path) -> None:
    file.write_text(TREND)

    with pytest.raises(ConfigurationError, match=r"command line: stoploss: has its place at"):
        StrategyConfigLoader(environ={}).load_config(file, overrides=["stoploss=-0.1"])


@pytest.mark.parametrize("run", ["0", "false", "''", "[]"])
def test_a_run_block_that_is_not_a_mapping_is_refused(file: Path, run: str) -> None:
    text = TREND.split("run:", maxsplit=1)[0] + f"run: {run}\n"

    assert _problems(file, text) == ["f:11: run: must be a mapping of parameters"]


def test_a_run_block_may_be_empty(file: Path) -> None:
    assert _load(file, TREND.split("run:", maxsplit=1)[0] + "run:\n").run == {}


def test_a_key_that_resembles_nothing_is_answered_with_what_there_is(file: Path) -> None:
    (problem,) = _problems(file, TREND.replace("source:", "zzz: 1\n  source:"))

    assert problem.endswith("strategy.zzz: is not a key we know; known are class, source, config")


def test_a_mistyped_required_key_is_explained_by_its_warning(file: Path) -> None:
    problems = _problems(file, TREND.replace("timeframe:", "timefram:"))

    assert problems == [
        "f: timeframe: is missing; set it",
        "f:3: timefram: is not a key we know, kept as an extra; did you mean 'timeframe'?",
    ]


def test_a_bad_value_is_put_at_the_layer_that_wrote_it(file: Path) -> None:
    assert _problems(file, TREND, overrides=("execution.fee=lots",))[0].startswith(
        "command line: execution.fee: "
    )
    assert _problems(file, TREND, environ={"TRADAI_STRATEGY__PAIRS": "[btc]"})[0].startswith(
        "TRADAI_STRATEGY__PAIRS: pairs.0: "
    )


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (f"exchange_account: {{api_key: {FAKE}}}", "exchange_account.api_key"),
        (f"exchange_account: {{apiKey: {FAKE}}}", "exchange_account.apiKey"),
        (f"parameters: {{binance_secret: {FAKE}}}", "parameters.binance_secret"),
        (f"parameters: {{private-key: {FAKE}}}", "parameters.private-key"),
        (f"passwords: [{FAKE}]", "passwords.0"),
        (f"secrets: {{binance: {FAKE}}}", "secrets.binance"),
        ("db_password: 12345678", "db_password"),
        (f"note: {FAKE_AWS}", "note"),
        (f"note: {FAKE_EXCHANGE_KEY}", "note"),
        (f"note: eyJhbGciOiJub25lIn0.eyJmYWtlIjoxMjM0fQ.{FAKE}", "note"),
        (f"note: '-----BEGIN PRIVATE KEY-----{FAKE}'", "note"),
        (f"webhook: https://user:{FAKE}@example.org/", "webhook"),
    ],
)
def test_a_secret_is_refused_by_its_path_and_never_shown(file: Path, block: str, path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _load(file, TREND + block + "\n")

    assert f":13: {path}: looks like a secret" in str(caught.value)
    fakes = (FAKE, FAKE_AWS, FAKE_EXCHANGE_KEY, "12345678")
    assert not [text for text in _reachable(caught.value) for fake in fakes if fake in text]


def test_a_secret_is_one_problem(file: Path) -> None:
    (problem,) = _problems(file, TREND + f"parameters: {{api_key: {FAKE}}}\n")

    assert problem.startswith("f:13: parameters.api_key: looks like a secret; take it out, and")


@pytest.mark.parametrize(
    "block",
    [
        "exchange_account: {api_key: 'env:BINANCE_KEY'}",
        "exchange_account: {secret: 'aws-sm:prod/binance'}",
        "db_password: null",
        "use_token: true",
        "note: " + "0123456789abcdef" * 4,
        "webhook: https://example.org/hook",
    ],
)
def test_a_reference_or_a_harmless_value_is_not_a_secret(file: Path, block: str) -> None:
    assert _load(file, TREND + block + "\n").warnings


def test_a_secret_that_a_higher_layer_hides_is_still_refused(file: Path) -> None:
    text = TREND + f"api_key: {FAKE}\n"

    (problem,) = _problems(file, text, overrides=("api_key=env:KEY",))[:1]

    assert problem.startswith("f:13: api_key: looks like a secret")


def test_no_value_is_reachable_from_the_error(file: Path) -> None:
    text = (
        f"name: {{{FAKE}: 1}}\nversion: {FAKE}\ntimeframe: {FAKE}\npairs: [{FAKE}]\n"
        f"strategy: {FAKE}\nexecution: {{fee: {FAKE}, stake_amount: {FAKE}}}\nrun: {FAKE}\n"
    )

    with pytest.raises(ConfigurationError) as caught:
        _load(file, text)

    assert not [text for text in _reachable(caught.value) if FAKE in text]
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_installed_layer_lies_between_files_and_variables(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Point:
        name = value = "installed"

        def load(self) -> Callable[[], Layer]:
            return lambda: Layer(name="installed", exchange="kraken")

    installed = {"tradai.config_layers": [Point()]}
    monkeypatch.setattr("tradai.core._strategy.loader.entry_points", lambda group: installed[group])

    loaded = _load(file, environ={"TRADAI_STRATEGY__EXCHANGE": "binance"})

    assert (loaded.config.name, loaded.config.exchange) == ("installed", "binance")


def test_an_installed_layer_that_cannot_be_loaded_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Point:
        name, value = "broken", "broken.module:Layer"

        def load(self) -> None:
            raise ImportError

    installed = {"tradai.config_layers": [Point()]}
    monkeypatch.setattr("tradai.core._strategy.loader.entry_points", lambda group: installed[group])

    with pytest.raises(ConfigurationError, match=r"broken\.module:Layer cannot be loaded"):
        _load(file)


def test_a_file_replaces_a_table_of_profits_and_the_value_of_a_parameter(
    file: Path, tmp_path: Path
) -> None:
    file.write_text(TREND + "buy_params: {windows: {fast: 5, slow: 9}, rsi: 30}\n")
    patch = tmp_path / "best.yaml"
    patch.write_text("execution: {minimal_roi: {10: 0.2}}\nbuy_params: {windows: {mid: 7}}\n")

    loaded = StrategyConfigLoader(environ={}).load_config(file, patches=[patch])

    assert loaded.config.execution.minimal_roi == {"10": Decimal("0.2")}
    assert loaded.config.buy_params == {"windows": {"mid": 7}, "rsi": 30}
    assert loaded.config.execution.stake_amount == 50
    assert str(loaded.provenance["execution.minimal_roi.10"]) == f"{patch}:1"


def test_an_override_sets_one_step_of_a_table_of_profits(file: Path, tmp_path: Path) -> None:
    patch = tmp_path / "best.yaml"
    patch.write_text("execution: {minimal_roi: {10: 0.2}}\n")
    overrides = ["execution.minimal_roi.20=0.1"]

    loaded = StrategyConfigLoader(environ={}).load_config(
        file, patches=[patch], overrides=overrides
    )

    assert loaded.config.execution.minimal_roi == {"10": Decimal("0.2"), "20": Decimal("0.1")}


def test_the_values_of_further_parameter_spaces_are_merged_and_no_warning(
    file: Path, tmp_path: Path
) -> None:
    file.write_text(TREND + "exit_params: {leave: 1.0, wait: 3}\n")
    patch = tmp_path / "best.yaml"
    patch.write_text("exit_params: {leave: 0.99}\n")

    loaded = StrategyConfigLoader(environ={}).load_config(file, patches=[patch])

    assert loaded.config.params_by_space == {"exit": {"leave": 0.99, "wait": 3}}
    assert loaded.warnings == ()


def test_a_parameter_space_that_is_not_a_mapping_is_named_with_its_place(file: Path) -> None:
    file.write_text(TREND + "exit_params: [1]\n")

    with pytest.raises(ConfigurationError) as caught:
        StrategyConfigLoader(environ={}).load_config(file)

    assert str(caught.value) == f"{file}:13: exit_params: must be a mapping"


REGISTRY: Final = """
from pathlib import Path

from tradai.core import LayerData, Origin

class RegistryLayer:
    def __init__(self, uri):
        self.name = uri

    def pinned(self):
        return self.name.partition("@")[0] + "@v7"

    def load(self):
        values = {
            "name": "trend", "version": "1.0.0", "timeframe": "15m",
            "strategy": {"class": "Trend", "source": "strategies/trend.py"},
        }
        origin = Origin(source=f"{self.name} version 7")
        return LayerData(
            values=values,
            origins=dict.fromkeys(values, origin),
            source_root=Path("/registry/7/strategy"),
            notices=(f"{self.name} is version 7",),
        )
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a registry whose configurations are named ``desk:``."""
    (tmp_path / "desk_registry.py").write_text(REGISTRY)
    metadata = tmp_path / "desk_registry-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: desk-registry\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[tradai.configs]\ndesk = desk_registry:RegistryLayer\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("desk")
def test_an_entry_of_a_registry_is_a_configuration_with_its_source() -> None:
    loaded = StrategyConfigLoader(environ={"TRADAI_STRATEGY__EXCHANGE": "kraken"}).load_config(
        "desk:trend@champion", overrides=["execution.stake_amount=50"]
    )

    assert loaded.config.strategy is not None
    assert loaded.config.strategy.source == "strategies/trend.py"
    assert loaded.source_root == Path("/registry/7/strategy")
    assert loaded.notices == ("desk:trend@champion is version 7",)
    assert str(loaded.provenance["strategy.source"]) == "desk:trend@champion version 7"
    assert str(loaded.provenance["exchange"]) == "TRADAI_STRATEGY__EXCHANGE"
    assert loaded.folder is None


@pytest.mark.usefixtures("desk")
def test_an_entry_of_a_registry_is_laid_over_a_file_as_a_patch(file: Path) -> None:
    file.write_text(TREND + "stake_currency: EUR\n")

    loaded = StrategyConfigLoader(environ={}).load_config(file, patches=["desk:trend@champion"])

    assert (loaded.config.timeframe, loaded.config.stake_currency) == ("15m", "EUR")
    assert loaded.source_root == Path("/registry/7/strategy")


@pytest.mark.usefixtures("desk")
def test_a_moving_name_of_a_registry_is_pinned_to_the_entry_that_it_means_now() -> None:
    assert StrategyConfigLoader.pinned("desk:trend@champion") == "desk:trend@v7"


@pytest.mark.parametrize("uri", ["trend.yaml", "s3://bucket/trend.yaml", "file:///srv/trend.yaml"])
def test_a_file_is_pinned_already(uri: str) -> None:
    assert StrategyConfigLoader.pinned(uri) == uri


@pytest.mark.usefixtures("desk")
def test_a_source_that_a_higher_layer_names_is_not_the_one_of_the_registry() -> None:
    loaded = StrategyConfigLoader(environ={}).load_config(
        "desk:trend@champion", overrides=["strategy.source=mine"]
    )

    assert loaded.source_root is None


def test_a_registry_that_is_not_installed_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tradai.core._layers.document_layer.entry_points", lambda **_: ())

    with pytest.raises(ConfigurationError, match="install tradai-mlflow"):
        StrategyConfigLoader(environ={}).load_config("mlflow:trend@champion")
