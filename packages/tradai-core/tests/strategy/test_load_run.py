"""The run block alone, for a run that goes on without its configuration."""

from pathlib import Path

import pytest

from tradai.core import StrategyConfigLoader
from tradai.core.exceptions import ConfigurationError

URL = "http://127.0.0.1:9"


@pytest.mark.parametrize("content", [None, "name: [", "- a list", "name: demo", ""])
def test_overrides_and_variables_are_read_whatever_the_file_is(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "strategy.yaml"
    if content is not None:
        file.write_text(content)
    loader = StrategyConfigLoader(environ={"TRADAI_STRATEGY__RUN__EPOCHS": "7"})

    run = loader.load_run(file, overrides=(f"run.exchange_url={URL}", "name=other"))

    assert run == {"epochs": 7, "exchange_url": URL}


def test_the_layers_have_the_order_of_a_whole_configuration(tmp_path: Path) -> None:
    file, patch = tmp_path / "strategy.yaml", tmp_path / "patch.yaml"
    file.write_text("timeframe: none\nrun: {epochs: 1, jobs: 2, loss: A}\n")
    patch.write_text("run: {epochs: 3, loss: B}\n")
    loader = StrategyConfigLoader(environ={})

    run = loader.load_run(file, patches=(patch,), overrides=("run.loss=C",))

    assert run == {"epochs": 3, "jobs": 2, "loss": "C"}


@pytest.mark.parametrize(
    ("content", "override"), [("", "run=3"), ("run: 3", "name=x"), ("", "run..x=1")]
)
def test_a_run_block_that_is_none_is_refused(tmp_path: Path, content: str, override: str) -> None:
    file = tmp_path / "strategy.yaml"
    file.write_text(content)

    with pytest.raises(ConfigurationError):
        StrategyConfigLoader(environ={}).load_run(file, overrides=(override,))
