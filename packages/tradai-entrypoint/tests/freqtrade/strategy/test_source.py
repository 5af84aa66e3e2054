"""The source of a strategy is inspected by its syntax and copied unchanged."""

import os
from pathlib import Path

import pytest

from tradai.core import Origin
from tradai.core.exceptions import ConfigurationError, StorageError
from tradai.entrypoint.freqtrade._strategy.class_syntax import Informative
from tradai.entrypoint.freqtrade._strategy.source import (
    SourceFacts,
    check_parameters,
    copy_source,
    inspect_source,
)

WAVE = '''
import freqtrade.strategy as ft
from freqtrade.strategy import IStrategy, informative
from freqtrade.strategy import DecimalParameter as Real3

class Wave(IStrategy):
    """Rides waves; raises when it is run."""
    startup_candle_count: int = 60
    buy_dip = Real3(0.001, 0.02, default=0.004)
    buy_window = ft.IntParameter([20, 60], default=40)
    gain = ft.RealParameter(low=0, high=1.5, default=1, space="sell")
    sell_style = ft.CategoricalParameter(["fast", "slow", 1], default="fast")
    sell_hard = ft.BooleanParameter(default=True)
    buy_fixed = ft.IntParameter(1, 9, default=3, load=False)

    @informative("1d")
    @informative("1h", asset="BTC/{stake}")
    def populate_indicators_1h(self, dataframe, metadata):
        raise AssertionError

raise AssertionError
'''


def written(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, text in files.items():
        (folder / f"{stem}.py").write_text(text)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "source", wave=WAVE)


@pytest.fixture
def facts(source: Path) -> SourceFacts:
    return inspect_source(source, "Wave")


def refusal(path: Path, class_name: str = "Wave") -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        inspect_source(path, class_name)
    return caught.value


def test_a_strategy_is_described_without_running_it(facts: SourceFacts, source: Path) -> None:
    assert facts.file == source / "wave.py"
    assert facts.files == (Path("wave.py"),)
    assert facts.startup_candles == 60
    assert facts.is_resolved
    assert facts.informative == (Informative("1d"), Informative("1h", "BTC/{stake}"))


def test_hyper_parameters_are_read_with_their_spaces_and_bounds(facts: SourceFacts) -> None:
    dip, window = facts.declared["buy_dip"], facts.declared["buy_window"]

    assert (dip.kind, dip.space) == ("DecimalParameter", "buy")
    assert (dip.low, dip.high, dip.decimals) == (0.001, 0.02, 3)
    assert (window.kind, window.low, window.high) == ("IntParameter", 20, 60)
    assert facts.declared["gain"].space == "sell"
    assert facts.declared["sell_style"].options == ("fast", "slow", 1)
    assert facts.declared["sell_hard"].options == (True, False)


def test_the_engine_default_holds_when_no_startup_candles_are_declared(tmp_path: Path) -> None:
    written(tmp_path, plain="class Plain(IStrategy):\n    timeframe = '5m'\n")

    assert inspect_source(tmp_path, "Plain").startup_candles == 0


@pytest.mark.parametrize(
    "body",
    [
        "class Plain(IStrategy):\n    startup_candle_count = CANDLES\n",
        "class Plain(IStrategy):\n    @property\n    def startup_candle_count(self): return 5\n",
        "from elsewhere import Base\nclass Plain(Base):\n    pass\n",
    ],
)
def test_startup_candles_only_running_could_show_are_left_open(tmp_path: Path, body: str) -> None:
    written(tmp_path, plain=body)

    assert inspect_source(tmp_path, "Plain").startup_candles is None


def test_base_classes_in_the_same_folder_are_read_too(tmp_path: Path) -> None:
    written(
        tmp_path,
        base="class Base(IStrategy):\n    startup_candle_count = 9\n"
        "    buy_x = IntParameter(1, 5)\n",
        child="from base import Base\nclass Middle(Base):\n    pass\n"
        "class Child(Middle):\n    startup_candle_count = 7\n",
    )

    facts = inspect_source(tmp_path, "Child")

    assert facts.is_resolved
    assert facts.startup_candles == 7
    assert facts.declared["buy_x"].high == 5


@pytest.mark.parametrize(
    "text",
    [
        "import base\nclass Child(base.Base):\n    pass\n",
        "import base as b\nclass Child(b.Base):\n    pass\n",
        "from base import Base as B\nclass Child(B):\n    pass\n",
    ],
)
def test_a_base_class_is_found_however_it_is_imported(tmp_path: Path, text: str) -> None:
    base = "import freqtrade.strategy\nclass Base(freqtrade.strategy.IStrategy):\n    pass\n"
    written(tmp_path, base=base, child=text)

    assert inspect_source(tmp_path, "Child").is_resolved


