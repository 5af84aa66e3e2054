import inspect
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine import process as engine_process
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess

Make = Callable[..., EngineProcess]
Reactions = dict[str, Callable[[], None]]
Tell = Callable[[int], Callable[[], None]]

PATIENCE_S = 60
# Far longer than any test waits: a test that reaches it has failed.
NEVER_S = 600
SLEEP = f"import time; time.sleep({NEVER_S})"
# Obeys no signal, but prints that it came. Like the others here it waits for signals that are
# blocked: a handler would not run if one came just before `time.sleep` or `signal.pause`.
STUBBORN = """
    import signal
    both = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, both)
    print("ready")
    while True:
        print("signal", int(signal.sigwait(both)))
"""


def run(engine: EngineProcess, interrupts: Interrupts, **limits: float) -> EngineExit:
    with engine:
        return engine.wait(interrupts, **limits)


def test_an_engine_that_ends_by_itself_reports_its_code(
    make_engine: Make, interrupts: Interrupts
) -> None:
    began = time.monotonic()

    ended = run(make_engine("import sys; sys.exit(3)"), interrupts)

    assert (ended.return_code, ended.signal, ended.interrupted_by) == (3, None, None)
    assert not ended.timed_out
    assert 0 < ended.seconds <= time.monotonic() - began


