"""The runbook of live sessions against the exit codes and the checks that there are."""

import re
from typing import Final

import pytest
from conftest import ROOT
from pages.page import Page

from tradai.entrypoint import ExitCode
from tradai.entrypoint._cli import build_parser
from tradai.entrypoint._preflight.preflight import BUILT_IN

PAGE: Final = Page(ROOT / "docs/how-to/live-runbook.md")
SECTIONS: Final = dict(part.split("\n", 1) for part in PAGE.text.split("\n## ")[1:])
CODES: Final = [str(int(code)) for code in ExitCode]
# Of a process that was killed: it cannot choose one.
KILLED: Final = "137 (SIGKILL)"
# Rows of `check` that are none of the preflight.
OF_THE_GATE: Final = {"permission", "confirmation", "approval", "account"}


def cells(section: str) -> list[str]:
    rows = re.findall(r"^\| ([^|]+) \|", SECTIONS[section], re.MULTILINE)
    return [name.strip() for row in rows[1:] for name in row.split(",")]


def test_each_exit_code_has_its_section() -> None:
    numbered = [name for name in SECTIONS if name[0].isdigit() and name != KILLED]

    assert numbered == [f"{int(code)} {code.name}" for code in ExitCode]
    assert KILLED in SECTIONS


def test_each_exit_code_may_be_started_again_by_a_machine_or_not() -> None:
    assert sorted(cells("First, always")) == sorted([*CODES, "137"])


def test_a_machine_starts_again_after_the_codes_that_are_retryable() -> None:
    row = re.search(r"^\| ([^|]+) \| yes,", SECTIONS["First, always"], re.MULTILINE)
    assert row is not None

    assert row[1].split(", ") == [str(int(code)) for code in ExitCode if code.is_retryable]


def test_each_row_that_the_runbook_names_is_a_check() -> None:
    names = {check.name for check in BUILT_IN} | OF_THE_GATE

    assert set(cells("77 NOT_PERMITTED")) <= names


@pytest.mark.parametrize("line", re.findall(r"^tradai-entrypoint (.+)", PAGE.text, re.MULTILINE))
def test_each_command_that_the_runbook_types_exists(line: str) -> None:
    words = re.findall(r'"[^"]*"|\S+', line.partition("#")[0])

    build_parser().parse_args([word.strip('"') for word in words])


def test_the_runbook_looks_at_a_run_that_did_not_finish() -> None:
    assert "runs show latest" not in re.findall(r"```sh\n(.+?)```", PAGE.text, re.DOTALL)[0]
    assert "runs list --mode live" in SECTIONS["First, always"]