def test_bases_that_share_a_base_are_read_once(tmp_path: Path) -> None:
    top = "class Top(IStrategy):\n    startup_candle_count = 3\n"
    sides = "class Left(Top):\n    pass\nclass Right(Top):\n    pass\n"
    written(tmp_path, wave=f"{top}{sides}class Wave(Left, Right):\n    pass\n")

    assert inspect_source(tmp_path, "Wave").startup_candles == 3


def test_a_method_goes_over_that_of_its_base(tmp_path: Path) -> None:
    method = "    @staticmethod\n    @informative({!r})\n    def populate(self, df, meta): ...\n"
    base = "class Base(IStrategy):\n" + method.format("1d")
    written(tmp_path, wave=base + "class Wave(Base):\n" + method.format("1h"))

    assert inspect_source(tmp_path, "Wave").informative == (Informative("1h"),)


def test_a_timeframe_only_running_could_show_is_left_to_the_run(tmp_path: Path) -> None:
    body = "class Wave(IStrategy):\n    @informative(SLOW)\n    def populate(self, df, meta): ...\n"
    written(tmp_path, wave=body)

    assert inspect_source(tmp_path, "Wave").informative == ()


@pytest.mark.parametrize(
    "body",
    [
        "class Plain(IStrategy, Generic[T]):\n    pass\n",
        "class Plain(IStrategy):\n    for n in 'ab':\n        pass\n",
        "class Plain(IStrategy, metaclass=Meta):\n    pass\n",
        "@decorated\nclass Plain(IStrategy):\n    pass\n",
        "class Plain(IStrategy):\n    def bot_start(self):\n        self.x = IntParameter(1, 2)\n",
        "from elsewhere import Base\nclass Plain(Base):\n    pass\n",
    ],
)
def test_a_class_that_may_make_parameters_while_running_is_unresolved(
    tmp_path: Path, body: str
) -> None:
    written(tmp_path, plain=body)

    facts = inspect_source(tmp_path, "Plain")

    assert not facts.is_resolved
    check_parameters(facts, {"buy": {"anything": 1}})


def test_a_folder_travels_with_its_code_and_data_files(source: Path, tmp_path: Path) -> None:
    written(source / "sub", tools="X = 1")
    written(source / "__pycache__", cached="X = 1")
    (source / "blocked.json").write_text('["ETH/USDT"]')
    (source / "models").mkdir()
    (source / "models" / "model.bin").write_bytes(bytes(range(256)))

    facts = inspect_source(source, "Wave")
    copy_source(facts, tmp_path / "copy")

    travelled = ("blocked.json", "models/model.bin", "sub/tools.py", "wave.py")
    assert facts.files == tuple(map(Path, travelled))
    assert (tmp_path / "copy/models/model.bin").read_bytes() == bytes(range(256))
    assert facts.left_out == ()


def test_a_data_file_counts_in_the_digest(source: Path) -> None:
    digests = {inspect_source(source, "Wave").digest}
    for text in ("[]", '["ETH/USDT"]'):
        (source / "blocked.json").write_text(text)
        digests.add(inspect_source(source, "Wave").digest)

    assert len(digests) == 3


def test_hidden_files_do_not_travel_and_are_named(source: Path) -> None:
    written(source / ".hidden", draft="X = 1")
    written(source / "sub", tools="X = 1")
    (source / "sub" / ".env").write_text("STOP=1")
    (source / ".gitignore").write_text("*")

    facts = inspect_source(source, "Wave")

    assert facts.files == (Path("sub/tools.py"), Path("wave.py"))
    assert facts.left_out == (".hidden", "sub/.env")


@pytest.mark.parametrize("code", ["open('x')", "Path('x')", "pd.read_csv('x')", "__file__"])
def test_files_beside_a_single_file_that_reads_files_are_named(source: Path, code: str) -> None:
    (source / "wave.py").write_text(f"{WAVE}\nX = {code}\n")
    (source / "blocked.json").write_text("[]")

    facts = inspect_source(source / "wave.py", "Wave")

    assert facts.files == (Path("wave.py"),)
    assert facts.left_out == ("blocked.json",)