def test_the_engine_leads_a_session_and_group_of_its_own(
    make_engine: Make, interrupts: Interrupts, lines: list[str]
) -> None:
    with make_engine("import os; print(os.getpid(), os.getpgid(0), os.getsid(0))") as engine:
        pid = engine.pid
        engine.wait(interrupts)

    assert lines == [f"{pid} {pid} {pid}"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_whole_group_and_is_reported(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    reactions: Reactions,
    tell: Tell,
    number: int,
) -> None:
    reactions["ready"] = tell(number)
    # The child is deaf, so it ends only because its own child obeyed.
    program = """
        import os, signal, sys
        both = (signal.SIGTERM, signal.SIGINT)
        for number in both:
            signal.signal(number, signal.SIG_IGN)
        if os.fork():
            os.wait()
            sys.exit(9)
        signal.pthread_sigmask(signal.SIG_BLOCK, both)
        print("ready")
        print("signal", int(signal.sigwait(both)))
    """

    ended = run(make_engine(program), interrupts, grace_s=PATIENCE_S)

    assert lines == ["ready", f"signal {int(number)}"]
    assert ended.interrupted_by == number
    assert ended.return_code == 9


def test_grandchildren_are_gone_afterwards(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    is_alive: Callable[[int], bool],
    eventually: Callable[..., bool],
) -> None:
    program = """
        import os, signal, time
        for _ in range(3):
            pid = os.fork()
            if not pid:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.close(1), os.close(2)
                time.sleep(600)
            print(pid)
    """

    ended = run(make_engine(program), interrupts)

    assert ended.return_code == 0
    assert len(lines) == 3
    assert eventually(lambda: not any(is_alive(int(pid)) for pid in lines))


def test_grandchildren_of_an_engine_that_ended_may_tidy_up_for_a_moment(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_process, "_LINGER_S", PATIENCE_S)
    program = """
        import os
        gone, alive = os.pipe()
        if not os.fork():
            os.close(alive)
            os.read(gone, 1)
            print("tidied")
    """

    run(make_engine(program), interrupts)

    assert lines == ["tidied"]


def test_a_grandchild_that_fled_with_the_output_does_not_hold_us_and_is_ended(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    is_alive: Callable[[int], bool],
    eventually: Callable[..., bool],
) -> None:
    program = f"""
        import os, time
        pid = os.fork()
        if not pid:
            os.setsid()
            time.sleep({NEVER_S})
        print(pid)
    """

    ended = run(make_engine(program), interrupts)

    assert ended.return_code == 0
    assert eventually(lambda: not is_alive(int(lines[0])))


def test_ctrl_c_ends_a_stubborn_engine_when_its_grace_is_over(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    reactions: Reactions,
    tell: Tell,
) -> None:
    reactions["ready"] = tell(signal.SIGINT)

    ended = run(make_engine(STUBBORN), interrupts)

    assert lines[0] == "ready"
    assert (ended.return_code, ended.signal) == (None, signal.SIGKILL)
    assert ended.interrupted_by == signal.SIGINT
    assert 1 <= ended.seconds < PATIENCE_S


@pytest.mark.parametrize("function", [EngineProcess.wait, EngineProcess.stop])
def test_an_engine_has_one_second_to_stop_unless_more_is_said(
    function: Callable[..., EngineExit],
) -> None:
    assert inspect.signature(function).parameters["grace_s"].default == 1.0


def test_a_second_signal_kills_at_once(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    reactions: Reactions,
    tell: Tell,
) -> None:
    reactions |= {"ready": tell(signal.SIGTERM), "signal 15": tell(signal.SIGINT)}

    ended = run(make_engine(STUBBORN), interrupts, grace_s=NEVER_S)

    assert lines == ["ready", "signal 15"]
    assert ended.signal == signal.SIGKILL
    assert ended.interrupted_by == signal.SIGTERM
    assert ended.seconds < PATIENCE_S


def test_two_signals_before_the_first_was_handled_kill_at_once(
    make_engine: Make, interrupts: Interrupts, reactions: Reactions, tell: Tell
) -> None:
    reactions["ready"] = lambda: (tell(signal.SIGTERM)(), tell(signal.SIGTERM)())[0]

    ended = run(make_engine(STUBBORN), interrupts, grace_s=NEVER_S)

    assert ended.interrupted_by == signal.SIGTERM
    assert ended.seconds < PATIENCE_S


def test_a_signal_that_came_before_the_start_counts(
    make_engine: Make, interrupts: Interrupts, tell: Tell
) -> None:
    tell(signal.SIGTERM)()

    ended = run(make_engine(SLEEP), interrupts, grace_s=NEVER_S)

    assert (ended.signal, ended.interrupted_by) == (signal.SIGTERM, signal.SIGTERM)
    assert ended.seconds < PATIENCE_S


def test_an_engine_killed_from_outside_is_reported_with_its_signal(
    make_engine: Make, interrupts: Interrupts
) -> None:
    ended = run(make_engine("import os; os.kill(os.getpid(), 9)"), interrupts)

    assert (ended.return_code, ended.signal) == (None, signal.SIGKILL)
    assert ended.interrupted_by is None


def test_an_engine_that_outlives_its_deadline_is_stopped(
    make_engine: Make, interrupts: Interrupts
) -> None:
    ended = run(make_engine(SLEEP), interrupts, deadline_s=0.2, grace_s=PATIENCE_S)

    assert ended.timed_out
    assert ended.signal == signal.SIGTERM
    assert ended.interrupted_by is None
    assert 0.2 <= ended.seconds < PATIENCE_S


def test_following_can_wait_for_a_line_and_go_on(
    make_engine: Make, interrupts: Interrupts, lines: list[str], tell: Tell
) -> None:
    program = """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        print("RUNNING")
        signal.sigwait({signal.SIGTERM})
        print("STOPPED")
    """

    with make_engine(program) as engine:
        started = engine.follow(interrupts, until=lambda: "RUNNING" in lines, timeout_s=PATIENCE_S)
        waited = engine.follow(interrupts, timeout_s=0.05)
        tell(signal.SIGTERM)()
        signalled = engine.follow(interrupts)
        ended = engine.stop(interrupts, grace_s=PATIENCE_S)

    assert [started, waited, signalled] == [
        WakeReason.REACHED,
        WakeReason.TIMEOUT,
        WakeReason.INTERRUPTED,
    ]
    assert lines == ["RUNNING", "STOPPED"]
    assert (ended.return_code, ended.interrupted_by) == (0, signal.SIGTERM)


def test_following_an_engine_that_ends_says_so(make_engine: Make, interrupts: Interrupts) -> None:
    with make_engine("print('too early')") as engine:
        reason = engine.follow(interrupts, until=lambda: False, timeout_s=PATIENCE_S)
        ended = engine.wait(interrupts)

    assert reason is WakeReason.EXITED
    assert ended.return_code == 0


def test_leaving_the_block_kills_what_is_left(
    make_engine: Make,
    interrupts: Interrupts,
    lines: list[str],
    is_alive: Callable[[int], bool],
    eventually: Callable[..., bool],
) -> None:
    program = f"import os; pid = os.fork(); pid and print(pid); {SLEEP}"
    with make_engine(program) as engine:
        engine.follow(interrupts, until=lambda: bool(lines), timeout_s=PATIENCE_S)
        pids = [engine.pid, *map(int, lines)]
        assert all(is_alive(pid) for pid in pids)

    assert eventually(lambda: not any(is_alive(pid) for pid in pids))


def test_a_group_is_never_killed_twice_because_its_number_may_be_given_away(
    make_engine: Make, interrupts: Interrupts, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda *call: kills.append(call))

    with make_engine("") as engine:
        engine.wait(interrupts)

    assert kills == [(engine.pid, signal.SIGKILL)]


def test_a_listener_that_fails_does_not_leave_the_engine_behind(
    make_engine: Make,
    interrupts: Interrupts,
    reactions: Reactions,
    is_alive: Callable[[int], bool],
) -> None:
    engine = make_engine(STUBBORN)
    reactions["ready"] = lambda: pytest.fail("listener failed")

    with pytest.raises(pytest.fail.Exception):
        run(engine, interrupts)

    assert not is_alive(engine.pid)


def test_no_thread_and_no_descriptor_is_left_behind(
    make_engine: Make, interrupts: Interrupts
) -> None:
    def rounds(count: int) -> tuple[int, int]:
        for _ in range(count):
            run(make_engine("print('x')", stdin=b"y"), interrupts)
            run(make_engine(SLEEP), interrupts, deadline_s=0.01)
        return len(list(Path("/dev/fd").iterdir())), threading.active_count()

    assert rounds(3) == rounds(1)


def test_waiting_costs_a_few_wakes_and_no_loop(
    make_engine: Make, interrupts: Interrupts, sleeps: list[float | None]
) -> None:
    with make_engine(SLEEP) as engine:
        engine.follow(interrupts, timeout_s=0.5)

    # A loop that spins wakes thousands of times.
    assert 0 < len(sleeps) < 30


def test_where_the_kernel_cannot_report_the_end_it_is_noticed_all_the_same(
    make_engine: Make, interrupts: Interrupts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int) -> int:
        raise OSError(pid)

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)

    ended = run(make_engine("import sys; sys.exit(5)"), interrupts, deadline_s=PATIENCE_S)

    assert ended.return_code == 5
    assert not ended.timed_out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_engine_whose_log_cannot_be_written_is_stopped_in_good_order(
    make_engine: Make, interrupts: Interrupts
) -> None:
    program = """
        import signal, sys
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        print("ready")
        signal.sigwait({signal.SIGTERM})
        sys.exit(7)
    """

    ended = run(make_engine(program, log=Path("/dev/full")), interrupts, grace_s=PATIENCE_S)

    assert ended.return_code == 7
    assert ended.asked_to_stop
    assert "engine's log /dev/full cannot be written" in str(ended.storage_error)


