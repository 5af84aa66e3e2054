import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.short_child import run_child

SLEEP = "import time; time.sleep(600)"
# Signals the process that started it, and would then run for a minute.
SIGNALLING = """
    import os, signal, sys, time
    from pathlib import Path
    Path(sys.argv[1]).write_text(str(os.getpid()))
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(600)
"""


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    with Interrupts() as watched:
        yield watched


def python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", dedent(program), *arguments]


def test_a_child_is_given_its_input_and_environment_and_its_output_is_returned(
    interrupts: Interrupts,
) -> None:
    program = "import os, sys; print(sys.stdin.read(), os.environ['ONLY'], 'HOME' in os.environ)"

    ended = run_child(
        python(program), interrupts=interrupts, stdin=b"given", environ={"ONLY": "this"}
    )

    assert (ended.return_code, ended.output) == (0, "given this False\n")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit('first\\nlast')", "last"),
        ("raise SystemExit(1)", "it gave no reason"),
    ],
)
def test_the_last_line_of_its_errors_is_kept(
    interrupts: Interrupts, program: str, words: str
) -> None:
    ended = run_child(python(program), interrupts=interrupts)

    assert (ended.return_code, ended.last_words) == (1, words)


def test_a_child_that_takes_too_long_is_killed(interrupts: Interrupts) -> None:
    ended = run_child(python(SLEEP), interrupts=interrupts, timeout_s=0.05)

    assert ended.return_code == -signal.SIGKILL


def test_a_signal_ends_the_child(
    interrupts: Interrupts, tmp_path: Path, is_alive: Callable[[int], bool]
) -> None:
    note = tmp_path / "pid"

    with pytest.raises(RunInterruptedError):
        run_child(python(SIGNALLING, str(note)), interrupts=interrupts)

    assert not is_alive(int(note.read_text()))
