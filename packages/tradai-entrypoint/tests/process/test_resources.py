"""Checks of an installed backend, in `doctor` and, for the runner that is asked for, in `check`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._process.resources import resource_checks

PLUGIN = """
from tradai.core import ResourceCheck
from tradai.core.exceptions import ConfigurationError

def check():
    yield ResourceCheck(resource="cluster desk")
    yield ResourceCheck(resource="log group desk", error=ConfigurationError("it is not there"))

def fail():
    raise ConfigurationError("the desk cannot be asked")
    yield
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a distribution with checks; return the file of its entry points."""
    info = tmp_path / "site" / "desk_checks-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: desk-checks\nVersion: 1.0\n")
    points = info / "entry_points.txt"
    points.write_text("[tradai.checks]\ndesk = desk_checks:check\n")
    (tmp_path / "site" / "desk_checks.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return points


# JSON of any shape, for comparisons (ANN401).
def _call(capsys: pytest.CaptureFixture[str], *words: str) -> Any:  # noqa: ANN401
    run_command([*words, "--json"], interrupts=Interrupts())
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("plugins")
def test_doctor_shows_each_resource_and_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    answer = _call(capsys, "doctor")

    assert answer["resources"] == [
        {"resource": "cluster desk", "found": "ok"},
        {"resource": "log group desk", "found": "problem"},
    ]
    assert "log group desk: it is not there" in answer["problems"]


@pytest.mark.usefixtures("plugins")
def test_doctor_ends_with_the_code_of_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    code = run_command(["doctor"], interrupts=Interrupts())

    shown = capsys.readouterr()
    assert code == ExitCode.CONFIGURATION
    assert "cluster desk" in shown.out
    assert "problem: log group desk: it is not there" in shown.err


@pytest.mark.usefixtures("plugins")
def test_check_asks_the_runner_that_the_run_is_meant_for(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("check", str(config_file), "--mode", "backtest")
    shown = {
        runner: [row["name"] for row in _call(capsys, *words, *runner)["checks"]]
        for runner in ((), ("--on", "local:"), ("--on", "desk:main"))
    }

    assert "cluster desk" not in shown[()]
    assert "cluster desk" not in shown["--on", "local:"]
    assert {"cluster desk", "log group desk"} <= set(shown["--on", "desk:main"])


@pytest.mark.usefixtures("plugins")
def test_a_check_that_failed_is_a_row_of_check(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _call(capsys, "check", str(config_file), "--mode", "backtest", "--on", "desk:")

    row = next(row for row in answer["checks"] if row["name"] == "log group desk")
    assert (row["status"], row["detail"]) == ("fail", "it is not there")
    assert answer["exit_code"] == ExitCode.CONFIGURATION


def test_a_backend_that_cannot_be_asked_is_a_row(plugins: Path) -> None:
    plugins.write_text("[tradai.checks]\ndesk = desk_checks:fail\n")

    (check,) = resource_checks("desk")

    assert check.resource == "desk"
    assert str(check.error) == "the desk cannot be asked"