def test_an_engine_on_a_disk_that_is_nearly_full_is_stopped_once(
    make_engine: Make, interrupts: Interrupts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradai.entrypoint.freqtrade._engine.free_space._LEAST_BYTES", 2**80)
    monkeypatch.setattr("tradai.entrypoint.freqtrade._engine.free_space._SMALL_DISK_SHARE", 1)

    with make_engine(SLEEP) as engine:
        reasons = [engine.follow(interrupts, timeout_s=0.01) for _ in range(2)]
        ended = engine.stop(interrupts, grace_s=PATIENCE_S)

    assert reasons == [WakeReason.STORAGE, WakeReason.TIMEOUT]
    assert ended.signal == signal.SIGTERM
    assert "is nearly full" in str(ended.storage_error)


def test_a_disk_that_fills_up_during_a_stop_does_not_shorten_it(
    make_engine: Make, interrupts: Interrupts, lines: list[str], tell: Tell
) -> None:
    program = """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        print("ready")
        signal.sigwait({signal.SIGTERM})
        print("last words")
    """
    with make_engine(program) as engine:
        engine.follow(interrupts, until=lambda: "ready" in lines, timeout_s=PATIENCE_S)
        tell(signal.SIGTERM)()
        engine.follow(interrupts)
        with engine.storing():
            raise StorageError("no space", operation="append")
        waited = engine.follow(interrupts, timeout_s=0.01)
        ended = engine.stop(interrupts, grace_s=PATIENCE_S)

    assert waited is WakeReason.TIMEOUT
    assert ended.return_code == 0
    assert str(ended.storage_error) == "no space"