def test_a_single_file_travels_alone(source: Path) -> None:
    written(source, other="X = 1")

    facts = inspect_source(source / "wave.py", "Wave")

    assert facts.files == (Path("wave.py"),)
    assert facts.root == source


def test_the_digest_covers_names_and_bytes_but_not_the_place(source: Path, tmp_path: Path) -> None:
    original = inspect_source(source, "Wave").digest
    same = inspect_source(written(tmp_path / "moved", wave=WAVE), "Wave").digest
    renamed = inspect_source(written(tmp_path / "renamed", waves=WAVE), "Wave").digest
    edited = inspect_source(written(tmp_path / "edited", wave=WAVE + "\n"), "Wave").digest

    assert same == original
    assert len({original, renamed, edited}) == 3


def test_a_copy_is_the_digested_source(facts: SourceFacts, tmp_path: Path) -> None:
    copy_source(facts, tmp_path / "copy")

    assert inspect_source(tmp_path / "copy", "Wave").digest == facts.digest


def test_source_that_changed_after_inspection_is_not_used(
    facts: SourceFacts, tmp_path: Path
) -> None:
    facts.file.write_text(WAVE + "# edited")

    with pytest.raises(ConfigurationError, match="changed while"):
        copy_source(facts, tmp_path / "copy")


def test_a_source_with_the_folder_of_the_run_in_it_is_refused_by_name(source: Path) -> None:
    run = source / "runs" / "run-1"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    facts = inspect_source(source, "Wave")

    with pytest.raises(ConfigurationError, match=r"has the folder of runs \S+/runs in it: choose"):
        copy_source(facts, run / "strategy")


def test_a_hidden_folder_of_runs_in_the_source_is_no_obstacle(source: Path) -> None:
    run = source / ".tradai" / "runs" / "run-1"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")

    copy_source(inspect_source(source, "Wave"), run / "strategy")

    assert (run / "strategy" / "wave.py").exists()


def test_a_target_that_cannot_be_written_is_a_storage_error(
    facts: SourceFacts, tmp_path: Path
) -> None:
    (tmp_path / "copy").write_text("a file is in the way")

    with pytest.raises(StorageError, match="cannot write"):
        copy_source(facts, tmp_path / "copy")


def test_a_missing_class_is_named_with_the_likely_one(source: Path) -> None:
    error = refusal(source, "Wvae")

    assert "did you mean 'Wave'?" in str(error)
    assert error.key == "strategy.class"


def test_a_missing_class_is_answered_with_the_classes_there_are(source: Path) -> None:
    assert "; it has Wave" in str(refusal(source, "Momentum"))


@pytest.mark.parametrize("block", ["def make():", "with lock:", "if True:"])
def test_a_class_inside_a_block_is_refused_with_its_line(tmp_path: Path, block: str) -> None:
    written(tmp_path, wave=f"{block}\n    class Wave(IStrategy):\n        timeframe = '5m'\n")

    error = str(refusal(tmp_path))

    assert "has class Wave only inside another block, in wave.py:2: move it to the top" in error


def test_a_class_in_two_files_is_refused(source: Path) -> None:
    written(source, other=WAVE)

    assert "in other.py and wave.py: keep only one" in str(refusal(source))


def test_a_class_below_the_folder_is_refused_because_the_engine_does_not_look_there(
    tmp_path: Path,
) -> None:
    written(tmp_path / "deep", wave=WAVE)

    assert f"point strategy.source at {tmp_path / 'deep'}" in str(refusal(tmp_path))


def test_a_file_that_is_not_python_is_named_with_its_line(source: Path) -> None:
    written(source, wave=WAVE + "\ndef broken(:\n")

    error = refusal(source)

    assert str(error).startswith(f"{source / 'wave.py'}:{WAVE.count(chr(10)) + 2}: not Python:")


def test_an_unrelated_file_that_is_not_python_does_not_stop_a_run(source: Path) -> None:
    written(source, draft="def broken(:")

    assert Path("draft.py") in inspect_source(source, "Wave").files


def test_a_class_that_is_not_a_strategy_is_refused(source: Path) -> None:
    written(source, other="class Other:\n    pass\n")

    assert "class Other is not a strategy" in str(refusal(source, "Other"))


def test_a_class_the_engine_cannot_find_by_its_text_is_refused(source: Path) -> None:
    written(source, other="class Other (IStrategy):\n    pass\n")

    assert "write it as `class Other(...):`" in str(refusal(source, "Other"))


def test_a_parameter_file_beside_the_strategy_is_refused(source: Path) -> None:
    (source / "wave.json").write_text("{}")

    assert "would silently override" in str(refusal(source))


