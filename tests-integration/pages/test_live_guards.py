"""The page about the guards of LIVE against the checks and the tests that there are."""

import re
from pathlib import Path
from typing import Final

from conftest import ROOT

from tradai.entrypoint import ExitCode
from tradai.entrypoint._live.check_table import HARMLESS_WARNINGS
from tradai.entrypoint._preflight.facts import Limits
from tradai.entrypoint._preflight.preflight import BUILT_IN

PAGE: Final = (ROOT / "docs/reference/live-guards.md").read_text(encoding="utf-8")
SECTIONS: Final = dict(part.split("\n", 1) for part in PAGE.split("\n## ")[1:])


def rows(section: str) -> list[list[str]]:
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_page_has_each_check_in_its_order() -> None:
    names = [row[0] for row in rows("Checks of the preflight")]

    assert names == [check.name for check in BUILT_IN]


def test_the_page_has_the_limits_of_the_checks() -> None:
    limits, text = Limits(), PAGE.replace("\n", " ")

    assert {"clock"} == HARMLESS_WARNINGS
    assert (limits.starts, limits.starts_within.total_seconds()) == (5, 30 * 60)
    assert "the sixth start within 30 minutes" in text
    assert f"{limits.free_bytes // 1024**2} MiB" in text


def test_all_19_guards_are_there_and_each_test_exists() -> None:
    guards = rows("The guards of other bots, and ours")

    assert len(guards) == 19
    _require_tests(guards)


def test_each_bad_input_has_its_exit_code_and_a_test() -> None:
    inputs = rows("Bad input")

    assert {int(end[:2].rstrip(":")) for _, end, _ in inputs} <= {*ExitCode}
    _require_tests(inputs)


def _require_tests(rows: list[list[str]]) -> None:
    """Check that the last cell of each row names a test that exists."""
    for name, _, proof in rows:
        (file, test), *_ = re.findall(r"`(\w+\.py)::(\w+)`", proof)
        found = [path for path in _tests() if path.name == file]
        assert any(f"def {test}(" in path.read_text() for path in found), name


def _tests() -> list[Path]:
    return [
        *ROOT.glob("packages/*/tests/**/test_*.py"),
        *ROOT.glob("tests-integration/**/test_*.py"),
    ]
