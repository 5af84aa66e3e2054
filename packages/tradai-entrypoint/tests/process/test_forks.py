"""A forked child of a process that watches signals is a plain child.

Each test forks in a program of its own: pytest has threads, and a fork with threads is a warning.
"""

import signal
import subprocess
import sys

import pytest

PROGRAM = """\
import os, signal, sys, threading, time, warnings
from tradai.entrypoint import Interrupts

warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is the point
STOPPING = (signal.SIGTERM, signal.SIGINT)
former = [signal.getsignal(number) for number in STOPPING]

def forked(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(99)
    return child

def sleep():
    # SIGALRM ends it when nothing else does.
    signal.alarm(20)
    while True:
        signal.pause()

def end_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def mask():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())
"""
AT_ONCE = """\
ends = []
with Interrupts() as interrupts:
    for _ in range(50):
        child = forked(sleep)
        os.kill(child, signal.SIGTERM)
        ends.append(end_of(child))
        if ends[-1] != -signal.SIGTERM:
            break
    print(set(ends), interrupts.received, interrupts.count, mask())
"""
HANDLERS = """\
def look():
    same = [signal.getsignal(number) for number in STOPPING] == former
    print(same, signal.set_wakeup_fd(-1), interrupts.received, mask(), flush=True)
    os.write(interrupts._writer, b"!")
    os._exit(0)

def fork_and_wait():
    end_of(forked(look))

with Interrupts() as outer, Interrupts() as interrupts:
    os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.received
    FORK
    print(interrupts.received, interrupts.count, os.get_blocking(interrupts.fileno()))
    with open(interrupts.fileno(), "rb", buffering=0, closefd=False) as pipe:
        print(pipe.read())
"""
ON_TOP = """\
def own(*_): pass

def look():
    print(signal.getsignal(signal.SIGTERM) is own, flush=True)
    os._exit(0)

with Interrupts():
    signal.signal(signal.SIGTERM, own)
    end_of(forked(look))
"""
ENDED = """\
def work():
    with Interrupts() as own:
        os.kill(os.getpid(), signal.SIGTERM)
        own.check()

def leave():
    try:
        with interrupts:
            work()
    except Exception as exc:
        print(type(exc).__name__, flush=True)
    same = [signal.getsignal(number) for number in STOPPING] == former
    print(same, flush=True)
    os._exit(0)

with Interrupts() as interrupts:
    end_of(forked(leave))
    print(interrupts.received)
"""


def output_of(program: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def test_a_child_that_is_terminated_as_soon_as_it_is_forked_ends_and_its_parent_goes_on() -> None:
    assert output_of(AT_ONCE) == [f"{{{-signal.SIGTERM}}} None 0 set()"]


@pytest.mark.parametrize(
    "fork",
    [
        "fork_and_wait()",
        "thread = threading.Thread(target=fork_and_wait); thread.start(); thread.join()",
    ],
    ids=["main thread", "another thread"],
)
def test_a_child_has_the_handlers_from_before_and_shares_no_pipe(fork: str) -> None:
    in_child, in_parent, pipe = output_of(HANDLERS.replace("FORK", fork))

    assert in_child == "True -1 None set()"
    assert in_parent == f"{signal.SIGINT} 1 False"
    assert pipe == "None"


def test_a_handler_that_came_on_top_stays_in_the_child() -> None:
    assert output_of(ON_TOP) == ["True"]


def test_a_child_may_watch_signals_itself_and_leave_the_block_of_its_parent() -> None:
    assert output_of(ENDED) == ["RunInterruptedError", "True", "None"]