def test_a_file_that_leads_out_of_the_folder_is_refused(source: Path, tmp_path: Path) -> None:
    written(tmp_path / "outside", tools="X = 1")
    (source / "tools.py").symlink_to(tmp_path / "outside" / "tools.py")

    error = str(refusal(source))
    assert f"is a link to {tmp_path / 'outside' / 'tools.py'}" in error
    assert f"point strategy.source at {tmp_path / 'outside' / 'tools.py'}" in error


def test_a_link_upwards_is_refused_also_for_a_data_file(source: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    (source / "list.json").symlink_to(Path("..", "secret.json"))

    assert f"is a link to {tmp_path / 'secret.json'}" in str(refusal(source))


def test_the_source_itself_may_be_a_link(source: Path, tmp_path: Path) -> None:
    (tmp_path / "strategies").symlink_to(source)
    (tmp_path / "alias.py").symlink_to(source / "wave.py")

    linked = inspect_source(tmp_path / "strategies", "Wave")

    assert linked.digest == inspect_source(source, "Wave").digest
    assert inspect_source(tmp_path / "alias.py", "Wave").file == source / "wave.py"


def test_a_pipe_is_refused_and_never_read(source: Path) -> None:
    os.mkfifo(source / "tools.py")

    assert "not a regular file" in str(refusal(source))


def test_a_linked_folder_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "tools").symlink_to(written(tmp_path / "outside", tools="X = 1"))

    assert "put the real files into" in str(refusal(source))


def test_a_link_to_nothing_is_refused(source: Path) -> None:
    (source / "tools.py").symlink_to(source / "gone.py")

    assert "put the real files into" in str(refusal(source))


def test_a_link_inside_the_folder_travels_as_a_plain_file(source: Path, tmp_path: Path) -> None:
    (source / "alias.py").symlink_to(written(source / "sub", tools="X = 1") / "tools.py")

    copy_source(inspect_source(source, "Wave"), tmp_path / "copy")

    assert not (tmp_path / "copy" / "alias.py").is_symlink()


@pytest.mark.parametrize("name", ["absent", "notes.txt"])
def test_a_source_that_is_neither_folder_nor_python_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("not source")

    assert "neither a folder nor a .py file" in str(refusal(tmp_path / name))


def test_a_folder_far_too_big_for_a_strategy_is_refused(source: Path) -> None:
    written(source, **{f"part{n}": "" for n in range(500)})

    assert "move the strategy into its own folder" in str(refusal(source))


def test_data_far_too_big_for_a_strategy_is_refused(source: Path) -> None:
    with (source / "candles.bin").open("wb") as file:
        file.truncate(101 * 1024 * 1024)

    assert "move the strategy into its own folder" in str(refusal(source))


def test_the_files_of_every_class_are_known(source: Path) -> None:
    written(source / "hyperopts", loss="class MyLoss(IHyperOptLoss):\n    pass\n")

    classes = inspect_source(source, "Wave").classes

    assert classes == {"Wave": (Path("wave.py"),), "MyLoss": (Path("hyperopts/loss.py"),)}


