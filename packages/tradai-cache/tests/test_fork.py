"""A forked child of a process whose threads hold the lock of a cache: it makes namespaces too."""

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


def test_a_child_makes_a_namespace_while_a_thread_of_its_parent_does() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORK], check=False, capture_output=True, text=True, timeout=300
    )

    assert (ended.returncode, ended.stderr) == (0, "")
