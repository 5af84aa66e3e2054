"""The shell program before each job, run by the shell of this machine."""

import subprocess
from pathlib import Path

import pytest

from tradai.aws._docker.job_shell import (
    LIMIT_PASSED,
    NOT_LAUNCHED,
    STARTED,
    entrypoint,
    launch_input,
)

# Private on purpose: on a daemon, this program cannot be seen apart from the container.
DIGEST = "d" * 64


def run(
    data: bytes, *command: str, time_limit_s: int | None = None
) -> "subprocess.CompletedProcess[bytes]":
    shell = entrypoint(DIGEST, time_limit_s=time_limit_s, stop_grace_s=0)
    return subprocess.run([*shell, *command], input=data, capture_output=True, check=False)


def test_the_command_runs_with_its_arguments_and_secrets() -> None:
    value = 'it\'s\n"two" lines $HOME `id` \\n'

    done = run(
        launch_input(DIGEST, {"KEY": value}), "sh", "-c", 'printf %s "$KEY$1"', "sh", "  a b "
    )

    assert done.stdout.decode() == value + "  a b "
    assert (done.stderr.decode(), done.returncode) == (f"{STARTED}\n", 0)


@pytest.mark.parametrize("kept", [0, 1, 20, -1])
def test_an_input_that_ends_early_runs_nothing(kept: int, tmp_path: Path) -> None:
    data = launch_input(DIGEST, {"KEY": "fake-value"})[:kept]

    done = run(data, "touch", str(tmp_path / "ran"))

    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", NOT_LAUNCHED)
    assert not (tmp_path / "ran").exists()


def test_both_streams_of_the_job_are_one() -> None:
    done = run(launch_input(DIGEST, {}), "sh", "-c", "echo 1; echo 2 >&2; echo 3; exit 7")

    assert (done.stdout, done.stderr.decode()) == (b"1\n2\n3\n", f"{STARTED}\n")
    assert done.returncode == 7


def test_a_job_cannot_write_a_mark() -> None:
    done = run(launch_input(DIGEST, {}), "sh", "-c", f"echo '{LIMIT_PASSED}' >&3")

    assert done.stderr.decode() == f"{STARTED}\n"
    assert done.returncode != 0


def test_the_job_gets_no_variable_of_the_shell() -> None:
    done = run(launch_input(DIGEST, {"KEY": "fake-value"}), "env")

    assert b"KEY=fake-value" in done.stdout
    assert b"\n_tradai" not in b"\n" + done.stdout


def test_the_job_reads_an_empty_input() -> None:
    done = run(launch_input(DIGEST, {}) + b"left over\n", "cat")

    assert (done.stdout, done.returncode) == (b"", 0)


def test_a_time_limit_is_marked_and_kills() -> None:
    done = run(
        launch_input(DIGEST, {}), "sh", "-c", "trap '' TERM; while :; do :; done", time_limit_s=1
    )

    assert done.stderr.decode().splitlines() == [STARTED, LIMIT_PASSED]
    assert done.returncode == -9


def test_a_program_that_does_not_exist_is_named_in_the_output() -> None:
    done = run(launch_input(DIGEST, {}), "no-such-program-anywhere")

    assert done.returncode == 127
    assert b"no-such-program-anywhere" in done.stdout
