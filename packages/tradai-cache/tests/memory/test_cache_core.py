"""Forks: the child does not wait for its parent. Each runs in a program of its own."""

import subprocess
import sys

PROGRAM = """
import os, threading
from tradai.cache import Cache

cache = Cache()
begun, may_end = threading.Event(), threading.Event()

@cache.cached(ttl=60)
def value(key: str) -> str:
    if key == "slow" and os.getpid() == PARENT:
        begun.set()
        may_end.wait(60)
    return f"{key} of the {'parent' if os.getpid() == PARENT else 'child'}"

PARENT = os.getpid()
value("known")
threading.Thread(target=value, args=("slow",)).start()
begun.wait(60)
HOW
child = os.fork()
if child == 0:
    print(value("known"), value("slow"), value("new"), sep=", ", flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
may_end.set()
print(value("known"), value("slow"), value("new"), sep=", ")
raise SystemExit(os.waitstatus_to_exitcode(status))
"""
# A thread that holds the lock nearly all the time.
BUSY = """
def churn():
    while not may_end.is_set():
        value.invalidate("churned")
        value("churned")

threading.Thread(target=churn, daemon=True).start()
"""


def _output(how: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.replace("HOW", how)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_forked_child_does_not_wait_for_threads_of_its_parent() -> None:
    assert _output("") == [
        "known of the parent, slow of the child, new of the child",
        "known of the parent, slow of the parent, new of the parent",
    ]


def test_a_forked_child_does_not_wait_for_a_lock_that_was_held() -> None:
    assert len(_output(BUSY)) == 2
