"""Output that is lost is one sentence and an exit code, whatever became of the stream."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradai.entrypoint import ExitCode

COMMAND = (sys.executable, "-m", "tradai.entrypoint")


@pytest.fixture
def broken_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.fixture
def full() -> Iterator[int]:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


def shell(redirection: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [("broken_pipe", "Broken pipe"), ("full", "No space left on device")],
)
def test_lost_output_is_one_sentence_and_an_exit_code(
    stream: str, reason: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if stream == "full" and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")

    done = subprocess.run(
        [*COMMAND, "runs", "list", "--runs", str(tmp_path)],
        check=False,
        stdout=request.getfixturevalue(stream),
        stderr=subprocess.PIPE,
        text=True,
    )

    assert done.returncode == ExitCode.RESULT
    assert done.stderr == (
        f"tradai-entrypoint: output is lost, because standard output cannot be written: {reason}\n"
    )


@pytest.mark.parametrize("words", [("runs", "list"), ("--help",), ("completion", "bash")])
def test_closed_output_is_one_sentence_and_an_exit_code(words: tuple[str, ...]) -> None:
    done = shell(">&-", *words)

    assert done.returncode == ExitCode.RESULT
    assert done.stderr == (
        "tradai-entrypoint: output is lost, because standard output cannot be written: "
        "it is closed\n"
    )


def test_a_run_keeps_its_exit_code_when_its_output_is_lost(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.yaml")

    done = shell(
        ">&- 2>&- <&-", "run", missing, "--mode", "backtest", "--runs", str(tmp_path / "runs")
    )

    (folder,) = (tmp_path / "runs").iterdir()
    assert done.returncode == ExitCode.DATA
    assert (folder / "manifest.json").exists()


def test_a_closed_standard_error_does_not_end_up_in_the_output(tmp_path: Path) -> None:
    done = shell("2>&-", "runs", "show", "nothing", "--runs", str(tmp_path))

    assert done.returncode == ExitCode.DATA
    assert done.stdout == ""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_paths_in_any_script_are_printed_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    config = tmp_path / "\u7b56\u7565-gr\u00f6\u00dfe.yaml"

    done = subprocess.run(
        [*COMMAND, "run", str(config), "--mode", "backtest", "--runs", str(tmp_path / "runs")],
        check=False,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": encoding},
    )

    assert done.returncode == ExitCode.DATA
    shown = str(config).encode(encoding, "backslashreplace")
    assert done.stderr.startswith(b"tradai-entrypoint: cannot read " + shown)
    assert len(done.stderr.splitlines()) == 1


def test_a_locale_without_the_characters_of_a_path_is_named(tmp_path: Path) -> None:
    config = tmp_path / "\u7b56\u7565.yaml"

    done = subprocess.run(
        [
            *COMMAND,
            "run",
            str(config),
            "--mode",
            "backtest",
            "--runs",
            str(tmp_path / "l\u00e4ufe"),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )

    assert done.returncode == ExitCode.CONFIGURATION
    assert len(done.stderr.splitlines()) == 1
    assert "set LC_ALL=C.UTF-8" in done.stderr


def test_a_path_that_is_not_text_is_refused_and_recorded(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    command = [*COMMAND, "run", b"bad\xff.yaml", "--mode", "backtest", "--runs", str(runs)]

    done = subprocess.run(command, check=False, capture_output=True)

    assert done.returncode == ExitCode.CONFIGURATION
    assert len(done.stderr.splitlines()) == 1
    (folder,) = runs.iterdir()
    assert rb'"bad\\udcff.yaml"' in (folder / "manifest.json").read_bytes()


def test_the_version_is_printed() -> None:
    done = subprocess.run([*COMMAND, "--version"], check=True, capture_output=True, text=True)

    assert done.stdout.startswith("tradai-entrypoint 0.")
