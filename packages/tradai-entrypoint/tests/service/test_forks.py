"""A forked child may look at a service while a thread of its parent holds one of its locks."""

import subprocess
import sys
from typing import Final

import pytest

PROGRAM: Final = """\
import faulthandler, os, threading, traceback, warnings
from tradai.core import BaseSettings
from tradai.entrypoint import BaseService

warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is the point
service = BaseService(BaseSettings())

def held(lock):
    holds, ends = threading.Event(), threading.Event()
    def hold():
        with lock:
            holds.set()
            ends.wait()
    threading.Thread(target=hold, daemon=True).start()
    holds.wait()
    return ends

LOCK
ends = held(lock)
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
ends.set()
raise SystemExit(code)
"""
LOCKS: Final = {
    "lifecycle": """\
lock = service._lifecycle._lock
def work():
    service.request_stop()
    assert service.run() == 0
""",
    "stop request": """\
lock = service._stop._lock
def work():
    service.request_stop()
    assert service.stop_requested
""",
    "composition by Hydra": """\
from pathlib import Path
import tempfile
from tradai.entrypoint._service import hydra_compose
lock = hydra_compose._COMPOSING
file = Path(tempfile.mkdtemp()) / "config.yaml"
file.write_text("defaults: [_self_]\\nport: 5432\\n")
def work():
    assert BaseService(BaseSettings(), config=file).config.port == 5432
""",
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_child_goes_on_while_a_thread_of_its_parent_holds_the_lock(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("LOCK", LOCKS[name])],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
