"""A child that is forked while a thread of its parent holds a lock goes on.

Each test forks in a program of its own: pytest has threads, and a fork with threads is a warning.
"""

import subprocess
import sys
from typing import Final

import pytest

PROGRAM: Final = """\
import faulthandler, logging, os, sys, tempfile, threading, traceback, warnings
from pathlib import Path

import tradai.core
from tradai.core import ForkLock, Secret, configure_logging, redact, register_secret

warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is the point
folder = Path(tempfile.mkdtemp())

def end_of_child(work):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

def held(lock):
    holds, ends = threading.Event(), threading.Event()
    def hold():
        with lock:
            holds.set()
            ends.wait()
    threading.Thread(target=hold, daemon=True).start()
    holds.wait()
    return ends
"""
LOCKS: Final = {
    "any": """\
thing = lock = ForkLock()
def work():
    with lock:
        pass
""",
    "registry of secrets": """\
from tradai.core._secrets import redaction
lock = redaction._REGISTRY._lock
Secret("obviously-fake-1")
def work():
    Secret("obviously-fake-2")
    register_secret("obviously-fake-3")
    text = "obviously-fake-1 obviously-fake-2 obviously-fake-3"
    assert redact(text) == "*** *** ***"
""",
    "timeframes": """\
from tradai.core._time import timeframe
lock = timeframe._LOCK
def work():
    assert timeframe.Timeframe("17m") is timeframe.Timeframe("17m")
""",
    "memory store": """\
thing = tradai.core.MemoryStore()
lock = thing._lock
def work():
    thing.write("memory:a/b", b"1")
    assert thing.read("memory:a/b").data == b"1"
""",
    "journal": """\
thing = tradai.core.FileJournal(folder / "journal.jsonl")
lock = thing._lock
def work():
    thing.append("forked")
    assert [entry.event for entry in thing.entries()] == ["forked"]
""",
    "memory journal": """\
from tradai.core.testing import MemoryJournal
thing = MemoryJournal()
lock = thing._lock
def work():
    thing.append("forked")
""",
    "candles in memory": """\
from tradai.core.frames import InMemoryDataRepository
thing = InMemoryDataRepository()
lock = thing._lock
def work():
    with thing._lock:
        pass
    assert thing.coverage("BTC/USDT", "5m") is None
""",
}
HOLD: Final = """
ends = held(lock)
code = end_of_child(work)
ends.set()
sys.exit(code)
"""
BLOCKED: Final = """\
reader, writer = os.pipe()
stream = os.fdopen(writer, "w")
configure_logging(stream=stream)
def log_until_the_pipe_is_full():
    while True:
        logging.getLogger("parent").info("x" * 4096)
threading.Thread(target=log_until_the_pipe_is_full, daemon=True).start()
FULL

def work():
    # The child has room: what it writes goes where its own descriptor leads.
    own = os.open(folder / "log", os.O_CREAT | os.O_WRONLY)
    os.dup2(own, writer)
    logging.getLogger("child").info("obviously-fake-1")
    assert b'"logger":"child"' in (folder / "log").read_bytes()

code = end_of_child(work)
os._exit(code)
"""
# The parent's thread holds the lock of the stream from the moment that the pipe takes no more.
WAIT_UNTIL_FULL: Final = """\
import select
while select.select((), (writer,), (), 0)[1]:
    pass
"""
FORKS_INSIDE: Final = """\
lock = ForkLock()
with lock:
    child = os.fork()
    if child == 0:
        with lock:
            pass
if child == 0:
    os._exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
with lock, lock:
    sys.exit(code)
"""
FREE_WHILE_A_CHILD_LIVES: Final = """\
import fcntl, signal
from tradai.core import FileJournal, locked

def with_child():
    child = os.fork()
    if child == 0:
        signal.pause()
    return child

children = []
try:
    with locked(folder, needed=True):
        children.append(with_child())
    journal = FileJournal(folder / "journal.jsonl")
    journal.append("first")
    children.append(with_child())
    journal.close()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    FileJournal(folder / "journal.jsonl").append("second")
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
"""
A_CHILD_LEAVES_THE_LOCK: Final = """\
import fcntl
from tradai.core import FileJournal, locked
from tradai.core.exceptions import StorageError

journal = FileJournal(folder / "journal.jsonl")
journal.append("first")
def work():
    try:
        journal.append("of the child")
    except StorageError:
        journal.close()
        return
    raise AssertionError("there are two writers")
assert end_of_child(work) == 0
assert FileJournal(folder / "journal.jsonl").has_writer()
journal.append("second")
assert [(each.sequence, each.event) for each in journal.entries()] == [(1, "first"), (2, "second")]

child = 0
with locked(folder, needed=True):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(0)
        sys.exit("the child has released the lock")
os._exit(0)
"""
RACE: Final = """\
configure_logging(stream=open(os.devnull, "w"))
for number in range(300):
    Secret(f"obviously-fake-{number:05d}")
stop = threading.Event()
def work_and_log():
    number = 0
    while not stop.is_set():
        number += 1
        Secret(f"obviously-fake-and-new-{number:06d}")
        logging.getLogger("parent").info("obviously-fake-00001")
threads = [threading.Thread(target=work_and_log, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
def log():
    Secret("obviously-fake-child")
    logging.getLogger("child").info("obviously-fake-child")
code = next(filter(None, (end_of_child(log) for _ in range(50))), 0)
stop.set()
sys.exit(code)
"""


def run(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", LOCKS)
def test_a_child_goes_on_while_a_thread_of_its_parent_holds_the_lock(name: str) -> None:
    run(LOCKS[name] + HOLD)


def test_a_child_logs_while_a_thread_of_its_parent_is_blocked_in_a_log_line() -> None:
    run(BLOCKED.replace("FULL", WAIT_UNTIL_FULL))


def test_a_child_that_is_forked_inside_a_lock_leaves_its_block() -> None:
    run(FORKS_INSIDE)


def test_children_log_and_have_secrets_whatever_moment_they_are_forked_at() -> None:
    run(RACE)


def test_the_lock_of_a_file_is_free_after_its_use_while_a_forked_child_lives() -> None:
    run(FREE_WHILE_A_CHILD_LIVES)


def test_a_forked_child_writes_no_journal_of_its_parent_and_releases_none_of_its_locks() -> None:
    run(A_CHILD_LEAVES_THE_LOCK)
