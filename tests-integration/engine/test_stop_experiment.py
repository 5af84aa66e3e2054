"""Side by side: a bare engine ended by SIGTERM right after an order, and one that is drained.

SIGTERM interrupts the bare engine between the exchange's answer and its database, so that some of
its orders are lost; it depends on the seed and on the machine how many. The drain loses none.
"""

import random
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from engine.drained_engine import DATABASE, drained_engine, lost_orders
from engine.live_engine import live_engine
from engine.venue.control import Venue
from engine.venue.keys import TRADER

from tradai.core.live import OrderPolicy
from tradai.entrypoint._process.exit_codes import ExitCode

PRICES: Final = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
PLACE: Final = "POST /api/v3/order"
LONGEST_DELAY_S: Final = 0.12
ENGINE_PATIENCE_S: Final = 300


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder for the bare engine, and one for the drained engine."""
    pair = tmp_path / "bare", tmp_path / "drained"
    for folder in pair:
        folder.mkdir()
    return pair


@pytest.mark.parametrize("seed", [1, 2])
def test_a_drain_right_after_an_order_loses_none(
    seed: int, venue: Venue, engine_bin: Path, environ: Mapping[str, str], tmp_path: Path
) -> None:
    assert _lost_by_drain(venue, engine_bin, environ, tmp_path, seed=seed) == 0


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(24))
def test_the_drain_loses_none_beside_a_bare_engine_on_the_same_seed(
    seed: int,
    venue: Venue,
    engine_bin: Path,
    environ: Mapping[str, str],
    folders: tuple[Path, Path],
    record_property: Callable[[str, object], None],
) -> None:
    bare, drained = folders
    lost = _lost_by_sigterm(venue, engine_bin, environ, bare, seed=seed)
    venue.reset()

    kept = _lost_by_drain(venue, engine_bin, environ, drained, seed=seed)

    record_property("lost_by_sigterm", lost)
    print(f"seed {seed}: SIGTERM lost {lost} orders, the drain {kept}")
    assert kept == 0


def _lost_by_sigterm(
    venue: Venue, engine_bin: Path, environ: Mapping[str, str], folder: Path, *, seed: int
) -> int:
    venue.set(prices=PRICES)
    start = partial(live_engine, venue.url, TRADER, strategy="RoundTrips")
    with start(engine_bin=engine_bin, environ=environ, folder=folder) as engine:
        engine.wait_for(lambda: _has_order(venue), event="its first order", poll_s=0.005)
        time.sleep(_delay_s(seed))
        engine.process.send_signal(signal.SIGTERM)
        engine.process.wait(ENGINE_PATIENCE_S)
    return len(lost_orders(venue, folder / DATABASE))


def _lost_by_drain(
    venue: Venue, engine_bin: Path, environ: Mapping[str, str], folder: Path, *, seed: int
) -> int:
    venue.set(prices=PRICES)
    start = partial(drained_engine, venue, strategy="RoundTrips")
    with start(engine_bin=engine_bin, environ=environ, folder=folder) as engine:
        engine.wait_for(lambda: _has_order(venue), event="its first order")
        engine.process.follow(engine.interrupts, timeout_s=_delay_s(seed))
        report = engine.drain(OrderPolicy.KEEP)
    assert report.verdict.exit_code is ExitCode.DONE, report.problems
    return len(lost_orders(venue, folder / DATABASE))


def _has_order(venue: Venue) -> bool:
    return PLACE in venue.signed()


def _delay_s(seed: int) -> float:
    return random.Random(seed).uniform(0, LONGEST_DELAY_S)  # noqa: S311 - a schedule, not a secret
