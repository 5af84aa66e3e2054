"""Secrets are masked while any holder has them, and are forgotten some time after that."""

import gc
import random
import string
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tradai.core import Secret, redact, register_secret
from tradai.core._secrets import redaction
from tradai.core.exceptions import ValidationError

ENOUGH = 300


def make_and_drop(count: int) -> None:
    for number in range(count):
        Secret(f"obviously-fake-and-dropped-{number:06d}")


def test_a_value_that_no_secret_holds_is_forgotten_after_enough_others() -> None:
    Secret("obviously-fake-value-1")
    assert redact("obviously-fake-value-1") == "***"

    make_and_drop(ENOUGH)

    assert redact("obviously-fake-value-1") == "obviously-fake-value-1"


def test_a_value_is_masked_as_long_as_one_of_its_secrets_lives() -> None:
    secrets = [Secret("obviously-fake-value-1") for _ in range(3)]
    del secrets[1:]

    make_and_drop(ENOUGH)

    assert redact(f"it is {secrets[0].reveal()}") == "it is ***"


def test_a_value_that_comes_again_is_masked_as_if_it_were_new() -> None:
    Secret("obviously-fake-value-1")
    make_and_drop(ENOUGH)
    again = Secret("obviously-fake-value-1")
    make_and_drop(ENOUGH)

    assert redact("obviously-fake-value-1") == "***"
    assert again.reveal()


def test_a_value_that_was_registered_is_masked_for_good() -> None:
    register_secret("obviously-fake-value-1")
    Secret("obviously-fake-value-1")
    Secret({"all": ["obviously-fake-value-2", 12345678, b"obviously-fake-value-3"]})

    make_and_drop(ENOUGH)

    assert redact("obviously-fake-value-1 obviously-fake-value-2") == "*** obviously-fake-value-2"
    assert redact("12345678 obviously-fake-value-3") == "12345678 obviously-fake-value-3"


def test_the_lines_of_a_value_are_forgotten_with_it_unless_another_has_them_too() -> None:
    Secret("obviously-fake-line-1\nobviously-fake-line-2")
    kept = Secret("obviously-fake-line-2\nobviously-fake-line-3")

    make_and_drop(ENOUGH)

    text = "obviously-fake-line-1 obviously-fake-line-2 obviously-fake-line-3"
    assert redact(text) == "obviously-fake-line-1 *** ***"
    assert kept.reveal()


def test_secrets_in_a_cycle_are_forgotten_when_they_are_collected() -> None:
    cycle: list[object] = [Secret("obviously-fake-value-1")]
    cycle.append(cycle)
    del cycle
    gc.collect()

    make_and_drop(ENOUGH)

    assert redact("obviously-fake-value-1") == "obviously-fake-value-1"


def test_a_secret_that_was_refused_leaves_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValidationError):
        Secret(" ")
    gc.collect()

    assert capsys.readouterr().err == ""


def test_thousands_of_secrets_that_came_and_went_leave_little_behind() -> None:
    # Repeatable on purpose, and not for security.
    chance = random.Random(7)  # noqa: S311
    for _ in range(3_000):
        Secret("".join(chance.choices(string.ascii_letters + string.punctuation, k=24)))

    redact("settles what was released")

    # Private: nothing public tells how much is kept.
    kept = vars(vars(redaction)["_REGISTRY"])
    assert len(kept["_holders"]) <= ENOUGH
    assert len(kept["_index"].names_in(" ".join(kept["_holders"]))) <= ENOUGH


def test_threads_that_make_and_drop_secrets_leave_those_of_others_alone() -> None:
    together = threading.Barrier(4)

    def work(thread: int) -> bool:
        kept = Secret(f"obviously-fake-and-kept-{thread}")
        together.wait(timeout=300)
        for number in range(ENOUGH):
            Secret(f"obviously-fake-of-{thread}-{number}")
            Secret("obviously-fake-of-all-threads")
        return redact(kept.reveal()) == "***"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4
