"""Flags of Freqtrade on our command line."""

from pathlib import Path

import pytest

from tradai.core import StrategyConfigLoader
from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint.freqtrade._preparation.engine_options import OPTIONS


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit):
        run_command(words, interrupts=Interrupts())
    return capsys.readouterr().err.partition("error: ")[2].strip()


@pytest.mark.parametrize(
    ("flag", "override"),
    [
        ("--analyze-per-epoch", "parameters.analyze_per_epoch=true"),
        ("--early-stop", "parameters.early_stop=50"),
        ("--eps", "parameters.position_stacking=true"),
        ("--dry-run-wallet", "execution.starting_balance=1000"),
        ("--enable-position-stacking", "parameters.position_stacking=true"),
        ("--enable-protections", "parameters.enable_protections=true"),
        ("--epochs", "run.epochs=100"),
        ("-e", "run.epochs=100"),
        ("--fee", "execution.fee=0.001"),
        ("--freqaimodel", "run.freqai_model=LightGBMRegressor"),
        ("--hyperopt-loss", "run.loss=SharpeHyperOptLossDaily"),
        ("-j", "run.jobs=2"),
        ("--max-open-trades", "execution.max_open_trades=3"),
        ("--min-trades", "parameters.hyperopt_min_trades=30"),
        ("-p", "pairs=[BTC/USDT,ETH/USDT]"),
        ("--pairs", "pairs=[BTC/USDT,ETH/USDT]"),
        ("--random-state", "run.random_state=1"),
        ("--spaces", "run.spaces=[buy,sell]"),
        ("--stake-amount", "execution.stake_amount=100"),
        ("--starting-balance", "execution.starting_balance=1000"),
        ("-s", "strategy.class=MyStrategy"),
        ("--timeframe", "timeframe=5m"),
        ("-i", "timeframe=5m"),
        ("--timeframe-detail", "parameters.timeframe_detail=1m"),
    ],
)
def test_a_flag_of_freqtrade_is_refused_with_an_override_that_is_taken(
    flag: str, override: str, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = override.partition("=")[0]
    more = ["strategy.source=strategies"] if key == "strategy.class" else []

    said = refusal(capsys, "run", str(config_file), "--mode", "backtest", flag, "5")
    loader = StrategyConfigLoader(environ={})
    loaded = loader.load_config(config_file, overrides=[override, *more])
    read_run_parameters(loaded)

    assert said == f"{flag} has its place at {key}: write, for example, {override}"
    assert not loaded.warnings
    assert loaded.config.parameters.keys() <= OPTIONS


def test_each_of_several_flags_has_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "compare", "a.yaml", "b.yaml", "--fee=0.002", "--timeframe", "1h")

    assert said == (
        "--fee has its place at execution.fee: write, for example, execution.fee=0.001; "
        "--timeframe has its place at timeframe: write, for example, timeframe=5m"
    )


@pytest.mark.parametrize(
    "words", [("run", "c.yaml", "--fee", "0.1", "--no-such-flag"), ("runs", "list", "--fee", "1")]
)
def test_other_flags_and_commands_without_overrides_have_no_advice(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, *words).startswith("unrecognized arguments: --fee")
