"""HYPEROPT from start to verdict, on a stand-in for the engine that is a process of its own."""

import io
import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tradai.core import TradingMode
from tradai.core.testing import MemoryTracker
from tradai.entrypoint import ExitCode, Interrupts, Progress
from tradai.entrypoint._cli import run_command
from tradai.entrypoint.freqtrade._modes.hyperopt import show_epochs
from tradai.entrypoint.freqtrade._results.epochs import EpochProgress

LOGS = Path(__file__).resolve().parent.parent / "evidence/engine_log"
HYPEROPT = TradingMode.HYPEROPT

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def further_spaces(strategy: Path) -> None:
    """Declare parameters of further spaces; the one of `mood` can be a list."""
    source = strategy.parent / "strategies" / "wave_rider.py"
    text = source.read_text().replace(
        "import Int", "import CategoricalParameter, RealParameter, Int"
    )
    source.write_text(
        text
        + "    sell_slow = IntParameter(20, 60, default=40)\n"
        + "    exit_gain = RealParameter(0.0, 1.0, default=0.5)\n"
        + "    pause = IntParameter(0, 9, default=2, space='protection')\n"
        + "    window = CategoricalParameter([[5, 10], [10, 20]], space='mood')\n"
    )


def epoch(number: int, loss: float, *, trades: int = 90, **details: object) -> dict[str, Any]:
    """A line of the engine's file, cut down to what is read."""
    return {
        "loss": loss,
        "current_epoch": number,
        "params_details": {"buy": {"buy_fast": 5}, "sell": {"sell_slow": 40}} | details,
        "results_metrics": {"total_trades": trades, "profit_total": -0.0021},
        "fthypt_fileversion": 2,
    }


EVERY_SPACE: dict[str, Any] = {
    "buy": {"buy_fast": 5},
    "roi": {"0": 0.03, "60": 0.01},
    "stoploss": {"stoploss": -0.08},
    "trailing": {"trailing_stop": True, "trailing_stop_positive": 0.02},
    "max_open_trades": {"max_open_trades": 3},
}


