import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator

import pytest

from tradai.entrypoint._commands import contain
from tradai.entrypoint._process.interrupts import Interrupts


@pytest.fixture(autouse=True)
def _mask_is_restored() -> Iterator[None]:
    former = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, former)


def test_the_command_line_runs_a_command_with_flags_of_its_own() -> None:
    command = [sys.executable, "-m", "tradai.entrypoint", "contain", "--", "echo", "--json", "-x"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    start, line, _ = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert start.endswith(":0!tradai-log 1")
    assert line.endswith(":1 --json -x")


def test_a_signal_that_comes_before_the_command_ends_it() -> None:
    with Interrupts(hangup=True) as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)

        code = contain.execute(Namespace(command=["true"]), interrupts=interrupts)

    assert code == 143


def test_a_signal_from_then_on_is_kept_for_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    programs: list[list[str]] = []

    def become(_: str, program: list[str]) -> None:
        programs.append(program)
        raise InterruptedError

    monkeypatch.setattr(os, "execv", become)
    with Interrupts(hangup=True) as interrupts, pytest.raises(InterruptedError):
        contain.execute(Namespace(command=["--", "true"]), interrupts=interrupts)

    assert programs[0][-2:] == ["--", "true"]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert {signal.SIGTERM, signal.SIGINT, signal.SIGHUP} <= blocked
