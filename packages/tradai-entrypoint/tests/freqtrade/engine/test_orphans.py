import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tradai.entrypoint.freqtrade._engine.orphans import OrphanReaper

NAMESPACE = ["unshare", "--fork", "--pid", "--mount-proc"]
# Supervises an engine as process 1, beside three children that it has not waited for yet.
INIT = """
    import json, os, subprocess, sys
    from pathlib import Path
    from tradai.entrypoint._process import exec_child
    from tradai.entrypoint._process.interrupts import Interrupts
    from tradai.entrypoint.freqtrade._engine.process import EngineProcess, WakeReason

    folder, program = sys.argv[1:]
    before = subprocess.Popen(["sh", "-c", "exit 6"])
    # In a session of its own, as the reader of candles is: looks like an orphan, but is none.
    apart = subprocess.Popen(["sh", "-c", "exit 7"], start_new_session=True)
    lines = []
    engine = EngineProcess([sys.executable, "-u", "-c", program], stdin=b"", environ={},
        folder=Path(folder), log_file=Path(folder) / "engine.log", on_line=lines.append)

    def processes():
        # The guard that the engine's first program leaves lives a second longer than the engine.
        paths = [path for path in Path("/proc").glob("[0-9]*/stat")
            if path.with_name("cmdline").read_text().split("\\0")[3:4] != [exec_child.__file__]]
        stats = [path.read_text() for path in paths]
        return [stat.rpartition(")")[2].split()[0] for stat in stats]

    with Interrupts() as interrupts, engine:
        later = subprocess.Popen(["sh", "-c", "exit 8"])
        engine.follow(interrupts, until=lambda: "orphans made" in lines, timeout_s=60)
        # This process, the engine, the deaf orphan, and the three that were not waited for.
        reason = engine.follow(interrupts, until=lambda: len(processes()) == 6, timeout_s=60)
        print(reason is WakeReason.REACHED, processes().count("Z"), flush=True)
        ended = engine.wait(interrupts, grace_s=60)
    print(json.dumps({"pid": os.getpid(), "signal": ended.signal, "by": ended.interrupted_by,
        "before": before.wait(), "apart": apart.wait(), "later": later.wait(),
        "left": len(processes()) - 1}), flush=True)
"""
# Leaves an orphan in its own session and one in a session of its own; both end by
# themselves. A third lives until it is killed.
ENGINE = """
    import os, time
    for kind in ("same session", "own session", "deaf"):
        if not os.fork():
            if not os.fork():
                if kind == "own session":
                    os.setsid()
                    time.sleep(0.2)
                if kind == "deaf":
                    import signal
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    time.sleep(600)
            os._exit(0)
        os.wait()
    print("orphans made")
    time.sleep(600)
"""


def can_be_process_one() -> bool:
    try:
        tried = subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@pytest.mark.skipif(not can_be_process_one(), reason="making a PID namespace is not permitted here")
def test_as_process_one_it_stops_on_a_signal_and_reaps_only_orphans(
    tmp_path: Path,
) -> None:
    command = [*NAMESPACE, sys.executable, "-c", dedent(INIT), str(tmp_path), dedent(ENGINE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as unshare:
        assert unshare.stdout is not None
        waited = unshare.stdout.readline()
        init = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text()
        os.kill(int(init), signal.SIGTERM)
        said = json.loads(unshare.stdout.readline())

    assert waited == "True 3\n"
    assert said == {
        "pid": 1,
        "signal": 15,
        "by": 15,
        "before": 6,
        "apart": 7,
        "later": 8,
        "left": 0,
    }


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked without reaping")
def test_any_other_process_leaves_its_children_alone() -> None:
    reaper = OrphanReaper()
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        reaper.reap()

    assert child.returncode == 7
