"""scripts/mutate.py on a small program: changes that its tests notice, and survivors."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "mutate.py"
PROGRAM = """\
def is_adult(age):
    return age >= 18


def countdown(number):
    while number > 0:
        number -= 1
    return number
"""
TESTS = """\
import time

from people.rules.ages import countdown, is_adult


class Unhurried(int):
    def __gt__(self, other):
        time.sleep(0.1)  # so that a loop without an end costs no processor
        return int(self) > other


def test_a_child_is_not_an_adult():
    assert is_adult(30) is True
    assert is_adult(17) is False


def test_countdowns_end():
    assert countdown(Unhurried(3)) == 0
"""

Mutate = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A module whose boundary, 18, no test checks."""
    module = tmp_path / "src" / "people" / "rules" / "ages.py"
    module.parent.mkdir(parents=True)
    module.write_text(PROGRAM)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_ages.py").write_text(TESTS)
    return module


@pytest.fixture
def mutate(program: Path, tmp_path: Path) -> Mutate:
    """Run the script on the module."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, SCRIPT, program.relative_to(tmp_path), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_unnoticed_change_survives_and_no_file_is_changed(mutate: Mutate, program: Path) -> None:
    done = mutate("--timeout-s", "20")

    survivors = [line for line in done.stdout.splitlines() if line.startswith("survived")]
    assert survivors == [
        "survived  src/people/rules/ages.py:2: age >= 18  ->  age > 18",
        "survived  src/people/rules/ages.py:2: 18  ->  19",
    ]
    # Without `number -= 1` the loop never ends, which counts as noticed.
    assert "8 changes, 2 survived: 75 % noticed" in done.stdout
    assert done.returncode == 1
    assert program.read_text() == PROGRAM
    assert {path.name for path in program.parent.iterdir()} == {"ages.py"}


def test_a_sample_depends_on_its_seed_alone(mutate: Mutate) -> None:
    first, again, other_seed = (
        mutate("--list", "--sample", "4", "--seed", seed).stdout for seed in ("1", "1", "2")
    )

    assert len(first.splitlines()) == 4
    assert first == again != other_seed


def test_tests_that_never_import_the_target_are_an_error(mutate: Mutate, tmp_path: Path) -> None:
    (tmp_path / "tests" / "test_ages.py").write_text("def test_nothing():\n    pass\n")

    done = mutate()

    assert done.returncode == 2
    assert "never import src/people/rules/ages.py" in done.stderr


def test_tests_that_fail_without_a_change_are_an_error(mutate: Mutate, tmp_path: Path) -> None:
    (tmp_path / "tests" / "test_ages.py").write_text("def test_nothing():\n    raise OSError\n")

    done = mutate()

    assert done.returncode == 2
    assert "fix them first" in done.stderr