def test_a_search_leaves_its_epochs_and_the_best_as_a_patch(run: Run) -> None:
    epochs = [epoch(1, 6.5), epoch(2, 2.25, **EVERY_SPACE), epoch(3, 100_000, trades=0)]

    done = run(HYPEROPT, "run.epochs=3", epochs=epochs)

    manifest = done.manifest
    assert done.code == manifest.exit_code == ExitCode.DONE
    assert done.verdict == (
        f"epoch 2 is best; run with --patch {done.folder / 'best.yaml'} to use it"
    )
    assert done.events == ["run started", "engine starting", "engine ended", "run ended"]
    assert manifest.results == {
        "ranked_epochs": 2,
        "best_loss": 2.25,
        "epoch_2": "loss 2.25, 90 trades, profit -0.21 %",
        "epoch_1": "loss 6.5, 90 trades, profit -0.21 %",
        "best_parameters": yaml.safe_load((done.folder / "best.yaml").read_text()),
    }
    assert tuple(manifest.artifacts) == ("epochs.jsonl", "best.yaml")
    lines = (done.folder / "epochs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == epochs
    assert "sell_params:\n  sell_slow: 40\n" in (done.folder / "best.yaml").read_text()


def test_the_epochs_so_far_are_shown_with_the_best_loss_of_them(run: Run) -> None:
    shown = "engine: hyperopt, epoch 3 of 3, best loss 2.25"
    epochs = [epoch(1, 6.5), epoch(2, 2.25), epoch(3, 100_000, trades=0)]

    run(HYPEROPT, "run.epochs=3", epochs=epochs, reactions={shown: lambda: None})


def test_a_pipe_gets_a_line_for_each_tenth_of_the_epochs(tmp_path: Path) -> None:
    # The real engine takes seconds for an epoch: only the function that shows them can be tested.
    piped, file = io.StringIO(), tmp_path / "epochs"
    epochs, progress = EpochProgress(lambda: file), Progress(stream=piped)

    show_epochs(epochs, total=40, progress=progress)
    for number in range(1, 41):
        with file.open("a") as lines:
            lines.write(json.dumps(epoch(number, 50.0 - number)) + "\n")
        show_epochs(epochs, total=40, progress=progress)

    said = piped.getvalue().splitlines()
    assert len(said) == 10
    assert said[0] == "engine: hyperopt, epoch 4 of 40, best loss 46"
    assert said[-1] == "engine: hyperopt, epoch 40 of 40, best loss 10"


def test_the_ranked_epochs_are_tracked_as_runs_of_their_own(
    run: Run, tracker: MemoryTracker
) -> None:
    run(HYPEROPT, epochs=[epoch(1, 6.5), epoch(2, 2.25), epoch(3, 100_000, trades=0)])

    children = {name: view for name, view in tracker.views.items() if view.parent_id == "run-0"}
    best = children["run-0.2"]
    assert set(children) == {"run-0.1", "run-0.2"}
    assert (best.name, best.params) == ("epoch 2", {"buy.buy_fast": "5", "sell.sell_slow": "40"})
    assert {point.key: point.value for point in best.points} == {
        "loss": 2.25,
        "trades": 90.0,
        "profit_ratio": -0.0021,
    }


def test_the_patch_is_accepted_by_the_next_run(run: Run) -> None:
    found = run(HYPEROPT, epochs=[epoch(1, 1.0, **EVERY_SPACE)])

    used = run(TradingMode.BACKTEST, patches=(str(found.folder / "best.yaml"),))

    execution = used.manifest.config["execution"]
    assert used.code == ExitCode.DONE
    assert used.manifest.config["buy_params"] == {"buy_fast": 5}
    assert used.given["config"]["stoploss"] == -0.08
    assert used.given["config"]["minimal_roi"] == {"0": 0.03, "60": 0.01}
    assert used.given["config"]["trailing_stop_positive"] == 0.02
    assert isinstance(execution, dict)
    assert execution["max_open_trades"] == 3


def test_every_space_of_the_best_epoch_travels_to_the_next_run(run: Run) -> None:
    gain, mood = {"exit_gain": 0.3333333333333}, {"window": [10, 20]}
    best = epoch(1, 1.0, protection={"pause": 4}, exit=gain, mood=mood)
    best["params_dict"] = {"exit_gain": 1 / 3, "pause": 4, "window": [10, 20]}
    spaces = "run.spaces=[buy, sell, exit, protection, mood]"
    found = run(HYPEROPT, spaces, epochs=[best])

    used = run(TradingMode.BACKTEST, patches=(str(found.folder / "best.yaml"),))

    params = json.loads(used.given["files"]["strategies/wave_rider.json"])["params"]
    assert used.code == ExitCode.DONE
    assert params == {
        "buy": {"buy_fast": 5},
        "sell": {"sell_slow": 40},
        "exit": {"exit_gain": 1 / 3},
        "protection": {"pause": 4},
        "mood": {"window": [10, 20]},
    }
    assert used.manifest.notices == found.manifest.notices


def show(folder: Path, number: int, patch: Path) -> int:
    words = ["hyperopt", "show", str(folder), str(number), "--patch", str(patch)]
    return run_command(words, interrupts=Interrupts())


def test_the_patch_of_any_epoch_is_written_as_that_of_the_best_one(
    run: Run, tmp_path: Path
) -> None:
    epochs = [
        epoch(1, 6.5, exit={"exit_gain": 0.6666666666667}, stoploss={"stoploss": -0.05}),
        epoch(2, 2.25, exit={"exit_gain": 0.3333333333333}, **EVERY_SPACE),
    ]
    for each, gain in zip(epochs, (2 / 3, 1 / 3), strict=True):
        each["params_dict"] = {"exit_gain": gain}
    spaces = "[buy, sell, exit, roi, stoploss, trailing, trades]"
    found = run(HYPEROPT, f"run.spaces={spaces}", epochs=epochs)
    best, other = tmp_path / "best.yaml", tmp_path / "other.yaml"

    codes = [show(found.folder, 2, best), show(found.folder, 1, other)]
    used = run(TradingMode.BACKTEST, patches=(str(other),))

    assert codes == [ExitCode.DONE, ExitCode.DONE]
    assert best.read_text() == (found.folder / "best.yaml").read_text()
    assert used.code == ExitCode.DONE
    assert used.given["config"]["stoploss"] == -0.05
    assert used.manifest.config["exit_params"] == {"exit_gain": 2 / 3}


def test_a_patch_that_the_disk_refuses_leaves_no_file(
    run: Run,
    tmp_path: Path,
    files_up_to: Callable[[int], AbstractContextManager[None]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = run(HYPEROPT, epochs=[epoch(1, 6.5)])
    patch = tmp_path / "patches" / "best.yaml"
    patch.parent.mkdir()

    with files_up_to(8):
        code = show(found.folder, 1, patch)

    assert code == ExitCode.RESULT
    assert f"cannot write {patch}" in capsys.readouterr().err
    assert list(patch.parent.iterdir()) == []
    assert show(found.folder, 1, patch) == ExitCode.DONE


def test_a_patch_is_not_written_over_a_file(
    run: Run, strategy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(HYPEROPT, epochs=[epoch(1, 6.5)])
    before = strategy.read_text()

    code = show(found.folder, 1, strategy)

    assert code == ExitCode.CONFIGURATION
    assert strategy.read_text() == before
    assert f"{strategy} is there already" in capsys.readouterr().err


def test_a_patch_of_an_epoch_that_no_configuration_can_hold_is_refused(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(HYPEROPT, epochs=[epoch(1, 1.0), epoch(2, 2.0, stoploss={"stoploss": -1.5})])

    code = show(found.folder, 2, tmp_path / "other.yaml")

    assert code == ExitCode.CONFIGURATION
    assert "execution.stoploss" in capsys.readouterr().err
    assert not (tmp_path / "other.yaml").exists()


@pytest.mark.parametrize(
    ("spaces", "expected"),
    [
        ("[buy]", {}),
        ("[sell]", {"use_exit_signal": True}),
        ("[default]", {"use_exit_signal": True}),
        ("[protection]", {"enable_protections": True}),
        ("[all]", {"use_exit_signal": True, "enable_protections": True}),
    ],
)
def test_what_a_search_switches_on_is_on_in_the_next_run(
    run: Run, spaces: str, expected: dict[str, bool]
) -> None:
    off = ("execution.use_exit_signal=false", "parameters.enable_protections=false")
    best = epoch(1, 1.0, protection={"pause": 4})
    found = run(HYPEROPT, f"run.spaces={spaces}", *off, epochs=[best])

    patch = yaml.safe_load((found.folder / "best.yaml").read_text())

    assert patch.get("execution", {}) | patch.get("parameters", {}) == expected


@pytest.mark.parametrize("text", ["1e3", "0o17", "no", "${buy_fast}", "2025-01-01", "a: b", ""])
def test_a_text_among_the_values_is_the_same_text_in_the_next_run(
    run: Run, strategy: Path, text: str
) -> None:
    source = strategy.parent / "strategies" / "wave_rider.py"
    option = f"    mood_word = CategoricalParameter(['x', {text!r}], space='mood')\n"
    source.write_text(source.read_text() + option)
    best = epoch(1, 1.0, mood={"mood_word": text})
    found = run(HYPEROPT, "run.spaces=[mood]", epochs=[best])

    used = run(TradingMode.BACKTEST, patches=(str(found.folder / "best.yaml"),))

    assert used.manifest.config["mood_params"] == {"mood_word": text}


def test_a_table_of_profits_replaces_that_of_the_configuration(run: Run, strategy: Path) -> None:
    steps = "minimal_roi: {0: 0.05, 30: 0.002, 720: 0.001}, starting_balance"
    strategy.write_text(strategy.read_text().replace("starting_balance", steps))
    best = epoch(1, 1.0, roi={"0": 0.03, "10": 0.01})
    found = run(HYPEROPT, "run.spaces=[roi]", epochs=[best])

    used = run(TradingMode.BACKTEST, patches=(str(found.folder / "best.yaml"),))

    assert used.given["config"]["minimal_roi"] == {"0": 0.03, "10": 0.01}


@pytest.mark.parametrize(
    ("details", "named"),
    [
        ({"stoploss": {"stoploss": -1.5}}, "execution.stoploss"),
        # An option that is an object, of which the engine writes the name.
        ({"mood": {"window": "Window.SHORT"}}, "mood_params.window"),
    ],
)
def test_an_epoch_that_no_configuration_can_hold_is_not_a_result(
    run: Run, details: dict[str, Any], named: str
) -> None:
    done = run(HYPEROPT, epochs=[epoch(3, 1.0, **details)])

    assert done.code == ExitCode.RESULT
    assert "epoch 3 is best, and no configuration can hold it" in done.verdict
    assert named in done.verdict
    assert "best.yaml" not in done.files


@pytest.mark.parametrize(
    ("spaces", "problem"),
    [
        ("[buy, mod]", "run.spaces names 'mod'"),
        ("[enter]", "has no parameter of that space"),
    ],
)
def test_a_space_without_parameters_is_refused_before_the_start(
    run: Run, spaces: str, problem: str
) -> None:
    done = run(HYPEROPT, f"run.spaces={spaces}", epochs=[epoch(1, 1.0)])

    assert done.code == ExitCode.CONFIGURATION
    assert problem in done.verdict
    assert done.given is None


def test_a_space_that_the_engine_ignored_is_named(run: Run, strategy: Path) -> None:
    source = strategy.parent / "strategies" / "wave_rider.py"
    source.write_text(source.read_text() + "    window_made = made_elsewhere()\n")

    done = run(HYPEROPT, "run.spaces=[buy, mod, trades]", epochs=[epoch(1, 1.0)])

    assert done.code == ExitCode.CONFIGURATION
    assert "the engine found no parameter of mod, trades to search" in done.verdict


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ("CategoricalParameter([(5, 10), (10, 20)])", "its option (5, 10) is a tuple"),
        ("CategoricalParameter([[1], [{2}]])", "its option [{2}] is a list"),
        ("IntParameter(1, 9, default=3, load=False)", "it is declared with load=False"),
    ],
)
def test_a_parameter_that_no_configuration_can_set_is_refused_before_the_start(
    run: Run, strategy: Path, declared: str, problem: str
) -> None:
    source = strategy.parent / "strategies" / "wave_rider.py"
    source.write_text(source.read_text() + f"    buy_more = {declared}\n")

    refused = run(HYPEROPT, epochs=[epoch(1, 1.0)])
    elsewhere = run(HYPEROPT, "run.spaces=[sell]", epochs=[epoch(1, 1.0)])

    assert refused.code == ExitCode.CONFIGURATION
    assert "buy_more of WaveRider cannot be searched" in refused.verdict
    assert problem in refused.verdict
    assert elsewhere.code == ExitCode.DONE


def test_a_parameter_that_is_not_searched_need_not_travel(run: Run, strategy: Path) -> None:
    source = strategy.parent / "strategies" / "wave_rider.py"
    fixed = "    buy_more = IntParameter(1, 9, default=3, optimize=False, load=False)\n"
    source.write_text(source.read_text() + fixed)

    assert run(HYPEROPT, epochs=[epoch(1, 1.0)]).code == ExitCode.DONE


def test_a_parameter_that_has_one_value_in_all_epochs_stops_the_search(run: Run) -> None:
    line = (
        "2026-11-24 01:03:38,504 - freqtrade.strategy.parameters - WARNING - Parameter 'buy_fast' "
        "is part of this hyperopt run, but its value is used during indicator calculation, which"
    )

    done = run(HYPEROPT, says=[line], epochs=[epoch(1, 1.0)], waits=True)

    assert done.code == ExitCode.CONFIGURATION
    assert "buy_fast cannot be searched" in done.verdict
    assert "parameters.analyze_per_epoch" in done.verdict


def test_worker_processes_find_the_modules_beside_the_strategy(
    run: Run, strategy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (strategy.parent / "strategies" / "waves.py").write_text("HEIGHT = 3\n")
    # A folder of that name which holds no module does not come before it.
    (tmp_path / "installed" / "waves").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "installed")

    done = run(HYPEROPT, "run.jobs=2", epochs=[epoch(1, 1.0)])
    alone = run(HYPEROPT, "run.jobs=1", epochs=[epoch(1, 1.0)])

    assert done.code == alone.code == ExitCode.DONE
    assert "--job-workers 2" in " ".join(done.given["arguments"])
    # The first one is ours, and puts the folder of the modules on the path of the workers.
    assert done.given["module"] == "tradai.entrypoint.freqtrade"
    assert alone.given["module"] == "freqtrade"


@pytest.mark.parametrize("name", ["queue.py", "time.py", "pydantic.py", "pydantic/rules.py"])
def test_a_module_that_worker_processes_would_not_find_is_refused(
    run: Run, strategy: Path, name: str
) -> None:
    helper = strategy.parent / "strategies" / name
    helper.parent.mkdir(exist_ok=True)
    helper.write_text("HEIGHT = 3\n")

    refused = run(HYPEROPT, "run.jobs=2", epochs=[epoch(1, 1.0)])
    alone = run(HYPEROPT, "run.jobs=1", epochs=[epoch(1, 1.0)])

    assert refused.code == ExitCode.CONFIGURATION
    assert "set run.jobs to 1" in refused.verdict
    assert alone.code == ExitCode.DONE


def test_the_search_is_given_its_parameters(run: Run) -> None:
    done = run(
        HYPEROPT,
        *("run.epochs=7", "run.spaces=[buy, roi]", "run.random_state=5", "run.jobs=2"),
        "run.loss=CalmarHyperOptLoss",
        epochs=[epoch(1, 1.0, roi={"0": 0.03})],
    )

    words = " ".join(done.given["arguments"])
    assert words.startswith("hyperopt --config - ")
    assert "--epochs 7 --spaces buy roi --hyperopt-loss CalmarHyperOptLoss" in words
    assert "--random-state 5 --job-workers 2 --disable-param-export" in words


@pytest.mark.parametrize("loss", [100_000, float("inf"), float("nan")])
def test_a_search_without_an_epoch_worth_ranking_has_no_patch(run: Run, loss: float) -> None:
    done = run(HYPEROPT, epochs=[epoch(1, loss, trades=0), epoch(2, loss, trades=1)])

    assert done.code == ExitCode.RESULT
    assert "no epoch of the hyperopt made enough trades" in done.verdict
    assert "the most were 1: " in done.verdict
    assert "a backtest without trades counts the entry signals" in done.verdict
    assert "best.yaml" not in done.files
    assert tuple(done.manifest.artifacts) == ("epochs.jsonl",)


def test_a_loss_in_stake_currency_may_be_greater_than_that_of_an_epoch_without_trades(
    run: Run,
) -> None:
    done = run(HYPEROPT, epochs=[epoch(1, 250_000.5), epoch(2, 100_000), epoch(3, 180_000)])

    assert done.code == ExitCode.DONE
    assert done.verdict.startswith("epoch 3 is best")
    assert "<dt>best loss</dt><dd>180,000</dd>" in (done.folder / "report.html").read_text()
    assert done.manifest.results["ranked_epochs"] == 2


def test_a_search_that_breaks_off_without_a_word_is_partial(run: Run) -> None:
    done = run(HYPEROPT, "run.epochs=3", epochs=[epoch(1, 6.5), epoch(2, 2.25)], breaks_off=True)

    assert done.code == ExitCode.CRASHED
    assert "the engine ended after 2 of 3 epochs and did not say why" in done.verdict
    assert "; of the epochs so far, epoch 2 is best" in done.verdict
    assert done.manifest.results["is_partial"] is True


def test_epochs_whose_parameters_were_tried_before_need_not_be_there(run: Run) -> None:
    done = run(HYPEROPT, "run.epochs=3", epochs=[epoch(1, 6.5), epoch(2, 2.25)])

    assert done.code == ExitCode.DONE


def test_a_search_that_stops_early_by_its_own_rule_is_done(run: Run) -> None:
    line = (
        "2026-11-24 01:03:38,123 - freqtrade.optimize.hyperopt.hyperopt - INFO - "
        "Early stopping after 2 epochs"
    )

    done = run(
        HYPEROPT,
        "run.epochs=3",
        epochs=[epoch(1, 6.5), epoch(2, 2.25)],
        breaks_off=True,
        says=[line],
    )

    assert done.code == ExitCode.DONE


def test_of_two_epochs_that_are_as_good_the_first_is_best(run: Run) -> None:
    done = run(HYPEROPT, epochs=[epoch(4, 1.5), epoch(2, 1.5)])

    assert done.verdict.startswith("epoch 2 is best")


def test_only_the_best_epochs_are_shown(run: Run) -> None:
    done = run(HYPEROPT, epochs=[epoch(number, 10.0 - number) for number in range(1, 8)])

    shown = [name for name in done.manifest.results if name.startswith("epoch_")]
    assert shown == ["epoch_7", "epoch_6", "epoch_5", "epoch_4", "epoch_3"]
    assert done.manifest.results["ranked_epochs"] == 7


def test_epochs_that_cannot_be_read_are_a_missing_result(run: Run) -> None:
    done = run(HYPEROPT, epochs=[{"loss": 1.0}])

    assert done.code == ExitCode.RESULT
    assert "epochs.jsonl is not a whole epoch" in done.verdict


def test_an_unknown_loss_is_a_configuration_error(run: Run) -> None:
    said = (LOGS / "hyperopt-loss-unknown.txt").read_text().splitlines()

    done = run(HYPEROPT, says=said, exit_code=2)

    assert done.code == ExitCode.CONFIGURATION
    assert "'NopeLoss'" in done.verdict


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ({"signals_parent": int(signal.SIGTERM), "waits": True}, ExitCode.TERMINATED),
        ({"signals_parent": int(signal.SIGINT), "waits": True}, ExitCode.INTERRUPTED),
        ({"killed_by": int(signal.SIGKILL)}, ExitCode.CRASHED),
        ({"exit_code": 1}, ExitCode.CRASHED),
    ],
    ids=["SIGTERM", "Ctrl-C", "killed", "failed"],
)
def test_a_search_that_did_not_finish_keeps_its_epochs_and_the_best_so_far(
    run: Run, end: dict[str, Any], expected: ExitCode
) -> None:
    done = run(HYPEROPT, epochs=[epoch(1, 6.5), epoch(2, 2.25, **EVERY_SPACE)], **end)

    assert done.code == expected
    assert "; of the epochs so far, epoch 2 is best; run with --patch" in done.verdict
    assert tuple(done.manifest.artifacts) == ("epochs.jsonl", "best.yaml")
    assert done.manifest.results["is_partial"]
    assert done.manifest.results["ranked_epochs"] == 2
    assert len((done.folder / "epochs.jsonl").read_text().splitlines()) == 2
    patch = (done.folder / "best.yaml").read_text()
    assert patch.startswith("# partial: ")
    assert yaml.safe_load(patch)["execution"]["stoploss"] == -0.08


def test_a_search_that_did_not_finish_may_have_no_usable_epoch(run: Run) -> None:
    done = run(HYPEROPT, epochs=[{"loss": 1.0}], exit_code=1)

    assert done.code == ExitCode.CRASHED
    assert tuple(done.manifest.artifacts) == ("epochs.jsonl",)


def test_a_search_is_stopped_when_all_missing_candles_are_known(run: Run) -> None:
    said = (LOGS / "informative-missing.txt").read_text().splitlines()

    done = run(HYPEROPT, says=said, epochs=[epoch(1, 1.0)], waits=True)

    assert done.code == ExitCode.DATA
    assert "XRP/USDT" in done.verdict
    assert "best.yaml" in done.files
