import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tradai.entrypoint._process import exec_child

# Supervises the command it is given, until it is killed.
SUPERVISOR = """
    import sys
    from pathlib import Path
    from tradai.entrypoint._process.interrupts import Interrupts
    from tradai.entrypoint.freqtrade._engine.process import EngineProcess

    folder, *command = sys.argv[1:]
    engine = EngineProcess(command, stdin=b"", environ={}, folder=Path(folder),
        log_file=Path(folder) / "engine.log", on_line=lambda line: print(line, flush=True))
    with Interrupts() as interrupts, engine:
        engine.wait(interrupts)
"""


# Starts children at three depths, one of them in a session of its own and orphaned, all deaf.
FAMILY = """
    import os, signal, time
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    family = [os.getpid()]
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.fork()
        os.write(writer, f"{os.getpid()} ".encode())
    else:
        while len(family) < 4:
            family += map(int, os.read(reader, 1000).split())
        print(*family, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's life")
def test_nothing_that_the_engine_started_outlives_a_supervisor_that_is_killed(
    tmp_path: Path,
    is_alive: Callable[[int], bool],
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    command = [sys.executable, "-c", dedent(SUPERVISOR), str(tmp_path)]
    with subprocess.Popen(
        [*command, sys.executable, "-c", dedent(FAMILY)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        family = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(family) == 4
        assert all(map(is_alive, family))

        supervisor.kill()

    assert eventually(lambda: not any(map(is_alive, family)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows an environment to others")
def test_nothing_that_a_child_started_outlives_it(
    is_alive: Callable[[int], bool], eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    program = dedent(FAMILY).replace("print(*family, flush=True)", "os._exit(print(*family) or 0)")
    command = exec_child.child_command([sys.executable, "-u", "-c", program])

    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, start_new_session=True
    )

    _, *left = map(int, done.stdout.split())
    assert len(left) == 3
    assert eventually(lambda: not any(map(is_alive, left)))


def test_the_command_has_no_child_that_it_does_not_know() -> None:
    program = "import os; os.waitpid(-1, 0)"
    command = exec_child.child_command([sys.executable, "-c", program])

    ended = subprocess.run(command, check=False, capture_output=True, text=True)

    assert "ChildProcessError" in ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's life")
def test_the_engine_dies_with_a_supervisor_that_is_killed(
    tmp_path: Path, is_alive: Callable[[int], bool], eventually: Callable[..., bool]
) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    command = [sys.executable, "-c", dedent(SUPERVISOR), str(tmp_path)]
    with subprocess.Popen(
        [*command, sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        engine = int(supervisor.stdout.readline())
        assert is_alive(engine)

        supervisor.kill()

    assert eventually(lambda: not is_alive(engine))


def test_nothing_is_started_when_the_parent_is_gone_already() -> None:
    command = [*exec_child.child_command(["echo", "started"])]
    command[command.index(str(os.getpid()))] = "1"

    ended = subprocess.run(command, check=False, capture_output=True, text=True)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "the parent process is gone" in ended.stderr


def test_the_child_command_becomes_the_command() -> None:
    program = "import os, sys; print(os.getpid(), sys.argv[1:])"

    with subprocess.Popen(
        exec_child.child_command([sys.executable, "-c", program, "a b", "$HOME"]),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        said, _ = child.communicate()

    assert said == f"{child.pid} ['a b', '$HOME']\n"


def test_ignored_signals_are_not_inherited() -> None:
    # As `nohup` and a shell's background jobs do to a program; the engine must still stop.
    program = "import signal; print([signal.getsignal(n) == signal.SIG_DFL for n in (2, 15)])"
    command = exec_child.child_command([sys.executable, "-c", program])
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)

    # Python itself takes over SIGINT, but only where it is not ignored.
    assert said == "[False, True]\n"
