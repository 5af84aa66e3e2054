import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess

Make = Callable[..., EngineProcess]

MORE_THAN_A_PIPE_HOLDS = 3_000_000
PATIENCE_S = 60


def run(engine: EngineProcess, interrupts: Interrupts) -> EngineExit:
    with engine:
        return engine.wait(interrupts, deadline_s=PATIENCE_S)


def test_both_streams_reach_listener_and_log_in_order(
    make_engine: Make, interrupts: Interrupts, lines: list[str], tmp_path: Path
) -> None:
    program = "import sys; print('one'); print('two', file=sys.stderr); print('three', end='')"

    run(make_engine(program), interrupts)

    assert lines == ["one", "two", "three"]
    assert (tmp_path / "engine.log").read_text() == "one\ntwo\nthree\n"


def test_the_last_output_of_an_engine_is_read(
    make_engine: Make, interrupts: Interrupts, lines: list[str]
) -> None:
    program = "import os; os.write(1, b'x\\n' * 30_000); os.kill(os.getpid(), 9)"

    run(make_engine(program), interrupts)

    assert len(lines) == 30_000


def test_output_from_before_an_engine_was_killed_is_read(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    tmp_path: Path,
    eventually: Callable[..., bool],
) -> None:
    program = "import os, time; os.write(1, b'x\\n' * 30_000); os.mkdir('said'); time.sleep(600)"

    with make_engine(program) as engine:
        assert eventually((tmp_path / "said").exists)
        engine.stop(interrupts, grace_s=0)

    assert len(lines) == 30_000


def test_it_runs_in_the_given_folder_with_the_given_environment_and_a_mark(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRADAI_SECRET", "obviously-fake")
    folder = tmp_path / "inside"
    folder.mkdir()
    program = "import os; print(os.getcwd()); print(sorted(os.environ))"

    run(make_engine(program, folder=folder), interrupts)

    assert lines == [str(folder.resolve()), "['LC_ALL', 'ONLY', '_TRADAI_CHILD']"]


@pytest.mark.parametrize("size", [0, 1, MORE_THAN_A_PIPE_HOLDS])
def test_standard_input_is_handed_over_whole_and_closed(
    make_engine: Make, interrupts: Interrupts, lines: list[str], size: int
) -> None:
    payload = os.urandom(size)
    # It prints more than a pipe holds before it reads: a writer that does not read would hang.
    program = """
        import sys, hashlib
        print("x" * 300_000)
        print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())
    """

    ended = run(make_engine(program, stdin=payload), interrupts)

    assert ended.return_code == 0
    assert lines[-1] == hashlib.sha256(payload).hexdigest()


def test_an_engine_that_dies_without_reading_is_only_dead(
    make_engine: Make, interrupts: Interrupts, lines: list[str]
) -> None:
    program = "import sys; print('no'); sys.exit(4)"

    ended = run(make_engine(program, stdin=bytes(MORE_THAN_A_PIPE_HOLDS)), interrupts)

    assert ended.return_code == 4
    assert lines == ["no"]


def test_an_engine_that_closes_its_input_lives_on(
    make_engine: Make, interrupts: Interrupts, lines: list[str]
) -> None:
    program = """
        import os, signal
        # Blocked: a handler would not run if the signal came just before `signal.pause`.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        os.close(0)
        print("closed")
        signal.sigwait({signal.SIGTERM})
        os._exit(7)
    """

    with make_engine(program, stdin=bytes(MORE_THAN_A_PIPE_HOLDS)) as engine:
        engine.follow(interrupts, until=lambda: lines == ["closed"], timeout_s=PATIENCE_S)
        reason = engine.follow(interrupts, timeout_s=0.1)
        ended = engine.stop(interrupts, grace_s=PATIENCE_S)

    assert reason is WakeReason.TIMEOUT
    assert ended.return_code == 7


def test_an_engine_that_closes_its_output_is_still_waited_for(
    make_engine: Make, interrupts: Interrupts, lines: list[str], sleeps: list[float | None]
) -> None:
    program = """
        import os, signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        print("bye")
        os.close(1), os.close(2)
        signal.sigwait({signal.SIGTERM})
        os._exit(7)
    """

    with make_engine(program) as engine:
        engine.follow(interrupts, until=lambda: lines == ["bye"], timeout_s=PATIENCE_S)
        sleeps.clear()
        reason = engine.follow(interrupts, timeout_s=0.2)
        wakes = len(sleeps)
        ended = engine.stop(interrupts, grace_s=PATIENCE_S)

    assert reason is WakeReason.TIMEOUT
    assert 0 < wakes < 30  # a loop that spins wakes thousands of times
    assert (ended.return_code, ended.signal) == (7, None)


def test_the_input_is_on_no_command_line_and_in_no_environment(
    make_engine: Make, interrupts: Interrupts, lines: list[str], tmp_path: Path
) -> None:
    program = "import os, sys; sys.stdin.read(); print(sys.orig_argv, dict(os.environ))"

    run(make_engine(program, stdin=b"obviously-fake-payload"), interrupts)

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "sys.orig_argv" in lines[0]
    assert "obviously-fake-payload" not in lines[0]
    assert b"obviously-fake-payload" not in written


def test_a_log_that_cannot_be_opened_starts_nothing(
    make_engine: Make, interrupts: Interrupts, tmp_path: Path
) -> None:
    program = f"open({str(tmp_path / 'started')!r}, 'w')"

    with pytest.raises(StorageError, match=r"engine\.log"):
        run(make_engine(program, log=tmp_path / "missing" / "engine.log"), interrupts)

    assert not (tmp_path / "started").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_ends_the_engine_and_is_reported(
    make_engine: Make, interrupts: Interrupts, is_alive: Callable[[int], bool]
) -> None:
    engine = make_engine("import time; print('hello'); time.sleep(600)", log=Path("/dev/full"))

    ended = run(engine, interrupts)

    assert "free some space" in str(ended.storage_error)
    assert not is_alive(engine.pid)


def test_an_engine_that_cannot_be_started_says_why(
    interrupts: Interrupts, lines: list[str], tmp_path: Path
) -> None:
    engine = EngineProcess(
        [str(tmp_path / "no-such-program")],
        stdin=b"",
        environ={},
        folder=tmp_path,
        log_file=tmp_path / "engine.log",
        on_line=lines.append,
    )

    ended = run(engine, interrupts)

    assert ended.return_code == 1
    assert "FileNotFoundError" in lines[-1]


def test_an_engine_that_stops_reading_half_way_can_be_interrupted(
    make_engine: Make, interrupts: Interrupts, lines: list[str]
) -> None:
    program = "import os, time; os.read(0, 5_000); print('enough'); time.sleep(600)"

    with make_engine(program, stdin=bytes(MORE_THAN_A_PIPE_HOLDS)) as engine:
        engine.follow(interrupts, until=lambda: lines == ["enough"], timeout_s=PATIENCE_S)
        os.kill(os.getpid(), signal.SIGTERM)
        ended = engine.wait(interrupts, grace_s=PATIENCE_S)

    assert (ended.signal, ended.interrupted_by) == (signal.SIGTERM, signal.SIGTERM)
