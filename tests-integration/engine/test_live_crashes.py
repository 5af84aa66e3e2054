"""A live session loses a process to kill -9 at some moment, and is started again.

It goes on with its books, or it is refused: it buys nothing twice and invents no fill.
"""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from engine.crash_points import POINTS, Point, Scene, Victim
from engine.live_books import contradictions, is_open
from engine.live_desk import CONFIG, TERMS, Desk
from engine.venue.control import Venue

PATIENCE_S: Final = 300
PRICES: Final = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
QUICK: Final = {
    (Victim.SUPERVISOR, "its account is asked for"),
    (Victim.ENGINE, "a purchase is not booked"),
    (Victim.WATCHDOG, "it trades"),
}
# A longer one makes the next start wait longer for the lease of a supervisor that was killed.
LONGEST_GRACE_S: Final = "120"


def _shown(point: Point) -> str:
    return f"{point.victim} - {point.name}"


def _marks(point: Point) -> tuple[pytest.MarkDecorator, ...]:
    return () if (point.victim, point.name) in QUICK else (pytest.mark.deep,)


@pytest.fixture
def scene(
    tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path
) -> Iterator[Scene]:
    """A session of an approved plan whose bid for ETH stays open until its stop."""
    venue.set(prices=PRICES)
    desk = Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")
    patient = CONFIG.replace("{entry: 3, exit: 30, unit: seconds}", "{entry: 30, exit: 30}")
    assert patient != CONFIG
    (tmp_path / "live.yaml").write_text(patient)
    desk.approve(*("cancel-all" if word == "keep" else word for word in TERMS))
    venue.reset()
    venue.set(prices=PRICES)
    scene = Scene(desk, venue)
    yield scene
    scene.thaw()
    if scene.session.poll() is None:
        scene.session.kill()
    scene.session.wait()


@pytest.mark.parametrize(
    "point", [pytest.param(each, id=_shown(each), marks=_marks(each)) for each in POINTS]
)
def test_a_session_goes_on_or_is_refused_after_a_kill_and_nothing_is_doubled_or_invented(
    scene: Scene, point: Point
) -> None:
    if not point.leaves_lease:
        scene.desk.environ["TRADAI_RUN_STOP_GRACE_S"] = LONGEST_GRACE_S
    point.reach(scene)
    scene.kill(point.victim)
    scene.session.wait(PATIENCE_S)
    killed, started = scene.folder.name, scene.has_event("session_started")
    if point.victim is Victim.SUPERVISOR:
        assert _manifest(scene.folder)["state"] == "running"

    scene.start()
    scene.wait_until_it_trades_or_ends()
    scene.session.send_signal(signal.SIGTERM)
    code = scene.session.wait(PATIENCE_S)

    said = scene.said()
    manifest = _manifest(scene.folder)
    assert code in point.ends or code == 0, said
    assert manifest["exit_code"] == code
    assert manifest["live"].get("predecessor") == (killed if started else None)
    assert list(contradictions(scene.desk, scene.venue, said=said)) == []
    if code == 0:
        assert not any(map(is_open, scene.venue.orders()))
        assert manifest["live"]["drain"]["lost"] == []


def _manifest(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return read
