"""Probes over HTTP: three questions, each with its own answer."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.core.live import SessionState
from tradai.core.testing import FixedClock, MemoryJournal, MemorySessionStore
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.probes import ProbeAnswers, Probes, SessionProbes
from tradai.entrypoint._live.session import Session

QUESTIONS = ("live", "ready", "startup")


@pytest.fixture
def problems() -> dict[str, str]:
    """Reasons for a no; none at first."""
    return {}


@pytest.fixture
def probes(problems: dict[str, str]) -> Iterator[Probes]:
    """Probes that answer by `problems`."""
    answers = ProbeAnswers(
        live=lambda: problems.get("live"),
        ready=lambda: problems.get("ready"),
        startup=lambda: problems.get("startup"),
    )
    with Probes(answers) as listening:
        yield listening


def ask(probes: Probes, path: str) -> tuple[int, dict[str, object]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{probes.port}{path}", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_without_a_problem_is_answered_with_yes(probes: Probes, question: str) -> None:
    assert ask(probes, f"/{question}") == (200, {"ok": True})


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_problem_is_the_answer_to_its_own_question_alone(
    probes: Probes, problems: dict[str, str], question: str
) -> None:
    problems[question] = "the strategy has analysed no new candle"

    codes = {each: ask(probes, f"/{each}")[0] for each in QUESTIONS}

    assert ask(probes, f"/{question}")[1]["problem"] == problems[question]
    assert codes == dict.fromkeys(QUESTIONS, 200) | {question: 503}


def test_another_question_is_not_found(probes: Probes) -> None:
    code, body = ask(probes, "/healthz")

    assert code == 404
    assert body == {"problem": "expected one of /live /ready /startup"}


def test_a_port_that_is_taken_is_a_mistake_in_the_configuration(probes: Probes) -> None:
    again = Probes(ProbeAnswers(live=str, ready=str, startup=str), port=probes.port)

    with pytest.raises(ConfigurationError, match="choose another port") as caught, again:
        pass

    assert caught.value.exit_code == 78


class Desk:
    """A session with its probes, on a clock that a test turns on."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.session = Session.start(
            MemorySessionStore(), session="trend", run_id="run-1", journal=MemoryJournal()
        )
        self.ended_s: float | None = None
        self.stall: str | None = None
        self.heartbeat = Heartbeat(self.session, lambda: self.ended_s, clock=self.clock)
        self.probes = SessionProbes(pause_s=5.0)
        self.probes.begin(self.session)

    def trade(self) -> None:
        """Have the engine run, with one turn of its loop."""
        self.probes.watch(self.heartbeat, lambda: self.stall)
        self.move("warm-up", "running")
        self.turn(1.0)

    def turn(self, ended_s: float | None, *, seconds: float = 5.0) -> None:
        """Turn the supervisor's loop, after `seconds`."""
        self.clock.advance(timedelta(seconds=seconds))
        self.ended_s = ended_s
        self.heartbeat.beat()

    def move(self, *states: str) -> None:
        for state in states:
            self.session.move(SessionState(state), "a test")

    def problems(self) -> dict[str, str | None]:
        answers = self.probes.answers
        return {name: getattr(answers, name)() for name in QUESTIONS}


def test_a_session_that_trades_on_fresh_data_is_live_ready_and_started() -> None:
    desk = Desk()
    desk.trade()

    assert desk.problems() == dict.fromkeys(QUESTIONS)


def test_a_session_before_its_record_and_before_its_engine_has_not_started() -> None:
    desk, early = Desk(), SessionProbes(pause_s=5.0).answers

    problems = desk.problems()

    assert early.live() is problems["live"] is None
    assert early.startup() == problems["startup"] == "the engine has not started"
    assert early.ready() == problems["ready"] == "the engine has not started"


def test_an_engine_whose_loop_has_not_ended_once_is_not_ready() -> None:
    desk = Desk()
    desk.probes.watch(desk.heartbeat, lambda: None)
    desk.move("warm-up")
    desk.turn(0.0)

    assert desk.problems()["startup"] is None
    assert "has made no turn yet" in str(desk.problems()["ready"])


def test_an_engine_that_stands_still_beside_its_supervisor_is_not_ready_and_is_live() -> None:
    desk = Desk()
    desk.trade()

    for _ in range(7):
        desk.turn(None)
    at_the_limit = desk.problems()
    desk.turn(None)

    assert at_the_limit == dict.fromkeys(QUESTIONS)
    assert desk.problems() == {
        "live": None,
        "ready": "the engine's loop has made no turn for 40 s",
        "startup": None,
    }


def test_an_engine_whose_candles_are_late_is_not_ready() -> None:
    desk = Desk()
    desk.trade()
    desk.stall = "the strategy has analysed no new candle"

    assert desk.problems() == {"live": None, "ready": desk.stall, "startup": None}


def test_a_paused_session_on_fresh_data_is_ready() -> None:
    desk = Desk()
    desk.trade()
    desk.move("paused")

    assert desk.problems() == dict.fromkeys(QUESTIONS)


def test_a_supervisor_whose_loop_stands_still_is_not_live() -> None:
    desk = Desk()
    desk.trade()
    desk.clock.advance(timedelta(seconds=61))

    assert desk.problems()["live"] == "the supervisor's loop has made no turn for 61 s"


@pytest.mark.parametrize("moves", [("draining",), ("draining", "stopped")])
def test_a_session_that_stops_is_live_however_long_that_takes_and_not_ready(
    moves: tuple[str, ...],
) -> None:
    desk = Desk()
    desk.trade()
    desk.move(*moves)
    desk.clock.advance(timedelta(seconds=110))

    problems = desk.problems()

    assert problems["live"] is problems["startup"] is None
    assert problems["ready"] == f"the session is {moves[-1]}"
