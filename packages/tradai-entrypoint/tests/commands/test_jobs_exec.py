"""`jobs exec`: this process becomes the program of the object, which must be what its name says."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command

PRINT = "import os, sys; print(os.getpid(), os.environ['NAME'], sys.argv[1:]); sys.exit(3)"


def _keep(folder: Path, content: object) -> str:
    """Keep an object under its digest, and return its path."""
    data = json.dumps(content).encode()
    path = folder / f"{hashlib.sha256(data).hexdigest()}.json"
    path.write_bytes(data)
    return str(path)


def _call(uri: str) -> int:
    return run_command(["jobs", "exec", uri], interrupts=Interrupts())


def test_the_process_becomes_the_program_with_its_variables(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PRINT, "an argument", ""]
    uri = _keep(tmp_path, {"command": command, "environment": {"NAME": "of the job"}})

    with subprocess.Popen(
        [sys.executable, "-m", "tradai.entrypoint", "jobs", "exec", f"file:{uri}"],
        stdout=subprocess.PIPE,
        env={**os.environ, "NAME": "of the image"},
        text=True,
    ) as process:
        output, _ = process.communicate()

    assert output == f"{process.pid} of the job ['an argument', '']\n"
    assert process.returncode == 3


@pytest.mark.parametrize("content", [{"environment": {}}, {"command": [], "environment": {}}, []])
def test_an_object_that_is_no_command_is_refused(
    content: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _call(_keep(tmp_path, content)) == ExitCode.DATA
    assert "expected a command and its environment" in capsys.readouterr().err


def test_an_object_that_is_not_json_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{hashlib.sha256(b'not json').hexdigest()}.json"
    path.write_bytes(b"not json")

    assert _call(str(path)) == ExitCode.DATA
    assert "expected a command and its environment" in capsys.readouterr().err


def test_content_that_was_changed_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = _keep(tmp_path, {"command": ["true"], "environment": {}})
    Path(uri).write_text('{"command": ["false"], "environment": {}}')

    assert _call(uri) == ExitCode.DATA
    assert "whose SHA-256 is its name" in capsys.readouterr().err


def test_an_object_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _call(str(tmp_path / "absent.json")) == ExitCode.DATA
    assert "absent.json" in capsys.readouterr().err


def test_a_program_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = _keep(tmp_path, {"command": ["no-such-program"], "environment": {}})

    assert _call(uri) == ExitCode.CONFIGURATION
    assert "no-such-program cannot be run" in capsys.readouterr().err


def test_a_signal_that_comes_first_ends_the_process_before_the_program(tmp_path: Path) -> None:
    uri = _keep(tmp_path, {"command": [sys.executable], "environment": {}})

    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        code = run_command(["jobs", "exec", uri], interrupts=interrupts)

    assert code == ExitCode.TERMINATED
