"""Forks of a process whose threads use caches, or make them."""

import subprocess
import sys

FORK = """
import faulthandler, os, threading, warnings
from tradai.cache import Cache

warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is the point
cache = Cache()
holds, ends = threading.Event(), threading.Event()

def hold():
    with cache._lock:
        holds.set()
        ends.wait()

threading.Thread(target=hold, daemon=True).start()
holds.wait()
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(60, exit=True)

    @cache.namespace("in-the-child").cached(ttl=60)
    def double(number: int) -> int:
        return 2 * number

    os._exit(0 if double(4) == 8 else 1)
ends.set()
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

FORKS_WHILE_CACHES_ARE_MADE = """
import faulthandler, os, sys, threading, warnings
from tradai.cache import Cache

warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is the point
sys.setswitchinterval(1e-5)
faulthandler.dump_traceback_later(240, exit=True)
caches, ends = [Cache() for _ in range(20)], threading.Event()

def make():
    while not ends.is_set():
        Cache()

makers = [threading.Thread(target=make) for _ in range(3)]
for maker in makers:
    maker.start()
codes = []
for _ in range(100):
    child = os.fork()
    if child == 0:
        os._exit(0)
    codes.append(os.waitpid(child, 0)[1])
ends.set()
for maker in makers:
    maker.join()

def double(number: int) -> int:
    return 2 * number

def use():
    answers.extend(cache.cached(ttl=60)(double)(4) for cache in caches)

answers = []
user = threading.Thread(target=use)
user.start()
user.join()
raise SystemExit(not (answers == [8] * 20 and set(codes) == {0}))
"""


def test_a_child_makes_a_namespace_while_a_thread_of_its_parent_does() -> None:
    run(FORK)


def test_caches_are_of_use_after_forks_while_other_threads_make_caches() -> None:
    run(FORKS_WHILE_CACHES_ARE_MADE)


def run(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=300
    )

    assert (ended.returncode, ended.stderr) == (0, "")
