"""LIVE by FreqAI models that were trained before, with the real engine on the loopback exchange."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from engine.conftest import DEMO
from engine.live_desk import NOT_PERMITTED, TERMS, Desk
from engine.venue.control import Venue

CONFIG = """\
name: trips
version: 1.0.0
timeframe: 5m
pairs: [BTC/USDT, ETH/USDT]
strategy: {class: Learner, source: strategies}
execution:
  stake_amount: 100
  max_open_trades: 2
  process_throttle_s: 1
  entry_pricing: {price_side: other, use_order_book: true, order_book_top: 1}
  exit_pricing: {price_side: other, use_order_book: true, order_book_top: 1}
freqai:
  enabled: true
  identifier: learner
  train_period_days: 1
  backtest_period_days: 1
  live_retrain_hours: 1000000
  feature_parameters:
    include_timeframes: [5m]
    include_corr_pairlist: []
    indicator_periods_candles: [10]
    label_period_candles: 3
  data_split_parameters: {test_size: 0.2, shuffle: false}
  model_training_parameters: {n_estimators: 5, num_leaves: 3, n_jobs: 1, random_state: 1}
"""


@pytest.fixture(scope="module")
def trained(engine_bin: Path, candles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a training."""
    folder = tmp_path_factory.mktemp("training")
    shutil.copytree(DEMO / "learners", folder / "strategies")
    (folder / "live.yaml").write_text(CONFIG)
    done = subprocess.run(
        [
            *(engine_bin / "tradai-entrypoint", "run", "live.yaml", "--mode", "train"),
            *("--data", candles, "--timerange", "20250110-20250111", "--run-id", "training"),
        ],
        env={name: text for name, text in os.environ.items() if not name.startswith("TRADAI_")},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder / ".tradai" / "runs" / "training"


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk with a FreqAI strategy; it has no models yet."""
    desk = Desk(tmp_path / "desk", venue, environ, engine_bin / "tradai-entrypoint")
    shutil.copytree(DEMO / "learners", desk.folder / "strategies", dirs_exist_ok=True)
    (desk.folder / "live.yaml").write_text(CONFIG)
    desk.environ |= {
        "TRADAI_LIVE_MODELS": str(desk.folder / "models"),
        "TRADAI_LIVE_LONGEST_SESSION_HOURS": "12",
    }
    return desk


@pytest.fixture
def models(desk: Desk, trained: Path) -> Path:
    """The models of a training of the same strategy."""
    return Path(shutil.copytree(trained / "models", desk.folder / "models"))


def test_a_session_trades_by_the_approved_models_until_one_of_them_is_changed(
    desk: Desk, venue: Venue, models: Path
) -> None:
    desk.approve()
    venue.reset()

    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 1)
    session.send_signal(signal.SIGTERM)
    session.wait(300)

    log = (desk.folder / "session.log").read_text()
    manifest = desk.manifest()
    assert manifest["live"]["plan"]["models"] is not None
    assert "2 approved models" in manifest["live"]["checks"]["models"]
    engine_log = max(desk.runs.glob("*/engine.log")).read_text()
    assert "Starting training" not in engine_log, log

    (model,) = models.glob("learner/sub-train-BTC_*/*_model.joblib")
    model.write_bytes(model.read_bytes() + b"\0")
    changed = desk.run("run")

    assert changed.returncode == NOT_PERMITTED, changed.stderr
    assert "TRADAI_LIVE_CONFIRM does not confirm it, as it names another digest" in changed.stderr


@pytest.mark.deep
@pytest.mark.parametrize(("hours", "word"), [(0, "is 0,"), (24, "is 24,")])
@pytest.mark.usefixtures("models")
def test_models_that_would_be_trained_again_open_no_session(
    desk: Desk, venue: Venue, hours: int, word: str
) -> None:
    text = CONFIG.replace("live_retrain_hours: 1000000", f"live_retrain_hours: {hours}")
    (desk.folder / "live.yaml").write_text(text)
    desk.approve()
    venue.reset()

    refused = desk.run("run")

    assert refused.returncode == NOT_PERMITTED, refused.stderr
    assert f"freqai.live_retrain_hours {word} counted from the training" in refused.stderr
    assert venue.orders() == []


def test_a_strategy_without_models_cannot_be_approved(desk: Desk) -> None:
    outcome = desk.run("approve", *TERMS)

    assert outcome.returncode == NOT_PERMITTED, outcome.stderr
    assert "there are no trained models at" in outcome.stderr
