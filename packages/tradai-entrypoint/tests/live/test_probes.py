"""Probes over HTTP: three questions, each with its own answer."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._live.probes import ProbeAnswers, Probes

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
