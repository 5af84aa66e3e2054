import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError

PATIENCE_S = 60


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    with Interrupts() as watched:
        yield watched


def tell(number: int) -> None:
    os.kill(os.getpid(), number)


def hang() -> None:
    threading.Event().wait(PATIENCE_S)
    pytest.fail("nothing ended the work")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_recorded_and_not_raised(interrupts: Interrupts, number: int) -> None:
    tell(number)

    assert interrupts.wait(PATIENCE_S)
    assert interrupts.received == number
    assert interrupts.count == 1


def test_the_first_signal_is_remembered_and_all_are_counted(interrupts: Interrupts) -> None:
    tell(signal.SIGINT)
    assert interrupts.received == signal.SIGINT

    for number in (signal.SIGTERM, signal.SIGTERM):
        tell(number)

    assert interrupts.received == signal.SIGINT
    assert interrupts.count == 3


def test_waiting_times_out_when_no_signal_arrives(interrupts: Interrupts) -> None:
    began = time.monotonic()

    assert not interrupts.wait(0.05)
    assert time.monotonic() - began >= 0.05
    assert interrupts.received is None


def test_waiting_ends_at_once_when_a_signal_arrives_during_it(interrupts: Interrupts) -> None:
    sender = threading.Timer(0.05, tell, [signal.SIGTERM])
    began = time.monotonic()
    sender.start()

    assert interrupts.wait(10 * PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S
    sender.join()


def test_waiting_ends_when_another_thread_takes_the_signal(interrupts: Interrupts) -> None:
    def take() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    taker = threading.Timer(0.05, take)
    began = time.monotonic()
    taker.start()

    assert interrupts.wait(10 * PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S
    taker.join()


def test_a_signal_is_recorded_when_another_has_the_wakeup_descriptor(
    interrupts: Interrupts,
) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    former = signal.set_wakeup_fd(writer)
    try:
        tell(signal.SIGTERM)

        assert select.select([interrupts], [], [], PATIENCE_S)[0]
        assert interrupts.wait(PATIENCE_S)
        assert (interrupts.received, interrupts.count) == (signal.SIGTERM, 1)
    finally:
        signal.set_wakeup_fd(former)
        os.close(reader)
        os.close(writer)


def test_a_wakeup_descriptor_that_another_took_inside_the_block_stays() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    with Interrupts():
        signal.set_wakeup_fd(writer)

    assert signal.set_wakeup_fd(-1) == writer
    os.close(reader)
    os.close(writer)


def test_a_signal_that_another_handler_takes_and_raises_again_counts_once(
    interrupts: Interrupts,
) -> None:
    taken: list[int] = []
    ours = signal.signal(signal.SIGTERM, lambda number, _: taken.append(number))
    tell(signal.SIGTERM)
    assert interrupts.received == signal.SIGTERM
    signal.signal(signal.SIGTERM, ours)

    signal.raise_signal(taken[0])

    assert (interrupts.received, interrupts.count) == (signal.SIGTERM, 1)


def test_other_signals_are_ignored(interrupts: Interrupts) -> None:
    former = signal.signal(signal.SIGUSR1, lambda *_: None)
    tell(signal.SIGUSR1)

    assert not interrupts.wait(0.02)
    signal.signal(signal.SIGUSR1, former)


def test_handlers_and_wakeup_descriptor_are_restored() -> None:
    former = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    with Interrupts() as outer:
        with outer:
            assert signal.getsignal(signal.SIGTERM) not in former
        assert signal.getsignal(signal.SIGTERM) not in former

    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == former
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_hangup_ends_work_as_a_request_to_terminate_does(number: int, code: int) -> None:
    with Interrupts(hangup=True) as interrupts:
        tell(number)

        with pytest.raises(RunInterruptedError) as caught:
            interrupts.check()

    assert caught.value.signal_number == number
    assert caught.value.exit_code == code


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts(hangup=True) as interrupts:
            tell(signal.SIGHUP)

            assert interrupts.received is None
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_hangup_is_left_to_a_service_that_has_a_use_of_its_own_for_it(
    interrupts: Interrupts,
) -> None:
    former = signal.signal(signal.SIGHUP, lambda *_: None)
    tell(signal.SIGHUP)

    assert interrupts.received is None
    signal.signal(signal.SIGHUP, former)


def test_an_object_that_never_watched_records_nothing_and_is_usable() -> None:
    quiet = Interrupts()

    assert quiet.received is None
    assert not quiet.wait(0.01)
    assert os.fstat(quiet.fileno())
    with quiet.raising():
        quiet.check()


def test_no_descriptor_is_left_behind() -> None:
    def rounds(count: int) -> set[Path]:
        for _ in range(count):
            with Interrupts():
                pass
        return set(Path("/dev/fd").iterdir())

    before = rounds(1)
    # What earlier tests have left may be closed meanwhile.
    assert rounds(20) <= before


def test_raising_ends_work_that_cannot_poll(interrupts: Interrupts) -> None:
    def work() -> None:
        with interrupts.raising():
            tell(signal.SIGTERM)
            hang()

    with pytest.raises(RunInterruptedError, match="SIGTERM") as caught:
        work()

    assert caught.value.exit_code == 143
    assert caught.value.signal_number == signal.SIGTERM


def test_raising_refuses_to_start_after_a_signal(interrupts: Interrupts) -> None:
    tell(signal.SIGINT)
    began = False

    with pytest.raises(RunInterruptedError) as caught, interrupts.raising():
        began = True

    assert not began
    assert caught.value.exit_code == 130


def test_work_that_swallows_the_error_is_still_interrupted(interrupts: Interrupts) -> None:
    def stubborn() -> None:
        with interrupts.raising():
            try:
                tell(signal.SIGTERM)
                hang()
            except RunInterruptedError:
                pass

    with pytest.raises(RunInterruptedError):
        stubborn()


def test_only_the_first_signal_is_raised_so_that_clean_up_is_not_cut_short(
    interrupts: Interrupts,
) -> None:
    cleaned = []

    def work() -> None:
        with interrupts.raising():
            try:
                tell(signal.SIGINT)
                hang()
            finally:
                tell(signal.SIGINT)
                cleaned.append("up")

    with pytest.raises(RunInterruptedError):
        work()

    assert cleaned == ["up"]
    assert interrupts.count == 2


def test_raising_may_be_nested(interrupts: Interrupts) -> None:
    def work() -> None:
        with interrupts.raising():
            with interrupts.raising():
                pass
            tell(signal.SIGTERM)
            hang()

    with pytest.raises(RunInterruptedError):
        work()


def test_outside_the_block_a_signal_is_only_recorded(interrupts: Interrupts) -> None:
    with interrupts.raising():
        pass

    tell(signal.SIGTERM)

    assert interrupts.received == signal.SIGTERM


@pytest.mark.parametrize("look", [Interrupts.check, lambda one: one.raising().__enter__()])
def test_check_raises_for_an_earlier_signal(
    interrupts: Interrupts, look: Callable[[Interrupts], None]
) -> None:
    tell(signal.SIGTERM)

    with pytest.raises(RunInterruptedError):
        look(interrupts)


def test_importing_it_imports_nothing_heavy() -> None:
    program = (
        "import sys; import tradai.entrypoint._process.interrupts;"
        "print([n for n in ('pydantic', 'omegaconf', 'pandas', 'rich') if n in sys.modules])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert ended.stdout.strip() == "[]"


def test_signals_are_ignored_once_the_exit_code_is_decided() -> None:
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with Interrupts() as interrupts:
            interrupts.ignore()
            tell(signal.SIGTERM)
        tell(signal.SIGTERM)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

    assert interrupts.count == 0
