"""Moments of a live session at which one of its processes is killed, and how each is reached.

A session is held where it is: the exchange does not answer, or a process that it waits for is
frozen, which also shows that it is there. Moments between two lines of the journal, which
nothing can hold, are looked for until they have come.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Final

from engine.live_desk import Desk, poll_until
from engine.venue.control import Venue
from engine.venue.faults import Fault

from tradai.core import FileJournal

ACCOUNT: Final = "GET /api/v3/account"
RIGHTS: Final = "GET /sapi/v1/account/apiRestrictions"
OPEN_ORDERS: Final = "GET /api/v3/openOrders"
PLACE: Final = "POST /api/v3/order"
CANCEL: Final = "DELETE /api/v3/order"
# The engine alone asks for these, as soon as it has a key and before each trade.
MARGIN_PAIRS: Final = "GET /sapi/v1/margin/allPairs"
BOOK: Final = "GET /api/v3/depth"
_MANY: Final = 100


class Victim(StrEnum):
    """A process of a session."""

    SUPERVISOR = "supervisor"
    ENGINE = "engine"
    WATCHDOG = "watchdog"


class Scene:
    """One session at its desk, and the processes that it has."""

    def __init__(self, desk: Desk, venue: Venue) -> None:
        """Start nothing yet."""
        self.desk = desk
        self.venue = venue
        self._frozen: list[int] = []

    def start(self) -> None:
        """Start the session."""
        before = set(self._folders())
        self.session: Popen[bytes] = self.desk.start("run")
        self.wait(lambda: bool(set(self._folders()) - before))
        (self.folder,) = set(self._folders()) - before
        self._placed = self.requests(PLACE)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds while the session runs."""
        self.desk.wait_for(self.session, condition)

    def wait_for_event(self, name: str, **facts: str) -> None:
        """Wait until the session's journal has an event."""
        self.wait(lambda: self.has_event(name, **facts))

    def has_event(self, name: str, **facts: str) -> bool:
        """Return whether the session's journal has an event with these facts."""
        return any(
            entry.event == name and facts.items() <= dict(entry.facts).items()
            for entry in FileJournal(self.folder / "journal.jsonl").entries()
        )

    def wait_for_requests(self, endpoint: str, *, more_than: int = 0) -> None:
        """Wait until the exchange has got more requests."""
        self.wait(lambda: self.requests(endpoint) > more_than)

    def requests(self, endpoint: str) -> int:
        """Return the number of requests that the exchange has got."""
        counts = self.venue.signed() | self.venue.public()
        return counts.get(endpoint, 0)

    def pid_of(self, victim: Victim) -> int:
        """Return the process id of a part of the session, which runs."""
        if victim is Victim.SUPERVISOR:
            return self.session.pid
        found: dict[Victim, int] = {}

        def is_there() -> bool:
            # Kept: a process that becomes another program has no command line for a moment.
            found.update(self._children())
            return victim in found

        self.wait(is_there)
        return found[victim]

    def freeze(self, victim: Victim) -> None:
        """Let a process stand still."""
        pid = self.pid_of(victim)
        self._frozen.append(pid)
        os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the frozen processes that still live go on."""
        while self._frozen:
            try:
                os.kill(self._frozen.pop(), signal.SIGCONT)
            except ProcessLookupError:
                continue

    def kill(self, victim: Victim) -> None:
        """Kill a process of the session, and let those that it froze go on."""
        os.kill(self.pid_of(victim), signal.SIGKILL)
        self.venue.script(PLACE, Fault.HANG, times=0)
        self.thaw()

    def said(self) -> str:
        """Return everything that the sessions said to people."""
        manifests = self.desk.runs.glob("*/manifest.json")
        log = (self.desk.folder / "session.log").read_text()
        return "\n".join((log, *(path.read_text() for path in manifests)))

    def wait_until_it_trades_or_ends(self) -> None:
        """Wait until the session has looked at the market, unless it is refused."""

        def has_ended_or_traded() -> bool:
            return self.session.poll() is not None or self.has_traded

        poll_until(has_ended_or_traded)

    @property
    def has_traded(self) -> bool:
        """Whether the engine has been running, and is paused, or has placed an order since."""
        running = self.has_event("session_moved", end="running")
        return running and (
            self.has_event("session_moved", end="paused") or self.requests(PLACE) > self._placed
        )

    def stop(self) -> None:
        """Ask the session to stop, and wait until it begins to."""
        self.session.send_signal(signal.SIGTERM)
        self.wait_for_event("engine stopping")

    def engine_says(self, words: str) -> bool:
        """Return whether the engine's log has `words`."""
        return words in (self.folder / "engine.log").read_text()

    def _folders(self) -> list[Path]:
        return list(self.desk.runs.iterdir()) if self.desk.runs.exists() else []

    def _children(self) -> dict[Victim, int]:
        found: dict[Victim, int] = {}
        for children in Path(f"/proc/{self.session.pid}/task").glob("*/children"):
            for pid in map(int, _shown(children).split()):
                words = _shown(Path(f"/proc/{pid}/cmdline")).split(b"\0")
                if b"watchdog" in words:
                    found[Victim.WATCHDOG] = pid
                elif b"trade" in words:
                    found[Victim.ENGINE] = pid
        return found


