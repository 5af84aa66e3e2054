"""The commands of child processes, called by hand, answer with one sentence and an exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "tradai.entrypoint.freqtrade")


@pytest.mark.parametrize("given", ["", "no JSON", "{}"])
def test_staging_without_a_request_is_usage(given: str) -> None:
    done = subprocess.run(
        [*COMMAND, "stage"], check=False, input=given, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "standard input holds no request for candles: only a run sends one\n"


def test_probing_a_folder_that_is_not_there_is_bad_data(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")

    done = subprocess.run([*COMMAND, "probe", missing], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr == f"there is no folder {missing!r} with models to probe\n"


@pytest.mark.parametrize("words", [(), ("stage", "x"), ("probe",), ("other",)])
def test_another_command_is_usage(words: tuple[str, ...]) -> None:
    done = subprocess.run([*COMMAND, *words], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m tradai.entrypoint.freqtrade stage")


def test_modules_that_are_not_installed_are_named_and_none_is_imported() -> None:
    modules = ("antigravity", "json", "pandas", "no_such_module")

    done = subprocess.run([*COMMAND, "missing", *modules], check=False, capture_output=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, b'["no_such_module"]', b"")
