"""A run that is planned has the digests that it has when it is made."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint import EntrypointSettings, RunRequest, StrategyEntrypoint
from tradai.entrypoint._store.names import CANDLES_NAME
from tradai.entrypoint.freqtrade import PlannedRun, SharedStaging, plan_run
from tradai.entrypoint.freqtrade._engine.install import EngineInstall

BACKTEST = TradingMode.BACKTEST

# The fixture of this folder returns objects whose class is in its conftest.
Run = Callable[..., Any]
Plan = Callable[..., PlannedRun]


@pytest.fixture
def staging(tmp_path: Path) -> SharedStaging:
    return SharedStaging(tmp_path / "staged")


@pytest.fixture
def plan(
    strategy: Path,
    candles: Path,
    tmp_path: Path,
    staging: SharedStaging,
    fake_engine: Callable[..., EngineInstall],
) -> Callable[..., PlannedRun]:
    """Plan a backtest with the given overrides."""

    # A job has a folder of its own, so it is given absolute paths; a person gives relative ones.
    data = os.path.relpath(candles)

    def make(*overrides: str, staging: SharedStaging = staging) -> PlannedRun:
        settings = EntrypointSettings(
            mode=BACKTEST, config=str(strategy), data=data, folder=tmp_path / "runs"
        )
        request = RunRequest(overrides=overrides)
        entrypoint = StrategyEntrypoint(settings, request=request, environ=os.environ)
        return plan_run(entrypoint, staging, engine=fake_engine())

    return make


def test_a_planned_run_has_the_digests_of_the_run(plan: Plan, run: Run, tmp_path: Path) -> None:
    planned = plan("buy_params.buy_fast=9")
    assert not (tmp_path / "runs").exists()

    made = run(BACKTEST, "buy_params.buy_fast=9").manifest

    assert planned.config_digest == made.digests["config"]
    assert planned.run_digest == made.digests["run"]
    assert planned.config_id == made.config_id
    assert plan("buy_params.buy_fast=8").config_digest != planned.config_digest
    assert plan("run.timerange=20250101-20250103").run_digest != planned.run_digest


def test_candles_are_staged_once_for_equal_requests(plan: Plan, staging: SharedStaging) -> None:
    first, second = plan("buy_params.buy_fast=9"), plan("buy_params.buy_fast=8")
    other = plan("run.timerange=20250101-20250103")

    assert first.staged == second.staged != other.staged
    assert sorted(path.name for path in staging.root.iterdir()) == sorted(
        {first.staged.name, other.staged.name}
    )


def test_candles_that_another_sweep_uses_stay_until_it_has_ended(
    plan: Plan, staging: SharedStaging, tmp_path: Path
) -> None:
    plan("run.timerange=20250101-20250103")
    other = SharedStaging(tmp_path / "staged")
    planned = plan(staging=other)

    staging.remove()

    assert plan(staging=other) == planned
    assert (planned.staged / "staged.json").exists()
    other.remove()
    assert not staging.root.exists()
    assert plan() == planned


def test_a_run_uses_candles_that_were_staged_for_it(
    plan: Plan, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan()

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the candles were staged a second time")

    monkeypatch.setattr("tradai.entrypoint.freqtrade._preparation.prepare.stage_data", refuse)
    made = run(BACKTEST, places={"staged": str(planned.staged)})

    assert made.code == 0
    assert made.manifest.digests["run"] == planned.run_digest


def test_a_run_does_not_use_candles_of_another_request(plan: Plan, run: Run) -> None:
    planned = plan("run.timerange=20250101-20250103")

    made = run(BACKTEST, places={"staged": str(planned.staged)})

    assert made.code == 0
    assert made.manifest.digests["run"] == plan().run_digest
    assert (made.folder / CANDLES_NAME).is_file()
    assert not (planned.staged / CANDLES_NAME).exists()


def test_runs_that_share_their_candles_keep_them_as_one_file(
    plan: Plan, run: Run, staging: SharedStaging
) -> None:
    places = {"staged": str(plan().staged)}

    first, second = (run(BACKTEST, places=places).folder / CANDLES_NAME for _ in range(2))
    staging.remove()

    assert first.samefile(second)
    assert first.read_bytes() == (run(BACKTEST).folder / CANDLES_NAME).read_bytes()


def test_a_run_keeps_no_candles_where_the_file_system_has_no_links(
    plan: Plan, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    made = run(BACKTEST, places={"staged": str(plan().staged)})

    assert made.code == 0
    assert CANDLES_NAME not in made.manifest.artifacts
    assert not (made.folder / CANDLES_NAME).exists()


def test_a_run_without_candles_is_refused_when_it_is_planned(
    plan: Plan, staging: SharedStaging
) -> None:
    with pytest.raises(NotFoundError, match="has no candles"):
        plan("run.timerange=20300101-20300201")

    assert list(staging.root.iterdir()) == []