def _shown(file: Path) -> bytes:
    """Return what the system shows of a thread or process, and nothing once that is gone."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _held(endpoint: str, fault: Fault, scene: Scene, *, skip: int = 0) -> None:
    """Start a session whose request to `endpoint`, after `skip` others, is not answered."""
    scene.venue.script(endpoint, fault, skip=skip)
    scene.start()
    scene.wait_for_requests(endpoint, more_than=skip)


def _at(event: str, scene: Scene, **facts: str) -> None:
    scene.start()
    scene.wait_for_event(event, **facts)


def _trading(scene: Scene) -> None:
    """Have BTC bought, and a bid for ETH that stays open."""
    _at("session_moved", scene, end="running")
    scene.wait(lambda: any(row["symbol"] == "ETHUSDT" for row in scene.venue.orders()))


def _paused(scene: Scene) -> None:
    _trading(scene)
    done = scene.desk.operate("stop", "trips", "--pause", "--reason", "a test")
    assert done.returncode == 0, done.stderr
    scene.wait_for_event("session_moved", end="paused")


def _asked_to_stop(scene: Scene) -> None:
    """Have an engine that does not answer the request to open no more positions."""
    _trading(scene)
    scene.freeze(Victim.ENGINE)
    scene.stop()


def _in_its_last_turn(scene: Scene) -> None:
    """Have an engine that agrees to stop, and whose turn does not end."""
    _trading(scene)
    before = scene.requests(BOOK)
    scene.venue.script(BOOK, Fault.HANG, times=_MANY)
    scene.wait_for_requests(BOOK, more_than=before)
    scene.stop()


def _draining(endpoint: str, fault: Fault, scene: Scene, *, skip: int = 0) -> None:
    """Have a stop whose request to `endpoint`, after `skip` others, is not answered."""
    _trading(scene)
    before = scene.requests(endpoint) + skip
    scene.venue.script(endpoint, fault, skip=skip, times=_MANY)
    scene.stop()
    scene.wait_for_requests(endpoint, more_than=before)


def _stopped(scene: Scene) -> None:
    """Have an engine that trades no more, and a supervisor that is frozen before its next step."""
    _trading(scene)
    scene.venue.script(OPEN_ORDERS, Fault.UNAVAILABLE)
    scene.stop()
    scene.wait(lambda: scene.engine_says("to: STOPPED"))
    scene.freeze(Victim.SUPERVISOR)


def _ending_the_engine(scene: Scene) -> None:
    _stopped(scene)
    scene.freeze(Victim.ENGINE)
    before = scene.requests(OPEN_ORDERS)
    os.kill(scene.session.pid, signal.SIGCONT)
    # Of the policy and two equal snapshots, of which the first may be behind us.
    scene.wait_for_requests(OPEN_ORDERS, more_than=max(before, 3))


def _comparing(scene: Scene) -> None:
    _stopped(scene)
    before = scene.requests(ACCOUNT)
    scene.venue.script(ACCOUNT, Fault.HANG)
    os.kill(scene.session.pid, signal.SIGCONT)
    scene.wait_for_requests(ACCOUNT, more_than=before)


def _before_the_manifest(scene: Scene) -> None:
    """Have a watchdog that does not stand down after the drain."""
    _trading(scene)
    scene.freeze(Victim.WATCHDOG)
    scene.stop()
    scene.wait_for_event("drained")


@dataclass(frozen=True, kw_only=True)
class Point:
    """A moment of a session, and the process that is killed then.

    Attributes:
        name: The moment.
        reach: Starts the session and brings it there.
        victim: The process.
        ends: Exit codes of the next start that are right beside 0.
    """

    name: str
    reach: Callable[[Scene], None]
    victim: Victim = Victim.SUPERVISOR
    ends: frozenset[int] = frozenset()

    @property
    def leaves_lease(self) -> bool:
        """Whether the process that is killed holds the lease."""
        return self.victim is Victim.SUPERVISOR and self.name != _FIRST


_FIRST: Final = "its account is asked for"
_HUNG, _UNHEARD = Fault.HANG, Fault.SERVED_HANG
_STEPS: Final[dict[str, Callable[[Scene], None]]] = {
    _FIRST: partial(_held, ACCOUNT, _HUNG),
    "its checks are run": partial(_held, RIGHTS, _HUNG),
    "it has been checked": partial(_at, "checked"),
    "its engine is started": partial(_at, "engine starting"),
    "its engine has its keys": partial(_held, MARGIN_PAIRS, _HUNG),
    "it trades": _trading,
    "a purchase is not booked": partial(_held, PLACE, _UNHEARD),
    "a bid is not booked": partial(_held, PLACE, _UNHEARD, skip=1),
    "a sale is not booked": partial(_held, PLACE, _UNHEARD, skip=2),
    "it is paused": _paused,
    "its engine is asked to stop": _asked_to_stop,
    "its engine is in its last turn": _in_its_last_turn,
    "its open orders are read": partial(_draining, OPEN_ORDERS, _HUNG),
    "it cancels": partial(_draining, CANCEL, _HUNG),
    "it has cancelled and does not know": partial(_draining, CANCEL, _UNHEARD),
    "it looks again": partial(_draining, OPEN_ORDERS, _HUNG, skip=1),
    "its engine is ended": _ending_the_engine,
    "its books are compared": _comparing,
    "its manifest is written": _before_the_manifest,
}
# The next start refuses to trade beside an order that its database does not have.
_REFUSED: Final = {"a purchase is not booked": frozenset({76})}
_OF_THE_ENGINE: Final = ("its engine has its keys", "it trades", "a purchase is not booked")
_OF_THE_WATCHDOG: Final = ("it trades", "its engine is asked to stop", "it cancels")
POINTS: Final = tuple(
    Point(name=name, reach=_STEPS[name], victim=victim, ends=_REFUSED.get(name, frozenset()))
    for victim, names in (
        (Victim.SUPERVISOR, tuple(_STEPS)),
        (Victim.ENGINE, (*_OF_THE_ENGINE, "its engine is asked to stop")),
        (Victim.WATCHDOG, _OF_THE_WATCHDOG),
    )
    for name in names
)