def test_values_in_range_are_accepted(facts: SourceFacts) -> None:
    sell = {"gain": 1, "sell_style": "slow", "sell_hard": False}

    check_parameters(facts, {"buy": {"buy_dip": 0.004, "buy_window": 20}, "sell": sell})
    check_parameters(facts, {"buy": {"buy_window": 60}})


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("buy_dpi", 1, "is not declared; did you mean 'buy_dip'?"),
        ("zebra", 1, "is not declared (buy_dip, "),
        ("buy_window", 61, "must be at most 60, not 61"),
        ("buy_window", 19, "must be at least 20, not 19"),
        ("buy_window", 30.5, "must be a whole number, not 30.5"),
        ("buy_window", True, "must be a whole number, not True"),
        ("buy_dip", "much", "must be a number, not 'much'"),
        ("buy_dip", 0.00401, "has more than 3 decimals"),
        ("buy_fixed", 4, "is declared with load=False"),
        ("gain", 1, "is declared for space 'sell'"),
    ],
)
def test_a_bad_buy_value_is_refused(
    facts: SourceFacts, name: str, value: object, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_parameters(facts, {"buy": {name: value}})

    assert f"buy_params.{name}: {problem}" in str(caught.value)
    assert caught.value.key == f"buy_params.{name}"


@pytest.mark.parametrize("value", [(5, 10), {"fast": (1, 2)}, (5, (True,))])
def test_an_option_may_be_a_list_or_a_mapping(tmp_path: Path, value: object) -> None:
    options = "[[5, 10], {'fast': [1, 2]}, [5, [True]]]"
    text = f"class Wave(IStrategy):\n    buy_x = CategoricalParameter({options})\n"
    facts = inspect_source(written(tmp_path / "source", wave=text), "Wave")

    check_parameters(facts, {"buy": {"buy_x": value}})


@pytest.mark.parametrize("value", [(5, 11), (5,), {"fast": (1, 3)}, {"slow": (1, 2)}, (5, (1,))])
def test_a_list_that_is_not_offered_is_refused(tmp_path: Path, value: object) -> None:
    options = "[[5, 10], {'fast': [1, 2]}, [5, [True]]]"
    text = f"class Wave(IStrategy):\n    buy_x = CategoricalParameter({options})\n"
    facts = inspect_source(written(tmp_path / "source", wave=text), "Wave")

    with pytest.raises(ConfigurationError, match="must be one of"):
        check_parameters(facts, {"buy": {"buy_x": value}})


@pytest.mark.parametrize(("name", "value"), [("sell_style", "medium"), ("sell_style", True)])
def test_a_value_that_is_not_offered_is_refused(
    facts: SourceFacts, name: str, value: object
) -> None:
    with pytest.raises(ConfigurationError, match="must be one of 'fast', 'slow', 1"):
        check_parameters(facts, {"sell": {name: value}})


def test_all_bad_values_are_listed_at_once(facts: SourceFacts) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_parameters(facts, {"buy": {"buy_window": 0, "buy_dip": 1}, "sell": {"nope": 1}})

    assert str(caught.value).count("_params.") == 3


def test_a_bad_value_is_named_with_the_line_that_it_was_written_in(facts: SourceFacts) -> None:
    origin = Origin(source="strategy.yaml", line=12)
    values = {"buy": {"buy_windwo": 24}, "sell": {"nope": 1}}

    with pytest.raises(ConfigurationError) as caught:
        check_parameters(facts, values, {"buy_params.buy_windwo": origin})

    assert (
        "buy_params.buy_windwo at strategy.yaml:12: is not declared; did you mean 'buy_window'?"
        in str(caught.value)
    )
    assert "sell_params.nope: is not declared" in str(caught.value)
    assert caught.value.source == "strategy.yaml:12"


def test_a_name_whose_value_is_open_is_left_to_the_engine(tmp_path: Path) -> None:
    written(tmp_path, plain="class Plain(IStrategy):\n    buy_x = made(1)\n    buy_y = 2\n")
    facts = inspect_source(tmp_path, "Plain")

    check_parameters(facts, {"buy": {"buy_x": 1}})
    with pytest.raises(ConfigurationError, match="buy_y: is not declared"):
        check_parameters(facts, {"buy": {"buy_y": 1}})


def test_decimals_are_as_declared(tmp_path: Path) -> None:
    declared = "buy_x = DecimalParameter(0, 1, default=0, decimals=1)"
    written(tmp_path, plain=f"class Plain(IStrategy):\n    {declared}\n")
    facts = inspect_source(tmp_path, "Plain")

    check_parameters(facts, {"buy": {"buy_x": 0.5}})
    with pytest.raises(ConfigurationError, match="more than 1 decimals"):
        check_parameters(facts, {"buy": {"buy_x": 0.55}})


def test_bounds_only_running_could_show_are_left_to_the_engine(tmp_path: Path) -> None:
    written(tmp_path, plain="class Plain(IStrategy):\n    buy_x = IntParameter(LOW, 9, **MORE)\n")
    facts = inspect_source(tmp_path, "Plain")

    check_parameters(facts, {"buy": {"buy_x": 100}})


def test_modules_that_an_import_of_the_strategy_needs_are_named_with_their_lines(
    tmp_path: Path,
) -> None:
    written(
        tmp_path,
        wave="import numpy as np\nfrom near.far import X\nfrom . import same\n"
        "try:\n    import fast\nexcept ImportError:\n    import slow\n"
        "class Wave(IStrategy):\n    def bot_start(self):\n        import late\n",
        unused="import unknown\n",
    )
    (tmp_path / "near").mkdir()
    written(tmp_path / "near", far="\nimport talib.abstract as ta\nimport numpy\n")

    imports = inspect_source(tmp_path, "Wave").imports

    assert imports == {"numpy": "wave.py:1", "talib": "near/far.py:2"}
